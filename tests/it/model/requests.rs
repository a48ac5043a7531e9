//! What the model test asks, as the library wants to be asked.

use keyward::domain::key::Status;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::domain::verdict;
use keyward::domain::when::When;
use keyward::ops::select::Selector;
use keyward::ops::{list, mint, rotate, set, verifier};
use keyward::store::Order;

use super::operation::{Ask, Changes, Expiry, Named, Operation, Wish};

pub(super) fn minutes<T: std::str::FromStr<Err = keyward::error::Error>>(minutes: i64) -> T {
    format!("{minutes}m").parse().expect("a duration")
}

pub(super) fn when(expiry: Expiry) -> When {
    match expiry {
        Expiry::Never => When::Never,
        Expiry::After(count) => minutes(count),
        Expiry::At(moment) => When::At(Timestamp::from_millis(moment)),
    }
}

pub(super) fn named(named: &Named) -> (Option<&str>, Selector) {
    let selector = Selector { text: named.text.clone(), environment: named.environment.clone() };
    (named.workspace.as_deref(), selector)
}

pub(super) fn request(wish: &Wish, count: u32) -> mint::Request {
    let allow = wish.allow.iter().map(|text| text.parse().expect("a network"));
    mint::Request {
        workspace: wish.workspace.clone(),
        name: wish.name.parse().expect("a name"),
        count,
        environment: wish.environment.clone(),
        scopes: wish.scopes.clone(),
        expires: wish.expires.map(when),
        allow: allow.collect(),
        owner: wish.owner.clone(),
        labels: wish.labels.clone(),
        plan: wish.plan.clone(),
    }
}

pub(super) fn changed(changes: &Changes) -> set::Changes {
    let networks = |texts: &Vec<String>| {
        let networks = texts.iter().map(|text| text.parse().expect("a network"));
        networks.collect()
    };
    let cleared = |text: &String| (!text.is_empty()).then(|| text.clone());
    set::Changes {
        scopes: changes.scopes.clone(),
        allow: changes.allow.as_ref().map(networks),
        owner: changes.owner.as_ref().map(cleared),
        clear_labels: changes.clear_labels,
        labels: changes.labels.clone(),
        plan: changes.plan.as_ref().map(cleared),
    }
}

pub(super) fn listing(operation: &Operation) -> list::Request {
    let Operation::List { workspace, statuses, all, environment, name, owner, label, scope } =
        operation
    else {
        panic!("no listing: {operation:?}");
    };
    use Status::{Active, Disabled, Expired, Pending, Revoked};
    let all_statuses = [Active, Pending, Disabled, Expired, Revoked];
    let is_asked_for = |status: &Status| statuses.iter().any(|asked| asked == status.word());
    list::Request {
        workspace: workspace.clone(),
        everywhere: false,
        statuses: all_statuses.into_iter().filter(is_asked_for).collect(),
        all: *all,
        environment: environment.clone(),
        name: name.clone(),
        owner: owner.clone(),
        labels: label.clone().into_iter().collect(),
        scopes: scope.clone().into_iter().collect(),
        order: Order::Created,
    }
}
/// A request to verify.
pub(super) fn asked(ask: &Ask) -> verifier::Request {
    verifier::Request {
        secret: Secret::new(ask.secret.clone()),
        ask: verdict::Ask {
            environment: ask.environment.clone(),
            address: ask.address.as_ref().map(|text| text.parse().expect("an address")),
            scopes: ask.scopes.clone(),
        },
        workspace: None,
        cost: ask.cost,
        record: ask.record,
    }
}

/// A rotation.
pub(super) fn rotation(operation: &Operation) -> rotate::Request {
    let Operation::Rotate { key, grace, now, hold, expires, changes } = operation else {
        panic!("no rotation: {operation:?}");
    };
    rotate::Request {
        workspace: key.workspace.clone(),
        selector: named(key).1,
        terms: rotate::Terms {
            grace: grace.map(minutes),
            now: *now,
            hold: *hold,
            expires: expires.map(when),
            changes: changed(changes),
            leftover: None,
        },
    }
}
