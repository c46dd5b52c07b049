//! libFuzzer for the target `passwd`, whose body is in `crates/fuzzing/src/passwd.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("passwd", data));
