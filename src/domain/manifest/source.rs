//! The text of a manifest, in which what is wrong has its line and its field.

use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;

use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind, Result};

/// The text, in which errors have their place.
pub(super) struct Source<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        Self { text, lines: std::iter::once(0).chain(ends).collect() }
    }

    /// The number of the line in which something begins, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|begin| *begin <= span.start)
    }

    /// What TOML says, with the field that the line sets where it does not name one itself.
    pub(super) fn unreadable(&self, error: &toml::de::Error) -> Error {
        let message = Safe(&error.message().replace('\n', " ")).to_string();
        let Some(span) = error.span() else {
            return invalid(format!("the manifest cannot be read: {message}"));
        };
        let line = self.text.lines().nth(self.line(&span) - 1).unwrap_or_default();
        let field = line.split_once('=').map(|(field, _)| field.trim());
        match field.filter(|field| !message.contains(*field)) {
            Some(field) => self.refuse(&span, field, message),
            None => invalid(format!("line {}: {message}", self.line(&span))),
        }
    }

    pub(super) fn refuse(
        &self,
        span: &Range<usize>,
        field: &str,
        message: impl std::fmt::Display,
    ) -> Error {
        invalid(format!("line {}: {}: {message}", self.line(span), Safe(field)))
    }

    pub(super) fn parse<T: FromStr<Err = Error>>(
        &self,
        field: &str,
        text: &Spanned<String>,
    ) -> Result<T> {
        text.get_ref().parse().map_err(|error: Error| {
            let refused = self.refuse(&text.span(), field, &error);
            match error.hint() {
                Some(hint) => refused.hinted(hint),
                None => refused,
            }
        })
    }

    pub(super) fn parse_if_there<T: FromStr<Err = Error>>(
        &self,
        field: &str,
        text: &Option<Spanned<String>>,
    ) -> Result<Option<T>> {
        text.as_ref().map(|text| self.parse(field, text)).transpose()
    }
}

fn invalid(message: String) -> Error {
    Error::new(Kind::InvalidManifest, message)
}
