//! Queries that go to the server with another, before they are asked, so that several cost one round trip.
//!
//! This module never answers by what was read before this transaction changed anything, or before it began to wait for others who
//! count.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::TryStreamExt;
use tokio_postgres::{Client, Row};

use super::connection::{Answer, in_order};
use super::sent::{Queued, query, sent, value};

/// What is known of queries that will be asked.
#[derive(Default)]
pub(super) struct Ahead {
    /// Whether queries are only heard.
    hears: Cell<bool>,
    /// Those that go with the next one.
    waiting: RefCell<Vec<Waiting>>,
    answered: RefCell<Vec<(Queued, Rc<[Row]>)>>,
}

/// A query on its way, and what its rows will be asked for by: this, with what stands in a column of theirs as its only value.
pub(super) struct Waiting {
    query: Queued,
    asked: Option<(String, usize)>,
}

impl Ahead {
    /// Runs the closure, whose queries come to nothing.
    pub(super) fn hear(&self, ask: impl FnOnce()) {
        let hears = self.hears.replace(true);
        ask();
        self.hears.set(hears);
    }

    /// Whether this query was only to be heard.
    pub(super) fn heard(&self, query: &Queued) -> bool {
        let is_heard = self.hears.get();
        if is_heard && !self.is_waiting(query) && self.answer(query).is_none() {
            self.add(query.clone(), None);
        }
        is_heard
    }

    /// Has a query go with the next one.
    pub(super) fn add(&self, query: Queued, asked: Option<(String, usize)>) {
        self.waiting.borrow_mut().push(Waiting { query, asked });
    }

    /// The rows of this query, if they have come.
    pub(super) fn answer(&self, query: &Queued) -> Option<Rc<[Row]>> {
        let answered = self.answered.borrow();
        let found = answered.iter().find(|(known, _)| known == query);
        found.map(|(_, rows)| Rc::clone(rows))
    }

    /// Whether this query is one of those that go with the next.
    pub(super) fn is_waiting(&self, query: &Queued) -> bool {
        let waiting = self.waiting.borrow();
        waiting.iter().any(|waiting| waiting.asked.is_none() && waiting.query == *query)
    }

    /// Those that are to go now.
    pub(super) fn take(&self) -> Vec<Waiting> {
        self.waiting.take()
    }

    /// Keeps what they came to.
    pub(super) fn keep(&self, waiting: Vec<Waiting>, rows: Vec<Vec<Row>>) {
        let kept = waiting.into_iter().zip(rows).filter_map(|(waiting, rows)| {
            let query = match waiting.asked {
                None => waiting.query,
                Some((sql, column)) => {
                    let value = value(rows.first()?, column).ok()?;
                    Queued { sql, values: sent(&[value]) }
                }
            };
            Some((query, rows.into()))
        });
        self.answered.borrow_mut().extend(kept);
    }

    /// Forgets what was read.
    pub(super) fn forget(&self) {
        self.answered.take();
    }
}

/// Sends them at once, and waits for all that they come to.
pub(super) async fn collected(
    client: &Client,
    waiting: &[Waiting],
) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
    let mut answers: Vec<Answer<'_, Vec<Row>>> = Vec::with_capacity(waiting.len());
    for Waiting { query: asked, .. } in waiting {
        answers.push(Box::pin(async { query(client, asked).await?.try_collect().await }));
    }
    in_order(answers).await.into_iter().collect()
}
