//! libFuzzer for the target `saved_report`, whose body is in `crates/fuzzing/src/saved_report.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("saved_report", data));
