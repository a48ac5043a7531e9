//! Continuing with the file at the store's path if it is not the one that was opened.
//!
//! This module never judges by a file that is no longer at its path: a key revoked in the other would still be valid.

use super::Verifier;
use super::reused::Reused;
use super::writing::LONGEST_WAIT;
use crate::domain::words::counted;
use crate::error::{Error, Kind, Result};

impl<T> Verifier<T> {
    /// Checks whether the store's file was replaced, moved or deleted, and continues with the one at its path now.
    /// Every verdict begins with this, so a service calls it only to find out beforehand.
    ///
    /// Uses that were not written yet are counted for the same keys in the other file; [`Verifier::loss`] reports the
    /// rest.
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
        // What is left cannot wait any longer: in the other file, row numbers belong to other keys.
        while let Ok(Some(gone)) = self.write_piece(LONGEST_WAIT) {
            self.lost = self.lost.saturating_add(gone);
        }
        let left = std::mem::take(&mut self.state.pending);
        self.lost = self.lost.saturating_add(left.uses());
        Ok(())
    }

    /// The uses since the last call that could not be recorded because the store's file was replaced; nothing if there
    /// are none.
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
