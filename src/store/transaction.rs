//! Reading, changing and counting: what a transaction has to leave, whichever engine runs it; and what it has written and the
//! trail does not have yet.
//!
//! This module never reports a change as made unless it was, nor as not made unless it was not.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::session::Session;
use super::{Engine, Freshness, Meter, Reader, Remark, Store, Writer};
use crate::domain::Timestamp;
use crate::domain::audit::{About, Head};
use crate::domain::record::RecordDigest;
use crate::error::{Error, Kind, Result};

impl Store {
    /// Reads in one transaction: everything the closure sees is of one moment.
    pub fn read<T>(&mut self, body: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
        match &mut self.engine {
            Engine::Sqlite(database) => {
                database.read(|session| body(&Reader::new(Session::Sqlite(session))))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => {
                database.read(|session| body(&Reader::new(Session::Postgres(session))))
            }
        }
    }

    /// Changes the store in one synced transaction: all of the closure's changes with their audit rows, or none. After
    /// an error other than `unknown_outcome` the store is unchanged.
    pub fn write<T>(&mut self, body: impl FnOnce(&Writer<'_>) -> Result<T>) -> Result<T> {
        match self.is_rehearsal {
            true => self.rehearse(body),
            false => self.change(body),
        }
    }

    /// From now on, [`Store::write`] returns the result of a change, or its refusal, and does not change the store.
    #[must_use]
    pub fn rehearsing(mut self, is_rehearsal: bool) -> Self {
        self.is_rehearsal = is_rehearsal;
        self
    }

    fn rehearse<T>(&mut self, body: impl FnOnce(&Writer<'_>) -> Result<T>) -> Result<T> {
        let mut would_be = None;
        let undone: Result<()> = self.change(|writer| {
            would_be = Some(body(writer)?);
            // An error is what undoes a transaction.
            Err(Error::new(Kind::Internal, "a rehearsal changes nothing"))
        });
        match (would_be, undone) {
            (None, Err(refused)) => Err(refused),
            (Some(would_be), Err(_)) => Ok(would_be),
            (_, Ok(())) => Err(Error::new(Kind::Internal, "a rehearsal was not undone")),
        }
    }

    /// From now on, the events of changes have these details besides their own.
    pub fn remark(&mut self, remark: Option<Remark>) {
        self.remark = remark;
    }

    fn change<T>(&mut self, body: impl FnOnce(&Writer<'_>) -> Result<T>) -> Result<T> {
        let remark = self.remark.as_ref();
        match &mut self.engine {
            Engine::Sqlite(database) => {
                database.write(None, |session| change(Session::Sqlite(session), remark, body))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => {
                database.write(None, |session| change(Session::Postgres(session), remark, body))
            }
        }
    }

    /// The same, waiting for another process no longer than `wait`.
    pub fn write_within<T>(
        &mut self,
        wait: Duration,
        body: impl FnOnce(&Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        let remark = self.remark.as_ref();
        match &mut self.engine {
            Engine::Sqlite(database) => {
                database.write(Some(wait), |session| change(Session::Sqlite(session), remark, body))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => database
                .write(Some(wait), |session| change(Session::Postgres(session), remark, body)),
        }
    }

    /// The same, also on a full disk: the space that is held back is used up for it.
    pub fn write_with_reserve<T>(&mut self, body: impl Fn(&Writer<'_>) -> Result<T>) -> Result<T> {
        if self.is_rehearsal {
            return self.rehearse(body);
        }
        let remark = self.remark.as_ref();
        match &mut self.engine {
            Engine::Sqlite(database) => database
                .write_with_reserve(|session| change(Session::Sqlite(session), remark, &body)),
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => {
                database.write(None, |session| change(Session::Postgres(session), remark, body))
            }
        }
    }

    /// Counts what happened until `now` in one transaction: all that the closure counts, or nothing. It waits for another
    /// process no longer than `wait`.
    pub fn count<T>(
        &mut self,
        wait: Duration,
        now: Timestamp,
        body: impl FnOnce(&Meter<'_>) -> Result<T>,
    ) -> Result<T> {
        let count = |session: Session<'_>| {
            let meter = Meter { reader: Reader::new(session) };
            let value = body(&meter)?;
            meter.observe_count(now)?;
            Ok(value)
        };
        match &mut self.engine {
            Engine::Sqlite(database) => {
                database.count(wait, |session| count(Session::Sqlite(session)))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => {
                database.count(wait, |session| count(Session::Postgres(session)))
            }
        }
    }

    /// What changes with every commit of another process.
    pub fn freshness(&self) -> Result<Freshness> {
        match &self.engine {
            Engine::Sqlite(database) => database.freshness(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => database.freshness(),
        }
    }
}

impl Reader<'_> {
    /// What changes with every commit of another process, as of this transaction.
    pub fn freshness(&self) -> Result<Freshness> {
        self.session.freshness()
    }
}

/// Runs the closure and makes sure that the trail has everything that was changed. Returns the trail's new end, if it
/// got any rows.
fn change<'a, T>(
    session: Session<'a>,
    remark: Option<&'a Remark>,
    body: impl FnOnce(&Writer<'_>) -> Result<T>,
) -> Result<(T, Option<Head>)> {
    let writer = Writer::new(session, remark);
    let value = body(&writer)?;
    let head = writer.head.get();
    let is_untold = writer.session.has_changed() && head.is_none();
    if is_untold || !writer.unaudited.is_empty() {
        return Err(Error::new(Kind::Internal, "a change without an audit row was rolled back"));
    }
    if let Some(time) = writer.time.get() {
        writer.observe(time)?;
    }
    Ok((value, head))
}

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
