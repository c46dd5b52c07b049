//! libFuzzer for the target `dns`, whose body is in `crates/fuzzing/src/dns.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("dns", data));
