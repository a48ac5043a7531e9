//! Connections to `keyward serve`: `laws::answers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::answers::hold(data));
