//! Going on with the file that is in the store's place, when it is another than the one that was opened.
//!
//! This module never judges by a file that is not in its place any more: what was revoked in the other would still be valid.

use super::Verifier;
use super::reused::Reused;
use super::writing::LONGEST_WAIT;
use crate::domain::words::counted;
use crate::error::{Error, Kind, Result};

impl<T> Verifier<T> {
    /// Looks whether the store's file was replaced, moved or deleted, and goes on with the one that is at its path now. Every
    /// verdict begins with this, so only who wants to know beforehand needs to call it.
    ///
    /// Uses that were not written yet are counted for the keys of the other file that are the same ones; of any others
    /// [`Verifier::loss`] tells.
    ///
    /// # Errors
    /// `store_not_found` while there is no file; what opening the other gives. The next call tries again.
    pub fn follow(&mut self) -> Result<()> {
        if !self.store.follow()? {
            return Ok(());
        }
        self.state.memory.forget();
        self.state.within = None;
        self.state.records = self.store.can_count();
        self.reused = Reused::default();
        // What is left cannot wait any longer: row numbers of the other file are other keys'.
        while let Ok(Some(gone)) = self.write_piece(LONGEST_WAIT) {
            self.lost = self.lost.saturating_add(gone);
        }
        let left = std::mem::take(&mut self.state.pending);
        self.lost = self.lost.saturating_add(left.uses());
        Ok(())
    }

    /// The uses that could not be recorded since this was last asked, because the store's file was replaced; nothing when
    /// there are none.
    pub fn loss(&mut self) -> Option<Error> {
        let uses = match std::mem::take(&mut self.lost) {
            0 => return None,
            lost => counted(lost, "use"),
        };
        Some(Error::new(
            Kind::Io,
            format!("{uses} could not be recorded: the store's file was replaced"),
        ))
    }
}
