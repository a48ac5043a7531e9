//! What was kept of a store: backups and exports, each with what the store was then.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::state::Model;
use super::transfer::Line;

/// Backups and exports by their files.
#[derive(Clone, Default)]
pub struct Shelf {
    pub folder: PathBuf,
    pub backups: BTreeMap<PathBuf, Rc<Model>>,
    pub exports: BTreeMap<PathBuf, Rc<Vec<Line>>>,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.backups.keys().chain(self.exports.keys());
        formatter.debug_list().entries(files).finish()
    }
}

impl Model {
    /// Puts the model on its shelf, as a backup of the store is put into a file.
    pub(super) fn back_up(&mut self, file: &Path) {
        let copy = Self { shelf: Shelf::default(), ..self.clone() };
        self.shelf.backups.insert(file.to_owned(), Rc::new(copy));
    }
}
