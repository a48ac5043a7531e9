//! Reading manifests: `laws::manifest`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::manifest::hold(data));
