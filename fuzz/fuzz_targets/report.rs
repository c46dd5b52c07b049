//! libFuzzer for the target `report`, whose body is in `crates/fuzzing/src/report.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("report", data));
