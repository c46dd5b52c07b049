//! libFuzzer for the target `edit`, whose body is in `crates/fuzzing/src/edit.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("edit", data));
