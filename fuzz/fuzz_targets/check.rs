//! libFuzzer for the target `check`, whose body is in `crates/fuzzing/src/check.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("check", data));
