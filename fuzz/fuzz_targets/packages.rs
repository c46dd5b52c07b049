//! libFuzzer for the target `packages`, whose body is in `crates/fuzzing/src/packages.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("packages", data));
