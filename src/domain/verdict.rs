//! What verify answers, and how a key that was found is judged.

use std::net::IpAddr;

use crate::domain::address::Network;
use crate::domain::code::Code;
use crate::domain::key::{Key, Life, Status};
use crate::domain::timestamp::Timestamp;

/// The whole answer; `S` is what the caller keeps of a key.
#[derive(Debug)]
pub struct Verdict<S> {
    /// The reason.
    pub code: Code,
    /// The key, unless the secret is malformed or belongs to none.
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

/// Judges a key that was found by its hash; rate and quota come after, where counting happens. `seen` is the latest
/// time that the store has recorded: what was expired then stays expired.
pub fn judge(key: &Grounds, ask: &Ask, now: Timestamp, seen: Timestamp) -> Code {
    match key.life.status(now, seen) {
        Status::Revoked => return Code::Revoked,
        Status::Pending => return Code::Pending,
        Status::Disabled => return Code::Disabled,
        Status::Expired => return Code::Expired,
        Status::Active => {}
    }
    if ask.environment.as_ref().is_some_and(|environment| **environment != *key.environment) {
        return Code::WrongEnvironment;
    }
    // SECURITY: an unknown address fails closed; leaving out --ip must not disable the allow-list.
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
