//! What a request says of itself over HTTP: `laws::presented`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::presented::hold(data));
