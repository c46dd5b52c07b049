//! libFuzzer for the target `procfs`, whose body is in `crates/fuzzing/src/procfs.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("procfs", data));
