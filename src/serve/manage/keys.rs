//! keyward's own routes for keys.
//!
//! This module never takes a key by anything but its id.

use super::call::{Failure, Outcome, Turn};
use super::{deliver, fields};
use crate::domain::holding::Holding;
use crate::domain::{Key, KeyId, When};
use crate::error::Kind;
use crate::ops::select::Selector;
use crate::ops::set::Changes;
use crate::ops::{change, idempotent, mint, pause, rename, revoke, rotate, set, show};
use crate::output::json;
use crate::output::view::{Changed, LimitsView, Minted, Revoked, Shown};
use crate::random::SystemRandom;
use crate::serve::answer::Answer;
use crate::serve::dialect::Refusal;

/// What is to be done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Show,
    Change,
    Disable,
    Enable,
    Rotate,
    Revoke,
}

/// The selector of an id. Any other text is `not_found`.
pub fn selector(id: &str) -> Result<Selector, Failure> {
    let random = id.strip_prefix(KeyId::PREFIX).unwrap_or_default();
    let is_id = random.len() == 16
        && random.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    match is_id {
        true => Ok(id.into()),
        false => Err(Refusal::plain(Kind::KeyNotFound.code(), 404).into()),
    }
}

/// Does something to a key.
pub fn work(turn: &mut Turn<'_>, id: &str, deed: Deed) -> Outcome {
    let selector = selector(id)?;
    match deed {
        Deed::Show => shown(turn, &selector),
        Deed::Change => changed(turn, &selector),
        Deed::Disable => paused(turn, &selector, pause::Change::Disable),
        Deed::Enable => paused(turn, &selector, pause::Change::Enable),
        Deed::Rotate => rotated(turn, selector),
        Deed::Revoke => revoked(turn, selector),
    }
}

fn shown(turn: &mut Turn<'_>, selector: &Selector) -> Outcome {
    let (now, workspace) = (turn.now(), turn.workspace());
    let (store, actor) = (&mut *turn.store, &turn.actor);
    let shown = show::run(store, actor, workspace.as_deref(), selector, now)?;
    let limits = &shown.limits;
    let limits = LimitsView::new(limits.allowance, limits.used, limits.at);
    Ok(Some(Answer::view(200, &Shown::new(&shown.key, limits, now))))
}

/// The key after a change, and what else is to be known of it.
fn after(turn: &Turn<'_>, outcome: &change::Outcome) -> Answer {
    let change::Outcome { key, also_changed, rest, .. } = outcome;
    Answer::view(200, &Changed::new(key, also_changed, &rest.ids, turn.now()))
}

fn changed(turn: &mut Turn<'_>, selector: &Selector) -> Outcome {
    let wish: fields::Change = fields::read(&turn.call.body)?;
    let (now, workspace) = (turn.now(), turn.workspace());
    let request = set::Request {
        workspace: workspace.clone(),
        selector: selector.clone(),
        expires: match &wish.expires {
            Some(None) => Some(When::Never),
            Some(Some(text)) => fields::expires(Some(text))?,
            None => None,
        },
        changes: Changes {
            scopes: wish.scopes,
            allow: wish.allow.as_deref().map(fields::allow).transpose()?,
            owner: wish.owner.map(|owner| fields::owner(owner.as_deref())).transpose()?,
            plan: wish.plan,
            clear_labels: wish.labels.is_some(),
            labels: wish.labels.as_ref().map(fields::labels).transpose()?.unwrap_or_default(),
        },
    };
    let owner = request.changes.owner.iter().flatten().map(String::as_str);
    let labels = request.changes.labels.values().map(String::as_str);
    let texts: Vec<&str> = wish.name.as_deref().into_iter().chain(owner).chain(labels).collect();
    turn.refuse_secrets(&texts)?;
    let (store, actor) = (&mut *turn.store, &turn.actor);
    let outcome = match (&wish.name, request.is_empty()) {
        // Two changes would be two transactions, of which one could fail.
        (Some(_), false) => {
            let message = "a key is renamed by itself: send name alone";
            return Err(Refusal::new("usage", 422, message).into());
        }
        (None, true) => return Err(Refusal::new("usage", 422, "nothing is to change").into()),
        (Some(name), true) => {
            let name = fields::name(name)?;
            rename::run(store, actor, workspace.as_deref(), selector, &name, now)?
        }
        (None, false) => set::run(store, actor, &request, now)?,
    };
    Ok(Some(after(turn, &outcome)))
}

fn paused(turn: &mut Turn<'_>, selector: &Selector, change: pause::Change) -> Outcome {
    let (now, workspace) = (turn.now(), turn.workspace());
    let (store, actor) = (&mut *turn.store, &turn.actor);
    let outcome = pause::run(store, actor, workspace.as_deref(), selector, change, None, now)?;
    Ok(Some(after(turn, &outcome)))
}

