//! Finding this store's secrets in texts where none belongs, by the hashes it keeps and the form of its tokens.
//!
//! This module never says which secret it found, or where.

use std::cell::OnceCell;

use crate::domain::exposure::{has_run, parts};
use crate::domain::secret::SecretHash;
use crate::domain::token::TokenFormat;
use crate::error::Result;
use crate::ops::judge::Forms;
use crate::store::Reader;

/// How a secret was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The store has its hash.
    Known,
    /// It has the form of one, which other words may have too.
    Form,
}

/// What looks for the secrets of one store.
pub struct Detector<'r, 'c> {
    reader: &'r Reader<'c>,
    /// The forms of the workspaces' tokens, once something is as long as one.
    formats: OnceCell<Vec<TokenFormat>>,
    forms: Forms,
}

impl<'r, 'c> Detector<'r, 'c> {
    /// Looks by this reader.
    pub fn new(reader: &'r Reader<'c>) -> Self {
        Self { reader, formats: OnceCell::new(), forms: Forms::default() }
    }

    /// Whether, and how, any part of the text is a secret of this store or has the form of one.
    pub fn finds(&self, text: &[u8]) -> Result<Option<Found>> {
        for part in parts(text) {
            if self.has(part)? {
                return Ok(Some(Found::Known));
            }
            let word = std::str::from_utf8(part).unwrap_or_default();
            if has_run(word) && self.formats().iter().any(|format| format.recognises(word)) {
                return Ok(Some(Found::Form));
            }
        }
        Ok(None)
    }

    fn has(&self, part: &[u8]) -> Result<bool> {
        if self.reader.has_hash(&SecretHash::of(part))? {
            return Ok(true);
        }
        for hash in self.forms.of(self.reader)?.iter().filter_map(|form| form.hash(part)) {
            if self.reader.has_hash(&hash)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those that distinguish a token from a checksum. A workspace that cannot be read is for the command to report.
    fn formats(&self) -> &[TokenFormat] {
        self.formats.get_or_init(|| {
            let workspaces = self.reader.workspaces().unwrap_or_default();
            let formats =
                workspaces.iter().filter_map(|workspace| workspace.policy.token_format().ok());
            formats.filter(TokenFormat::is_distinctive).collect()
        })
    }
}
