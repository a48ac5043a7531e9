//! Texts from outside on terminals, in CI logs and in shells: `laws::escaper`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::escaper::hold(data));
