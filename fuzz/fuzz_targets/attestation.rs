//! libFuzzer for the target `attestation`, whose body is in `crates/fuzzing/src/attestation.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("attestation", data));
