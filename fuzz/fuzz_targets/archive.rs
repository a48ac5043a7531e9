//! Unpacking any bytes: `laws::archive`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::archive::hold(data));
