//! libFuzzer for the target `api`, whose body is in `crates/fuzzing/src/api.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("api", data));
