//! Reading lines of an import: `laws::import`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::import::hold(data));
