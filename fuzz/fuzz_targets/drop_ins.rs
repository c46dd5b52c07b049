//! libFuzzer for the target `drop_ins`, whose body is in `crates/fuzzing/src/drop_ins.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("drop_ins", data));
