//! libFuzzer for the target `secrets`, whose body is in `crates/fuzzing/src/secrets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("secrets", data));