fn revoked(turn: &mut Turn<'_>, selector: Selector) -> Outcome {
    let wish: fields::Revoke = fields::read(&turn.call.body)?;
    turn.refuse_secrets(&wish.message.as_deref().into_iter().collect::<Vec<_>>())?;
    let request = revoke::Request {
        workspace: turn.workspace(),
        message: wish.message.clone(),
        ..revoke::Request::new(selector, fields::reason(wish.reason.as_deref())?)
    };
    let now = turn.now();
    let outcome = revoke::run(turn.store, &turn.actor, &request, now)?;
    let revoked = outcome.keys.first().expect("a selector means a key");
    Ok(Some(Answer::view(200, &Revoked::new(&revoked.key, revoked.changed, now))))
}

/// Revokes a key as the documented systems do: without a reason, and with no more of an answer than that it worked.
pub fn ended(turn: &mut Turn<'_>, workspace: Option<String>, id: &str) -> Outcome {
    let request = revoke::Request {
        workspace,
        ..revoke::Request::new(selector(id)?, revoke::Reason::Unspecified)
    };
    let now = turn.now();
    revoke::run(turn.store, &turn.actor, &request, now)?;
    success()
}

pub fn success() -> Outcome {
    Ok(Some(Answer::json(200, "{\"success\":true}")))
}

/// Mints a key as the body says.
pub fn mint(turn: &mut Turn<'_>) -> Outcome {
    let wish: fields::Mint = fields::read(&turn.call.body)?;
    let request = mint::Request {
        workspace: turn.workspace(),
        name: fields::name(&wish.name)?,
        count: 1,
        environment: wish.environment,
        scopes: wish.scopes,
        expires: fields::expires(wish.expires.as_deref())?,
        allow: fields::allow(&wish.allow)?,
        owner: fields::owner(wish.owner.as_deref())?,
        labels: fields::labels(&wish.labels)?,
        plan: wish.plan,
    };
    minted(turn, request, wish.hold, 201, |key, secret, now| {
        json::to_bytes(&Minted { key: Some(secret), ..Minted::new(key, now) })
    })
}

/// Mints this key, and answers with its secret as this has it.
pub fn minted(
    turn: &mut Turn<'_>,
    request: mint::Request,
    hold: bool,
    status: u16,
    view: impl FnOnce(&Key, &str, crate::domain::Timestamp) -> zeroize::Zeroizing<Vec<u8>>,
) -> Outcome {
    let texts = [request.name.as_str()].into_iter().chain(request.owner.as_deref());
    let texts: Vec<&str> = texts.chain(request.labels.values().map(String::as_str)).collect();
    turn.refuse_secrets(&texts)?;
    let (now, mut rng) = (turn.now(), SystemRandom);
    let Some(word) = turn.call.idempotency.take() else {
        let minted = mint::run(turn.store, &turn.actor, &request, now, &mut rng)?;
        return deliver::minted(turn, minted, hold, status, view);
    };
    let _turn = turn.store.turn(|| Ok(()))?;
    let request =
        idempotent::Request { mint: request, name: word, hold, holding: Holding::Unknown };
    match idempotent::run(turn.store, &turn.actor, &request, now, &mut rng)? {
        idempotent::Outcome::Due(minted) => deliver::minted(turn, minted, hold, status, view),
        idempotent::Outcome::Finished(key) | idempotent::Outcome::Delivered { key, .. } => {
            // Its secret cannot be shown again: it is not stored.
            let view = serde_json::json!({
                "error": Kind::Conflict.code(),
                "message": "this key was minted and handed over before",
                "subject": crate::output::view::KeyView::new(&key, now),
            });
            let mut answer = Answer::view(409, &view);
            answer.code = Kind::Conflict.code();
            Ok(Some(answer))
        }
    }
}

fn rotated(turn: &mut Turn<'_>, selector: Selector) -> Outcome {
    let wish: fields::Rotate = fields::read(&turn.call.body)?;
    if wish.now && wish.grace.is_some() {
        let message = "the old key ends at once or after a grace: send now or grace";
        return Err(Refusal::new("usage", 422, message).into());
    }
    let request = rotate::Request {
        workspace: turn.workspace(),
        selector,
        terms: rotate::Terms {
            grace: fields::grace(wish.grace.as_deref())?,
            now: wish.now,
            hold: wish.hold,
            expires: fields::expires(wish.expires.as_deref())?,
            ..rotate::Terms::default()
        },
    };
    let (now, mut rng) = (turn.now(), SystemRandom);
    let rotated = rotate::run(turn.store, &turn.actor, &request, now, &mut rng)?;
    deliver::rotated(turn, rotated, wish.hold)
}
