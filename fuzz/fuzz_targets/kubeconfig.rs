//! libFuzzer for the target `kubeconfig`, whose body is in `crates/fuzzing/src/kubeconfig.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("kubeconfig", data));
