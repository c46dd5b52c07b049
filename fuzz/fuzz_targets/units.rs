//! libFuzzer for the target `units`, whose body is in `crates/fuzzing/src/units.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("units", data));
