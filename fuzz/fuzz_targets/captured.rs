//! libFuzzer for the target `captured`, whose body is in `crates/fuzzing/src/captured.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("captured", data));
