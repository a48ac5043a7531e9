//! Policies: what was read is written and read as the same, and a policy that was taken can be lived by.
//!
//! An input is a policy's text.

use keyward::domain::policy::Policy;
use keyward::domain::timestamp::Timestamp;
use keyward::domain::token::MINIMUM_BITS;
use keyward::error::Kind;

use super::reference;
use super::repeatable::Repeatable;
use super::shown::{assert_harmless, assert_presentable};

/// Days on which a key may be minted: the end of January, the middle of a year before a leap year, a leap day, the longest
/// pair of months, and one some generations ahead.
const DAYS: [&str; 5] = [
    "2026-01-31T00:00:00Z",
    "2027-06-01T12:00:00Z",
    "2028-02-29T23:59:59Z",
    "2030-07-01T00:00:00Z",
    "2095-03-01T00:00:00Z",
];

/// Holds policies to their laws.
pub fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Policy::from_toml(text) {
        Ok(policy) => {
            is_the_same_again(&policy);
            has_tokens(&policy, text);
            has_words_that_can_be_shown(&policy);
            for day in DAYS {
                can_be_lived_by(&policy, moment(day));
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::InvalidPolicy);
            assert_presentable(&error);
            has_its_line(&error.to_string(), text);
        }
    }
}

fn is_the_same_again(policy: &Policy) {
    let written = policy.to_toml();
    let again = Policy::from_toml(&written).expect(&written);
    assert_eq!(&again, policy, "{written}");
    assert_eq!(again.to_toml(), written);
}

/// Every environment has tokens, which nobody guesses.
fn has_tokens(policy: &Policy, seed: &str) {
    let format = policy.token_format().expect("checked");
    assert!(format.secret_bits() >= MINIMUM_BITS);
    let template = format.template.to_string();
    assert_eq!(template.parse().ok().as_ref(), Some(&format.template));
    let first = policy.environment(None).expect("there is one");
    assert_eq!(first, policy.environments[0]);
    let mut random = Repeatable::from(seed.as_bytes());
    for environment in &policy.environments {
        assert_eq!(policy.environment(Some(environment)).ok(), Some(&**environment));
        let minted = format.mint(environment, &mut random).expect("random");
        let token = minted.secret.expose();
        assert!(format.recognises(token), "{token}");
        assert!(reference::recognises(&format, token.as_bytes()), "{token}");
    }
}

fn has_words_that_can_be_shown(policy: &Policy) {
    for word in policy
        .environments
        .iter()
        .chain(policy.scopes.keys())
        .chain(policy.plans.keys())
        .chain(&policy.default_plan)
    {
        assert_harmless(&format!("\"{word}\""));
        assert!(!word.is_empty() && word.is_ascii() && !word.contains(' '));
    }
    for plan in policy.plans.keys() {
        assert!(policy.plan(plan).is_ok());
    }
    assert!(policy.default_plan.iter().all(|plan| policy.plan(plan).is_ok()));
}

/// A key that nothing is wished for can be minted and rotated, on whatever day.
fn can_be_lived_by(policy: &Policy, now: Timestamp) {
    let expiry = policy.expiry(None, now);
    let expires_at = expiry.unwrap_or_else(|error| panic!("on {now} no key: {error}"));
    assert!(expires_at.is_none_or(|expires_at| expires_at > now));
    if let Some(maximum) = &policy.maximum_lifetime {
        let latest = maximum.after(now).expect("a maximum");
        assert!(expires_at.is_some_and(|expires_at| expires_at <= latest));
    }
    for lifetime in [&policy.rotation_grace, &policy.usage_retention] {
        let end = lifetime.after(now);
        assert!(end.is_ok_and(|end| end >= now), "on {now}: {lifetime}");
    }
    assert_ne!(policy.active_key_cap, Some(0));
    let known: Vec<String> = policy.scopes.keys().cloned().collect();
    let some = known.len().min(policy.scopes_per_key.min as usize);
    assert!(policy.check_scopes(&known[..some], &[]).is_ok());
}

/// A line that a refusal names is one of the text.
fn has_its_line(message: &str, text: &str) {
    let Some(rest) = message.strip_prefix("the policy cannot be read in line ") else {
        return;
    };
    let (line, _) = rest.split_once(':').expect("a colon");
    let line: usize = line.parse().expect("a number");
    assert!((1..=text.split('\n').count()).contains(&line), "{message}");
}

fn moment(text: &str) -> Timestamp {
    use keyward::domain::when::When;
    match text.parse() {
        Ok(When::At(moment)) => moment,
        other => panic!("{text} is {other:?}"),
    }
}
