//! libFuzzer for the target `dbus`, whose body is in `crates/fuzzing/src/dbus.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kubeassay_fuzzing::run("dbus", data));
