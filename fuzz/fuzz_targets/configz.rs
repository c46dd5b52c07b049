//! libFuzzer for the target `configz`, whose body is in `crates/fuzzing/src/configz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("configz", data));
