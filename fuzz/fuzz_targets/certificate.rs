//! libFuzzer for the target `certificate`, whose body is in `crates/fuzzing/src/certificate.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("certificate", data));
