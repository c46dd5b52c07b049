//! libFuzzer for the target `arguments`, whose body is in `crates/fuzzing/src/arguments.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("arguments", data));
