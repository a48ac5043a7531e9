//! Lines of `keyward verify --stream`: `laws::verify_line`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::verify_line::hold(data));
