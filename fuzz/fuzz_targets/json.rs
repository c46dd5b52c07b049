//! libFuzzer for the target `json`, whose body is in `crates/fuzzing/src/json.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("json", data));
