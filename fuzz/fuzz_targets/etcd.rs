//! libFuzzer for the target `etcd`, whose body is in `crates/fuzzing/src/etcd.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("etcd", data));
