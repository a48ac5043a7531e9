//! What a service asks a verifier beside verdicts: whether it is ready, what waits to be written, and whether a text has a key
//! in it.
//!
//! This module never counts anything.

use std::collections::BTreeSet;

use super::Verifier;
use crate::domain::exposure::looks_like_secret;
use crate::error::Result;
use crate::ops::judge::Detector;

/// How many words of a text are looked up, and how long one is: a client chooses both. More of either is as good as a key.
const MOST_WORDS: usize = 4;
const LONGEST_WORD: usize = 256;
/// The longest text that a field may have, in bytes: 256 characters.
const LONGEST_TEXT: usize = 1024;

impl<T> Verifier<T> {
    /// Whether uses are recorded, once the store is seen to be there and whole enough to be read.
    ///
    /// # Errors
    /// As [`Verifier::follow`], and the store's.
    pub fn is_recording(&mut self) -> Result<bool> {
        self.follow()?;
        self.store.read(|reader| reader.head())?;
        Ok(self.state.records)
    }

    /// How many uses wait to be written.
    pub fn unwritten(&self) -> u64 {
        self.state.pending.uses()
    }

    /// Whether one of these texts holds a key of the store, or what has the form of one. Longer texts than names and the like
    /// are not looked at.
    ///
    /// # Errors
    /// As [`Verifier::follow`], and the store's.
    pub fn holds_secret(&mut self, texts: &[&str]) -> Result<bool> {
        self.follow()?;
        self.store.read(|reader| {
            let detector = Detector::new(reader);
            for text in texts.iter().filter(|text| text.len() <= LONGEST_TEXT) {
                if looks_like_secret(text) || detector.finds(text.as_bytes())?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Whether a key of the store, or what has the form of one, is among the words of these texts that look like one.
    ///
    /// # Errors
    /// As [`Verifier::follow`], and the store's.
    pub fn finds_secret(&mut self, texts: &[String]) -> Result<bool> {
        let is_token =
            |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
        let words = texts.iter().flat_map(|text| text.split(|character| !is_token(character)));
        let suspects: BTreeSet<&str> = words.filter(|word| looks_like_secret(word)).collect();
        if suspects.len() > MOST_WORDS || suspects.iter().any(|word| word.len() > LONGEST_WORD) {
            return Ok(true);
        }
        self.follow()?;
        self.store.read(|reader| {
            let detector = Detector::new(reader);
            for word in suspects {
                if detector.finds(word.as_bytes())?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}
