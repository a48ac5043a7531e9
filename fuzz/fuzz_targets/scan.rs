//! Finding tokens in any bytes: `laws::scan`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::scan::hold(data));
