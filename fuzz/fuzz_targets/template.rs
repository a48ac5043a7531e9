//! Templates and the tokens minted after them: `laws::template`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::template::hold(data));
