//! libFuzzer for the target `objects`, whose body is in `crates/fuzzing/src/objects.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("objects", data));
