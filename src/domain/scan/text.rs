//! A text seen through its encodings: bytes as they stand, and what they decode to, one byte after another and no further than
//! somebody asks.

use zeroize::Zeroizing;

use super::join;
use super::plain::Text;
use crate::domain::digest::{nibble, sextet};

/// How many joins a text may have before it is taken for something else. A token of 500 characters in Base64 has ten lines.
pub(super) const MOST_JOINS: usize = 24;

/// How the bytes of a layer stand in the one below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// Base64 that begins in the middle of a byte: how many of its first bits are known, and these.
    Base64 { count: u8, bits: u8 },
    /// Two hexadecimal digits for each byte.
    Hex,
    /// Every other byte; those between are zeros, whichever order they are in.
    Utf16,
}

/// What the text below decodes to.
struct Decoded<'a> {
    below: Box<dyn Text + 'a>,
    layer: Layer,
    /// The decoded bytes so far: of secrets, so they are wiped.
    bytes: Zeroizing<Vec<u8>>,
    /// Where below each of them ends.
    ends: Vec<usize>,
    /// What is next below.
    next: usize,
    bits: u32,
    count: u32,
    joins: usize,
}

/// The text with a layer taken off.
pub(super) fn decoded<'a>(below: Box<dyn Text + 'a>, layer: Layer) -> Box<dyn Text + 'a> {
    let (count, bits) = match layer {
        Layer::Base64 { count, bits } => (count.into(), bits.into()),
        Layer::Hex | Layer::Utf16 => (0, 0),
    };
    Box::new(Decoded {
        below,
        layer,
        // SECURITY: room for the longest token, so that growing leaves no copy behind.
        bytes: Zeroizing::new(Vec::with_capacity(2048)),
        ends: Vec::new(),
        next: 0,
        bits,
        count,
        joins: 0,
    })
}

impl Text for Decoded<'_> {
    fn get(&mut self, at: usize) -> Option<u8> {
        while self.bytes.len() <= at {
            let byte = match self.layer {
                Layer::Base64 { .. } => self.gather(6, sextet)?,
                Layer::Hex => self.gather(4, nibble)?,
                Layer::Utf16 => self.unit()?,
            };
            self.bytes.push(byte);
            self.ends.push(self.next);
        }
        self.bytes.get(at).copied()
    }

    fn extent(&self, count: usize) -> usize {
        let below = count.checked_sub(1).and_then(|last| self.ends.get(last));
        self.below.extent(below.copied().unwrap_or_default())
    }
}

impl Decoded<'_> {
    /// The next byte, of digits that have so many bits each.
    fn gather(&mut self, width: u32, digit: fn(u8) -> Option<u8>) -> Option<u8> {
        while self.count < 8 {
            let byte = self.below.get(self.next)?;
            if let Some(digit) = digit(byte) {
                self.bits = self.bits << width | u32::from(digit);
                self.count += width;
                self.next += 1;
                continue;
            }
            self.joins += 1;
            if self.joins > MOST_JOINS {
                return None;
            }
            self.next += join::at(&mut *self.below, self.next, |byte| digit(byte).is_some())?;
        }
        self.count -= 8;
        let byte = (self.bits >> self.count & 0xff) as u8;
        self.bits &= (1 << self.count) - 1;
        Some(byte)
    }

    fn unit(&mut self) -> Option<u8> {
        let byte = self.below.get(self.next)?;
        // What is not ASCII is not a byte of a token.
        let is_ascii = self.next == 0 || self.below.get(self.next - 1)? == 0;
        self.next += 2;
        Some(if is_ascii { byte } else { u8::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain::Plain;
    use super::*;

    fn read(bytes: &[u8], layers: &[Layer]) -> String {
        let plain: Box<dyn Text + '_> = Box::new(Plain(bytes));
        let mut text = layers.iter().fold(plain, |text, layer| decoded(text, *layer));
        let bytes = (0..).map_while(|at| text.get(at)).collect();
        String::from_utf8(bytes).expect("ASCII")
    }

    #[test]
    fn each_layer_is_read_as_it_was_written() {
        const WHOLE: Layer = Layer::Base64 { count: 0, bits: 0 };
        assert_eq!(read(b"a3dfbGl2ZV8=", &[WHOLE]), "kw_live_");
        assert_eq!(read(b"a3df\r\n  bGl2ZV8", &[WHOLE]), "kw_live_");
        assert_eq!(read(b"YTNkZmJHbDJaVjg9", &[WHOLE, WHOLE]), "kw_live_");
        assert_eq!(read(b"t3X2xpdmVf", &[Layer::Base64 { count: 4, bits: 0x6 }]), "kw_live_");
        assert_eq!(read(b"6b775F6c\n697665", &[Layer::Hex]), "kw_live");
        assert_eq!(read(b"k\0w\0_\0", &[Layer::Utf16]), "kw_");
    }
}
