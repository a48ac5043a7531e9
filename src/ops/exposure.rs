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
        let parts = parts(text);
        if parts.is_empty() {
            return Ok(None);
        }
        let forms = self.forms.of(self.reader)?;
        let hashes = parts.iter().flat_map(|part| {
            let foreign = forms.iter().filter_map(|form| form.hash(part));
            foreign.chain([SecretHash::of(part)])
        });
        if self.reader.has_any_hash(&hashes.collect::<Vec<_>>())? {
            return Ok(Some(Found::Known));
        }
        let mut words = parts.iter().filter_map(|part| std::str::from_utf8(part).ok());
        let has_form = |word: &str| {
            has_run(word) && self.formats().iter().any(|format| format.recognises(word))
        };
        Ok(words.any(has_form).then_some(Found::Form))
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
