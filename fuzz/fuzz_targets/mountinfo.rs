//! libFuzzer for the target `mountinfo`, whose body is in `crates/fuzzing/src/mountinfo.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("mountinfo", data));
