//! JSON as pure ASCII, so that it can be shown on any terminal and in any CI log.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes a value as one line of ASCII JSON, without a line feed.
pub fn write(writer: impl Write, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(writer, Ascii)).map_err(io::Error::from)
}

/// Adds a value to what is written.
pub fn append(buffer: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    write(buffer, value).expect("memory takes every byte, and views have text keys");
}

/// The value as one line of ASCII JSON.
pub fn to_string(value: &impl Serialize) -> String {
    let mut buffer = Vec::new();
    append(&mut buffer, value);
    String::from_utf8(buffer).expect("the formatter writes ASCII")
}

/// The value as one line of ASCII JSON, in memory that is wiped.
///
/// SECURITY: room for everything at once, so that growing leaves no copy behind.
#[cfg(feature = "serve")]
pub fn to_bytes(value: &impl Serialize) -> zeroize::Zeroizing<Vec<u8>> {
    let mut buffer = zeroize::Zeroizing::new(Vec::with_capacity(16 * 1024));
    append(&mut buffer, value);
    buffer
}

/// Compact JSON in which every character outside printable ASCII is escaped, and every second `#` in a row, so that no
/// log line can carry Azure's `##[` or `##vso[`.
struct Ascii;

impl Formatter for Ascii {
    /// In JSON, characters outside ASCII appear only in texts, where they are escaped; control characters can only be
    /// the whitespace between values.
    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for (index, piece) in fragment.split(['\t', '\r', '\n']).enumerate() {
            if index > 0 {
                writer.write_all(b" ")?;
            }
            self.write_string_fragment(writer, piece)?;
        }
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'#';
        if fragment.bytes().all(is_plain) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut previous = '\0';
        for character in fragment.chars() {
            match character {
                '#' if previous == '#' => writer.write_all(b"\\u0023")?,
                ' '..='~' => writer.write_all(&[character as u8])?,
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
            }
            previous = character;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_or_a_runner_could_obey_is_escaped() {
        assert_eq!(to_string(&"é\u{202e}\u{9b}\u{7f}鍵"), r#""\u00e9\u202e\u009b\u007f\u9375""#);
        assert_eq!(to_string(&"😀"), r#""\ud83d\ude00""#);
        assert_eq!(to_string(&"##[error]\n::x"), "\"#\\u0023[error]\\n::x\"");
    }

    #[test]
    fn a_piece_of_json_stays_the_same_value() {
        let piece = "[\"é##\u{7f}\",\t12345678901234567890,\r1e400]";
        let raw: &serde_json::value::RawValue = serde_json::from_str(piece).expect("JSON");
        assert_eq!(to_string(&raw), r#"["\u00e9#\u0023\u007f", 12345678901234567890, 1e400]"#);
    }

    proptest! {
        #[test]
        fn every_text_comes_back_from_ascii(text in any::<String>()) {
            let json = to_string(&text);
            prop_assert!(json.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert!(!json.contains("##"));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }
    }
}
