//! What verify answers: the reasons in their order, with the exit status and HTTP status of each.
//!
//! This module never looks a key up and never records a use.

use std::net::IpAddr;

use crate::domain::address::Network;
use crate::domain::key::{Key, Life, Status};
use crate::domain::timestamp::Timestamp;

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

/// The whole answer; `S` is what the asker has at hand of a key.
#[derive(Debug)]
pub struct Verdict<S> {
    /// The reason.
    pub code: Code,
    /// The key, unless the secret is malformed or nobody's.
    pub subject: Option<S>,
    /// When the key last verified, this time included.
    pub last_used_at: Option<Timestamp>,
    /// Whether it counts: written already, or within a second.
    pub recorded: bool,
    /// The whole seconds, rounded up, after which the same request can pass, when a limit refused it.
    pub retry_after: Option<u64>,
    /// How many more requests or credits the key's limits leave; `None` without a limit.
    pub remaining: Option<u64>,
}

/// What a key is judged by, which is less than its record, because many are kept in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// What decides whether it lives.
    pub life: Life,
    /// Its environment.
    pub environment: Box<str>,
    /// Its scopes.
    pub scopes: Box<[String]>,
    /// The networks it may be used from; empty is anywhere.
    pub allow: Box<[Network]>,
}

impl From<&Key> for Grounds {
    fn from(key: &Key) -> Self {
        Self {
            life: key.life(),
            environment: key.environment.as_str().into(),
            scopes: key.scopes.as_slice().into(),
            allow: key.allow.as_slice().into(),
        }
    }
}

/// What a request wants to use the key for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The environment it must be of; `None` takes any.
    pub environment: Option<String>,
    /// Where the request comes from. A key with an allow-list is denied when this is unknown.
    pub address: Option<IpAddr>,
    /// The scopes it must all have.
    pub scopes: Vec<String>,
}

/// Judges a key that was found by its hash; rate and quota come after, where counting happens. `seen` is the latest time that
/// the store has seen: what was expired then stays expired.
pub fn judge(key: &Grounds, ask: &Ask, now: Timestamp, seen: Timestamp) -> Code {
    match key.life.status(now, seen) {
        Status::Revoked => return Code::Revoked,
        Status::Pending => return Code::Pending,
        Status::Disabled => return Code::Disabled,
        Status::Expired => return Code::Expired,
        Status::Active => {}
    }
    if ask
        .environment
        .as_ref()
        .is_some_and(|environment| **environment != *key.environment)
    {
        return Code::WrongEnvironment;
    }
    // SECURITY: an unknown address fails closed; a caller that forgets --ip must not switch the allow-list off.
    if !key.allow.is_empty()
        && !ask
            .address
            .is_some_and(|address| key.allow.iter().any(|network| network.holds(address)))
    {
        return Code::IpDenied;
    }
    if !ask.scopes.iter().all(|scope| key.scopes.contains(scope)) {
        return Code::InsufficientScope;
    }
    Code::Valid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::State;
    use crate::domain::key::tests::sample;

    const NOW: Timestamp = Timestamp::from_millis(5000);

    #[test]
    fn the_first_reason_in_the_documented_order_is_the_answer() {
        let mut key = Grounds::from(&sample());
        key.life.expires_at = Some(Timestamp::from_millis(1));
        key.allow = ["10.0.0.0/8".parse().expect("a network")].into();
        let mut ask = Ask {
            environment: Some("test".to_owned()),
            address: None,
            scopes: vec!["write".to_owned()],
        };
        for state in [State::Revoked, State::Pending, State::Disabled] {
            key.life.state = state;
            let expected = match state {
                State::Revoked => Code::Revoked,
                State::Pending => Code::Pending,
                _ => Code::Disabled,
            };
            assert_eq!(judge(&key, &ask, NOW, NOW), expected);
        }
        key.life.state = State::Active;
        assert_eq!(judge(&key, &ask, NOW, NOW), Code::Expired);
        let back = Timestamp::EPOCH;
        assert_eq!(judge(&key, &ask, back, NOW), Code::Expired);
        key.life.expires_at = None;
        assert_eq!(judge(&key, &ask, NOW, NOW), Code::WrongEnvironment);
        ask.environment = Some("live".to_owned());
        assert_eq!(judge(&key, &ask, NOW, NOW), Code::IpDenied);
        ask.address = Some("::ffff:10.0.0.1".parse().expect("an address"));
        assert_eq!(judge(&key, &ask, NOW, NOW), Code::InsufficientScope);
        ask.scopes = vec!["read".to_owned()];
        assert_eq!(judge(&key, &ask, NOW, NOW), Code::Valid);
    }
}
