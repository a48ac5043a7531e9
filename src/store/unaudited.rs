//! What a transaction has written and the trail does not have yet.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Writer;
use crate::domain::audit::About;
use crate::domain::record::RecordDigest;
use crate::error::Result;

/// The digests of records that a transaction has written without an audit row so far.
#[derive(Default)]
pub(super) struct Unaudited(RefCell<BTreeMap<(About, String), RecordDigest>>);

impl Unaudited {
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(super) fn of(&self, about: About, subject: &str) -> Option<RecordDigest> {
        let digests = self.0.borrow();
        if digests.is_empty() {
            return None;
        }
        digests.get(&(about, subject.to_owned())).copied()
    }
}

impl Writer<'_> {
    /// Notes a record's new digest. The next event about it adds it to the trail; without one, nothing is committed.
    pub(super) fn unaudited(&self, about: About, subject: &str, digest: RecordDigest) {
        let place = (about, subject.to_owned());
        self.unaudited.0.borrow_mut().insert(place, digest);
    }

    /// The digest that an event about this subject must have: of what was written, or of the stored record. Nothing if
    /// the record is gone.
    pub(super) fn digest_for_event(
        &self,
        about: About,
        subject: &str,
    ) -> Result<Option<RecordDigest>> {
        let unaudited = self.unaudited.0.borrow_mut().remove(&(about, subject.to_owned()));
        if unaudited.is_some() {
            return Ok(unaudited);
        }
        Ok(match about {
            About::Key => self.key_by_id(subject)?.map(|key| RecordDigest::of_key(&key)),
            About::Workspace => self.digest_of_workspace(subject)?,
            About::Store => None,
        })
    }
}
