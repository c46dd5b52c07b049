//! libFuzzer for the target `exec_credential`, whose body is in `crates/fuzzing/src/exec_credential.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("exec_credential", data));
