//! libFuzzer for the target `executable`, whose body is in `crates/fuzzing/src/executable.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("executable", data));
