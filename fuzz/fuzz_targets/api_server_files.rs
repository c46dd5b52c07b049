//! libFuzzer for the target `api_server_files`, whose body is in `crates/fuzzing/src/api_server_files.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("api_server_files", data));
