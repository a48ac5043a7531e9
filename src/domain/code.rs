//! A verdict's reasons in their order, with the word, exit status, HTTP status and sentence of each.

use crate::domain::words::words;

words! {
    /// A verdict's reason; the order is the order in which they are judged.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Code {
        /// Every check passed.
        Valid = "valid",
        /// Not the form or not the checksum of any workspace's tokens.
        Malformed = "malformed",
        /// No key has this secret.
        NotFound = "not_found",
        /// The key is revoked.
        Revoked = "revoked",
        /// The key's secret was never delivered, or is held.
        Pending = "pending",
        /// The key is paused.
        Disabled = "disabled",
        /// The key's time is over.
        Expired = "expired",
        /// The key is of another environment.
        WrongEnvironment = "wrong_environment",
        /// The address is not in the key's allow-list.
        IpDenied = "ip_denied",
        /// The key lacks a required scope.
        InsufficientScope = "insufficient_scope",
        /// The key was used too often of late.
        RateLimited = "rate_limited",
        /// The workspace has spent its credits of this month.
        QuotaExceeded = "quota_exceeded",
    }
}

impl Code {
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
}
