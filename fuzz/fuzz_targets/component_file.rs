//! libFuzzer for the target `component_file`, whose body is in `crates/fuzzing/src/component_file.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("component_file", data));
