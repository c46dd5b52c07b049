//! libFuzzer for the target `rule_page`, whose body is in `crates/fuzzing/src/rule_page.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("rule_page", data));
