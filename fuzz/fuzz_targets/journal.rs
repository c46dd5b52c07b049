//! libFuzzer for the target `journal`, whose body is in `crates/fuzzing/src/journal.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("journal", data));
