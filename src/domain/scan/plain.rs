//! What a token is read from: bytes as they stand, or what they decode to.

/// What a token is read from.
pub(super) trait Text {
    /// The byte at this place, if there is one.
    fn get(&mut self, at: usize) -> Option<u8>;

    /// How many of the first bytes of what was scanned these first ones took.
    fn extent(&self, count: usize) -> usize;
}

/// Bytes as they stand.
pub(super) struct Plain<'a>(pub &'a [u8]);

impl Text for Plain<'_> {
    fn get(&mut self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn extent(&self, count: usize) -> usize {
        count
    }
}
