//! What a key is at a moment: its status, in verify's order, and whether it has ended.

use crate::domain::timestamp::Timestamp;
use crate::domain::words::words;

/// How long a pending key waits for its holder before it is void: a day.
pub const PENDING_MILLIS: i64 = 24 * 60 * 60 * 1000;

words! {
    /// What the store records of a key's life; [`Status`] is what it means at a moment.
    pub enum State {
        /// Minted, not delivered or held.
        Pending = "pending",
        /// Delivered.
        Active = "active",
        /// Paused by an operator.
        Disabled = "disabled",
        /// Revoked, permanently.
        Revoked = "revoked",
    }
}

words! {
    /// What a key is at a moment.
    #[derive(PartialOrd, Ord)]
    pub enum Status {
        /// It verifies.
        Active = "active",
        /// Its secret has not been delivered.
        Pending = "pending",
        /// It is paused.
        Disabled = "disabled",
        /// Its time is over.
        Expired = "expired",
        /// It is revoked, or voided.
        Revoked = "revoked",
    }
}

/// What decides whether a key lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// What the store records of it.
    pub state: State,
    /// When the key was minted.
    pub created_at: Timestamp,
    /// When it stops; `None` is never.
    pub expires_at: Option<Timestamp>,
}

impl Life {
    /// The status at this moment. The order is verify's: revoked or void, pending, disabled, expired. `seen` is the
    /// latest time that the store has recorded: what had expired or was void then stays so, also where the clock has
    /// gone back since.
    pub fn status(self, now: Timestamp, seen: Timestamp) -> Status {
        match self.state {
            State::Revoked => Status::Revoked,
            State::Pending if self.lapsed_at(now, seen).is_some() => Status::Revoked,
            State::Pending => Status::Pending,
            State::Disabled => Status::Disabled,
            State::Active if self.is_over(now, seen) => Status::Expired,
            State::Active => Status::Active,
        }
    }

    /// How the key has ended, if it has: revoked, or expired, which a pending or disabled key can be too. It never verifies
    /// again, and has released its name and its place under the cap.
    pub fn ended(self, now: Timestamp, seen: Timestamp) -> Option<Status> {
        match self.status(now, seen) {
            Status::Revoked => Some(Status::Revoked),
            _ => self.is_over(now, seen).then_some(Status::Expired),
        }
    }

    /// When a pending key became void by waiting for its holder, if it has.
    pub fn lapsed_at(self, now: Timestamp, seen: Timestamp) -> Option<Timestamp> {
        self.lapses_at().filter(|lapses| *lapses <= now.max(seen))
    }

    /// When a pending key becomes void if it is not activated.
    pub fn lapses_at(self) -> Option<Timestamp> {
        let is_pending = self.state == State::Pending;
        is_pending.then(|| self.created_at.plus_millis(PENDING_MILLIS))
    }

    fn is_over(self, now: Timestamp, seen: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now.max(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::EPOCH;

    fn life(state: State, expires_at: Option<i64>) -> Life {
        Life { state, created_at: START, expires_at: expires_at.map(Timestamp::from_millis) }
    }

    #[test]
    fn expiry_is_the_first_moment_a_key_no_longer_lives() {
        let life = life(State::Active, Some(1000));
        for (now, status) in [(999, Status::Active), (1000, Status::Expired)] {
            let now = Timestamp::from_millis(now);
            assert_eq!(life.status(now, START), status);
        }
    }

    #[test]
    fn an_expired_key_stays_expired_when_the_clock_goes_back() {
        let (early, seen) = (Timestamp::from_millis(1), Timestamp::from_millis(1000));
        let life = life(State::Active, Some(1000));
        assert_eq!(life.status(early, seen), Status::Expired);
        assert_eq!(life.ended(early, seen), Some(Status::Expired));
    }

    #[test]
    fn a_pending_key_is_void_after_a_day() {
        let life = life(State::Pending, None);
        for (now, status) in
            [(PENDING_MILLIS - 1, Status::Pending), (PENDING_MILLIS, Status::Revoked)]
        {
            let now = Timestamp::from_millis(now);
            assert_eq!(life.status(now, START), status);
            // It stays so where the clock goes back.
            assert_eq!(life.status(START, now), status);
        }
    }

    #[test]
    fn what_a_key_is_comes_before_that_its_time_is_over_and_ends_with_it_all_the_same() {
        let now = Timestamp::from_millis(5000);
        for (state, status, ended) in [
            (State::Revoked, Status::Revoked, Status::Revoked),
            (State::Pending, Status::Pending, Status::Expired),
            (State::Disabled, Status::Disabled, Status::Expired),
            (State::Active, Status::Expired, Status::Expired),
        ] {
            let life = life(state, Some(5000));
            assert_eq!(life.status(now, now), status);
            assert_eq!(life.ended(now, now), Some(ended));
        }
        assert_eq!(life(State::Disabled, Some(5001)).ended(now, now), None);
    }
}
