//! libFuzzer for the target `yaml`, whose body is in `crates/fuzzing/src/yaml.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("yaml", data));
