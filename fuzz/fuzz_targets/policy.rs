//! Reading, writing and living by policies: `laws::policy`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::policy::hold(data));
