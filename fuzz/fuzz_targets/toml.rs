//! libFuzzer for the target `toml`, whose body is in `crates/fuzzing/src/toml.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("toml", data));
