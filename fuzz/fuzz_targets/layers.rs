//! libFuzzer for the target `layers`, whose body is in `crates/fuzzing/src/layers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("layers", data));
