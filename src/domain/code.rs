//! A verdict's reasons in their order, with the word, exit status, HTTP status and sentence of each.
//!
//! This module never judges: it imports nothing.

/// A verdict's reason; the order is the order in which they are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Every check passed.
    Valid,
    /// Not the form or not the checksum of any workspace's tokens.
    Malformed,
    /// No key has this secret.
    NotFound,
    /// The key is revoked.
    Revoked,
    /// The key's secret was never delivered, or is held.
    Pending,
    /// The key is paused.
    Disabled,
    /// The key's time is over.
    Expired,
    /// The key is of another environment.
    WrongEnvironment,
    /// The address is not in the key's allow-list.
    IpDenied,
    /// The key lacks a required scope.
    InsufficientScope,
    /// The key was used too often of late.
    RateLimited,
    /// The workspace has spent its credits of this month.
    QuotaExceeded,
}

impl Code {
    /// The stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::Revoked => "revoked",
            Self::Pending => "pending",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::WrongEnvironment => "wrong_environment",
            Self::IpDenied => "ip_denied",
            Self::InsufficientScope => "insufficient_scope",
            Self::RateLimited => "rate_limited",
            Self::QuotaExceeded => "quota_exceeded",
        }
    }

    /// The process's exit status.
    pub fn exit(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Malformed | Self::NotFound => 10,
            Self::Revoked => 11,
            Self::Expired => 12,
            Self::Pending | Self::Disabled => 13,
            Self::WrongEnvironment | Self::IpDenied | Self::InsufficientScope => 14,
            Self::RateLimited | Self::QuotaExceeded => 15,
        }
    }

    /// The HTTP status an API would answer with.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Valid => 200,
            Self::Malformed
            | Self::NotFound
            | Self::Revoked
            | Self::Pending
            | Self::Disabled
            | Self::Expired => 401,
            Self::WrongEnvironment | Self::IpDenied | Self::InsufficientScope => 403,
            Self::RateLimited | Self::QuotaExceeded => 429,
        }
    }

    /// A sentence for people; it names nothing of the key.
    pub fn message(self) -> &'static str {
        match self {
            Self::Valid => "the key is valid",
            Self::Malformed => "this is not a key's secret: its form or checksum is wrong",
            Self::NotFound => "no key has this secret",
            Self::Revoked => "the key is revoked",
            Self::Pending => "the key's secret has not been activated",
            Self::Disabled => "the key is disabled",
            Self::Expired => "the key has expired",
            Self::WrongEnvironment => "the key is of another environment",
            Self::IpDenied => "the key may not be used from this address",
            Self::InsufficientScope => "the key lacks a required scope",
            Self::RateLimited => "the key is used too often",
            Self::QuotaExceeded => "the workspace has spent this month's credits",
        }
    }

    /// Every code, in the order in which they are judged, `Valid` first.
    pub const ALL: [Self; 12] = [
        Self::Valid,
        Self::Malformed,
        Self::NotFound,
        Self::Revoked,
        Self::Pending,
        Self::Disabled,
        Self::Expired,
        Self::WrongEnvironment,
        Self::IpDenied,
        Self::InsufficientScope,
        Self::RateLimited,
        Self::QuotaExceeded,
    ];

    /// The code of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.word() == word)
    }
}
