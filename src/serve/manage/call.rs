//! What every route starts from: what is asked for, who asks, and where to do it.
//!
//! This module never does anything to a key.

use std::net::{IpAddr, SocketAddr};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::domain::idempotency::IdempotencyKey;
use crate::domain::secret::Secret;
use crate::domain::{Key, Timestamp};
use crate::error::{Error, Kind};
use crate::ops::access::Actor;
use crate::ops::verifier::Verifier;
use crate::serve::Settings;
use crate::serve::answer::Answer;
use crate::serve::dialect::{Dialect, Refusal};
use crate::store::Store;

/// What is asked for, and by whom.
pub struct Call {
    pub query: Vec<(String, String)>,
    pub body: Zeroizing<Vec<u8>>,
    /// What the caller presents, if anything.
    pub secret: Option<Secret>,
    pub address: Option<IpAddr>,
    /// The account at the other end of a Unix socket.
    pub account: Option<u32>,
    pub ends: Option<(SocketAddr, SocketAddr)>,
    pub idempotency: Option<IdempotencyKey>,
    /// What its refusal looks like.
    pub dialect: Dialect,
    /// Whether the store could be read and written, for the metrics.
    pub is_recording: bool,
}

/// What a call comes to: nothing more to do when it was answered on the way.
pub type Outcome = std::result::Result<Option<Answer>, Failure>;

/// Why a call was not done.
pub enum Failure {
    Refused(Refusal),
    Failed(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A call that is being worked on.
pub struct Turn<'d> {
    pub settings: &'d Settings,
    pub store: &'d mut Store,
    pub verifier: &'d mut Verifier<Key>,
    pub actor: Actor,
    pub call: Call,
    pub answer: Option<oneshot::Sender<Answer>>,
}

impl Turn<'_> {
    pub fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    /// The workspace that the operator names in the query, or else the one that is served alone.
    pub fn workspace(&self) -> Option<String> {
        self.option("workspace").or_else(|| self.settings.workspace.clone())
    }

    /// The value of an option in the query.
    pub fn option(&self, name: &str) -> Option<String> {
        let query = self.call.query.iter();
        query.rev().find(|(option, _)| option == name).map(|(_, value)| value.clone())
    }

    /// Refuses a caller who is not the operator.
    pub fn require_operator(&self) -> std::result::Result<(), Failure> {
        match self.actor {
            Actor::Operator(_) => Ok(()),
            Actor::Caller { .. } => {
                let code = Kind::ScopeRejected.code();
                Err(Refusal::plain(code, 403).into())
            }
        }
    }

    /// Refuses texts that hold a key's secret, which is for its sink alone.
    pub fn refuse_secrets(&mut self, texts: &[&str]) -> std::result::Result<(), Failure> {
        if self.verifier.holds_secret(texts)? {
            let message = "a field contains a key's secret, which only its holder may have";
            return Err(Refusal::new("usage", 422, message).into());
        }
        Ok(())
    }
}
