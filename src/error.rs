//! The one error type: what went wrong, the word and exit status that say so, and what to do about it.
//!
//! This module never prints, never colours and does not use clap.

use std::fmt;

use crate::domain::code::Code;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The process's exit status.
pub type Exit = u8;

/// That of a gate that found something, and of a check that changes are pending.
pub const FINDINGS: Exit = 18;

/// What kind of failure this is; decides the code word and the exit status, both frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A fault of keyward itself.
    Internal,
    /// Wrong arguments, a wrong file, or a prompt that cannot be asked.
    Usage,
    /// A name that breaks the naming rules.
    InvalidName,
    /// A policy that cannot be read or that breaks a rule.
    InvalidPolicy,
    /// A manifest that cannot be read or that breaks a rule.
    InvalidManifest,
    /// No such key.
    KeyNotFound,
    /// No such workspace.
    WorkspaceNotFound,
    /// The named store, or the store to examine, does not exist.
    StoreNotFound,
    /// The name belongs to a live key or a workspace.
    NameTaken,
    /// A selector that means several things.
    Ambiguous,
    /// The thing is not in a state for this.
    Conflict,
    /// The key exists, but its secret is not where it should be.
    SecretMissing,
    /// The active-key cap is reached.
    LimitReached,
    /// The caller's scopes do not allow this.
    ScopeRejected,
    /// A scope, or a number of scopes, that the policy does not allow.
    InvalidScope,
    /// An environment that the policy does not have.
    InvalidEnvironment,
    /// An expiry in the past or beyond the policy's maximum.
    InvalidExpiry,
    /// A key that was to be idle is in use.
    InUse,
    /// The store stayed locked longer than `--wait`.
    Busy,
    /// Reading or writing failed.
    Io,
    /// Unsafe permissions on a file or folder.
    Permissions,
    /// The store is damaged.
    Damaged,
    /// The file is not a keyward store.
    Foreign,
    /// The store was made by a newer keyward.
    NewerStore,
    /// A presented secret was refused, for the verdict's reason.
    Refused(Code),
    /// The secret did not reach its sink; the key is void or was never minted.
    DeliveryFailed,
    /// It could not be determined whether the change happened.
    UnknownOutcome,
    /// Interrupted, or a prompt was declined.
    Interrupted,
}

impl Kind {
    /// The stable word scripts match on.
    pub fn code(self) -> &'static str {
        self.said().0
    }

    /// The process's exit status.
    pub fn exit(self) -> Exit {
        self.said().1
    }

    /// The HTTP status of a request that failed so.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Refused(code) => code.http_status(),
            Self::ScopeRejected => 403,
            Self::KeyNotFound | Self::WorkspaceNotFound => 404,
            Self::NameTaken
            | Self::Ambiguous
            | Self::Conflict
            | Self::SecretMissing
            | Self::LimitReached
            | Self::InUse => 409,
            Self::Usage
            | Self::InvalidName
            | Self::InvalidPolicy
            | Self::InvalidManifest
            | Self::InvalidScope
            | Self::InvalidEnvironment
            | Self::InvalidExpiry => 422,
            Self::StoreNotFound
            | Self::Busy
            | Self::Io
            | Self::Permissions
            | Self::Foreign
            | Self::NewerStore
            | Self::Interrupted => 503,
            Self::Internal | Self::Damaged | Self::DeliveryFailed | Self::UnknownOutcome => 500,
        }
    }

    fn said(self) -> (&'static str, Exit) {
        match self {
            Self::Internal => ("internal", 1),
            Self::Usage => ("usage", 2),
            Self::InvalidName => ("invalid_name", 2),
            Self::InvalidPolicy => ("invalid_policy", 2),
            Self::InvalidManifest => ("invalid_manifest", 2),
            Self::KeyNotFound => ("key_not_found", 3),
            Self::WorkspaceNotFound => ("workspace_not_found", 3),
            Self::StoreNotFound => ("store_not_found", 3),
            Self::NameTaken => ("name_taken", 4),
            Self::Ambiguous => ("ambiguous", 4),
            Self::Conflict => ("conflict", 4),
            Self::SecretMissing => ("secret_missing", 4),
            Self::LimitReached => ("limit_reached", 5),
            Self::ScopeRejected => ("scope_rejected", 5),
            Self::InvalidScope => ("invalid_scope", 5),
            Self::InvalidEnvironment => ("invalid_environment", 5),
            Self::InvalidExpiry => ("invalid_expiry", 5),
            Self::InUse => ("in_use", 5),
            Self::Busy => ("busy", 6),
            Self::Io => ("io", 7),
            Self::Permissions => ("permissions", 8),
            Self::Damaged => ("damaged", 9),
            Self::Foreign => ("foreign", 9),
            Self::NewerStore => ("newer_store", 9),
            Self::Refused(code) => (code.word(), code.exit()),
            Self::DeliveryFailed => ("delivery_failed", 16),
            Self::UnknownOutcome => ("unknown_outcome", 17),
            Self::Interrupted => ("interrupted", 130),
        }
    }
}

/// A failure: its kind, a sentence that names the thing, perhaps a hint and a cause.
///
/// Messages are lowercase phrases without a period; a hint is a command that runs, or one plain sentence.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    cause: Option<anyhow::Error>,
}

impl Error {
    /// Makes an error of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, cause: None }
    }

    /// Makes a usage error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Makes the error of a thing that is not in a state for this.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps the failure underneath; it is printed after the message.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same failure with another message around its own.
    #[must_use]
    pub fn told(mut self, tell: impl FnOnce(&str) -> String) -> Self {
        self.message = tell(&self.message);
        self
    }

    /// The same failure as one of another kind: what a file system refused may be a delivery that failed.
    #[must_use]
    pub fn as_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the user can do about it, if anything is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether a pipe that nobody reads any more is at the bottom of this.
    pub fn is_broken_pipe(&self) -> bool {
        let Some(cause) = &self.cause else {
            return false;
        };
        cause
            .chain()
            .filter_map(|error| error.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.cause {
            Some(cause) => write!(formatter, ": {cause:#}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_status_is_below_64_or_the_shells_word_for_an_interrupt() {
        let kinds = [
            Kind::Internal,
            Kind::Usage,
            Kind::DeliveryFailed,
            Kind::UnknownOutcome,
            Kind::NewerStore,
        ];
        assert!(kinds.iter().all(|kind| kind.exit() < 64));
        assert_eq!(Kind::Interrupted.exit(), 130);
    }

    #[test]
    fn a_refused_secret_has_the_verdicts_word_and_exit_status() {
        let kind = Kind::Refused(Code::Revoked);
        assert_eq!((kind.code(), kind.exit()), ("revoked", 11));
    }

    #[test]
    fn the_cause_follows_the_message() {
        let error = Error::new(Kind::Io, "cannot read \"x\"")
            .because(std::io::Error::other("no such luck"));
        assert_eq!(error.to_string(), "cannot read \"x\": no such luck");
    }
}
