//! A number of bytes as a person writes it.

use std::str::FromStr;

use crate::domain::sanitize::Safe;
use crate::error::Error;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::usage(format!("\"{}\" is not a size", Safe(text)))
                .hinted("a size is bytes, or a number with K, M, G or T: 500M")
        };
        let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
        let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            "t" | "tb" | "tib" => 40,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        for (text, bytes) in
            [("0", 0), ("17", 17), ("4K", 4096), ("2GiB", 2 << 30), ("1mb", 1 << 20)]
        {
            assert_eq!(text.parse::<Size>().expect(text), Size(bytes));
        }
        for text in ["", "K", "-1", "1.5G", "9x", "99999999999T"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
