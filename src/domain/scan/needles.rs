//! What is searched for: the beginnings of tokens, as they are and in every encoding. Those that are written with escapes are found
//! by the escape.

use super::text::Layer;
use crate::domain::words::words;

words! {
    /// How a token was written where it was found.
    pub enum Encoding {
        /// Two bytes for each character.
        Utf16 = "utf-16",
        /// RFC 4648.
        Base64 = "base64",
        /// Two digits for each byte.
        Hex = "hex",
        /// `%5F` (RFC 3986).
        Percent = "percent",
        /// `=5F` (RFC 2045).
        QuotedPrintable = "quoted-printable",
        /// `\u005f`, `\x5f`, `\137` or `\_`.
        Escaped = "escaped",
        /// `&#95;`, `&#x5f;` or `&lowbar;`.
        Html = "html",
    }
}

/// The longest needle, in bytes. The rest of a front is read like the rest of the token; a short needle is seldom cut by a line
/// break.
const LONGEST: usize = 12;

/// The beginning of a front as an encoding writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needle {
    pub bytes: Vec<u8>,
    /// What has to be taken off to read on from here, the outermost first.
    pub layers: Vec<Layer>,
    pub encodings: Vec<Encoding>,
    /// How many bytes before the needle the token begins.
    pub before: usize,
    pub front: usize,
}

impl Needle {
    /// What is read where a front with this number is written with escapes.
    pub(super) fn escaped(text: &str, front: usize, encoding: Encoding) -> Self {
        let (bytes, encodings) = (text.as_bytes().to_vec(), vec![encoding]);
        Self { bytes, layers: Vec::new(), encodings, before: 0, front }
    }
}

/// The needles of a front, which has this number.
pub(super) fn of_front(text: &str, front: usize) -> Vec<Needle> {
    let mut needles: Vec<Needle> = Vec::new();
    let mut add = |bytes: Vec<u8>, layers: &[Layer], encodings: &[Encoding], before| {
        let mut bytes = bytes;
        bytes.truncate(LONGEST);
        if needles.iter().all(|needle| needle.bytes != bytes) {
            let (layers, encodings) = (layers.to_vec(), encodings.to_vec());
            needles.push(Needle { bytes, layers, encodings, before, front });
        }
    };
    let plain = text.as_bytes();
    add(plain.to_vec(), &[], &[], 0);
    let mut wide: Vec<u8> = plain.iter().flat_map(|byte| [*byte, 0]).collect();
    wide.pop();
    add(wide.clone(), &[Layer::Utf16], &[Encoding::Utf16], 0);
    for inner in base64(plain) {
        add(inner.text.clone(), &[inner.layer], &[Encoding::Base64], inner.characters(0));
        let bits = inner.bits_before();
        for outer in base64(&inner.text) {
            let layers = [outer.layer, inner.layer];
            let encodings = [Encoding::Base64, Encoding::Base64];
            add(outer.text.clone(), &layers, &encodings, outer.characters(bits));
        }
    }
    for outer in base64(&wide) {
        let (layers, encodings) =
            ([outer.layer, Layer::Utf16], [Encoding::Base64, Encoding::Utf16]);
        add(outer.text.clone(), &layers, &encodings, outer.characters(0));
    }
    add(written(plain, |byte| format!("{byte:02x}")), &[Layer::Hex], &[Encoding::Hex], 0);
    add(written(plain, |byte| format!("{byte:02X}")), &[Layer::Hex], &[Encoding::Hex], 0);
    needles
}

fn written(plain: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    plain.iter().flat_map(|byte| write(*byte).into_bytes()).collect()
}

/// What Base64 makes of bytes that stand somewhere in a stream: the characters that depend on nothing else.
struct Base64 {
    text: Vec<u8>,
    layer: Layer,
    /// How many of the first bits belong to the character before these.
    count: u8,
}

impl Base64 {
    /// How many bits of the stream before these characters the encoded bytes take, rounded up to bytes of what is encoded.
    fn bits_before(&self) -> u32 {
        // The character before stands in the outer text as a byte.
        if self.count > 0 { 8 } else { 0 }
    }

    /// How many characters before these the token begins, where so many bits of it are before the bytes that were encoded.
    fn characters(&self, bits: u32) -> usize {
        (u32::from(self.count) + bits).div_ceil(6) as usize
    }
}

/// Those of the three places that the first of the bytes can have in a group of three.
fn base64(bytes: &[u8]) -> impl Iterator<Item = Base64> {
    const CHARACTERS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0_u8, 4, 2].into_iter().map(move |count| {
        let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
        let (first, last) = (usize::from(count), bytes.len() * 8);
        let starts = (first..).step_by(6).take_while(|start| start + 6 <= last);
        let text = starts.map(|start| {
            let value = (start..start + 6).fold(0, |value, at| value << 1 | bit(at));
            CHARACTERS[usize::from(value)]
        });
        let bits = (0..first).fold(0, |value, at| value << 1 | bit(at));
        Base64 { text: text.collect(), layer: Layer::Base64 { count, bits }, count }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(front: &str) -> Vec<String> {
        let needles = of_front(front, 0);
        needles.iter().map(|needle| String::from_utf8_lossy(&needle.bytes).into_owned()).collect()
    }

    #[test]
    fn a_front_has_a_needle_for_each_encoding() {
        let texts = texts("kw_live_");
        for known in [
            "kw_live_",
            "k\0w\0_\0l\0i\0v\0",
            "a3dfbGl2ZV",
            "t3X2xpdmVf",
            "rd19saXZlX",
            "YTNkZmJHbDJa",
            "6b775f6c6976",
            "6B775F6C6976",
        ] {
            assert!(texts.contains(&known.to_owned()), "{known} is not in {texts:?}");
        }
        assert!(texts.len() <= 21, "{}", texts.len());
    }

    #[test]
    fn a_short_front_has_needles_that_are_no_shorter_than_four_characters() {
        assert!(of_front("sk_l", 0).iter().all(|needle| needle.bytes.len() >= 4));
    }
}
