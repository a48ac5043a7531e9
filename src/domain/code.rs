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
        self.said().0
    }

    /// The HTTP status an API would answer with.
    pub fn http_status(self) -> u16 {
        self.said().1
    }

    /// A sentence for people; it names nothing of the key.
    pub fn message(self) -> &'static str {
        self.said().2
    }

    fn said(self) -> (u8, u16, &'static str) {
        match self {
            Self::Valid => (0, 200, "the key is valid"),
            Self::Malformed => {
                let message = "not a key secret: wrong form or checksum";
                (10, 401, message)
            }
            Self::NotFound => (10, 401, "no key has this secret"),
            Self::Revoked => (11, 401, "the key is revoked"),
            Self::Pending => (13, 401, "the key's secret has not been activated"),
            Self::Disabled => (13, 401, "the key is disabled"),
            Self::Expired => (12, 401, "the key has expired"),
            Self::WrongEnvironment => (14, 403, "the key belongs to another environment"),
            Self::IpDenied => (14, 403, "the key may not be used from this address"),
            Self::InsufficientScope => (14, 403, "the key lacks a required scope"),
            Self::RateLimited => (15, 429, "the key's rate limit is exceeded"),
            Self::QuotaExceeded => (15, 429, "this month's credits are spent"),
        }
    }
}
