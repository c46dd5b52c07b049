//! libFuzzer for the target `waivers`, whose body is in `crates/fuzzing/src/waivers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("waivers", data));
