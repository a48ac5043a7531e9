//! Recognising tokens, whole and altered: `laws::token`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::token::hold(data));
