//! A delivery into a file that may have to be taken back.

use super::place::Target;
use crate::error::Result;
use crate::signals::Interrupts;

/// A delivery into a file, which can be taken back.
pub struct Placed {
    target: Target,
    undo: Box<dyn FnOnce() -> Result<()>>,
}

impl Placed {
    /// What was delivered into this file, and how that is taken back.
    pub(super) fn new(target: &Target, undo: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self { target: target.clone(), undo: Box::new(undo) }
    }

    /// Syncs the folder, so that the name survives a power failure. An interrupt that arrived meanwhile undoes
    /// everything. If that fails, the file is unchanged, or the hint says that it is not.
    pub(super) fn settle(self, interrupts: &Interrupts) -> Result<Self> {
        match self.target.sync().and_then(|()| interrupts.heed()) {
            Ok(()) => Ok(self),
            Err(error) => Err(match self.take_back() {
                Ok(()) => error,
                Err(kept) => error.hinted(format!("{kept}, so it still contains the void secret")),
            }),
        }
    }

    /// Removes the secret from its file again, and nothing that somebody else has put there since.
    pub fn take_back(self) -> Result<()> {
        let Self { target, undo } = self;
        undo()?;
        target.sync()
    }
}
