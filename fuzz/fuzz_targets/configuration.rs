//! libFuzzer for the target `configuration`, whose body is in `crates/fuzzing/src/configuration.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("configuration", data));
