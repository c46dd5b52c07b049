//! libFuzzer for the target `facts`, whose body is in `crates/fuzzing/src/facts.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("facts", data));
