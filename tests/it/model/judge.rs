//! What verify answers, by the contract's order, and what counts.

use std::net::IpAddr;
use std::ops::Range;

use super::clock::{By, LEAP, Moment};
use super::operation::{Answer, Ask, Verdict};
use super::policies::POLICIES;
use super::reuse::Memory;
use super::state::{Faults, Key, Model};

const DAY: i64 = 24 * 60 * 60 * 1000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Model {
    pub(super) fn verify(
        &mut self,
        workspace: Option<&str>,
        asks: &[Ask],
        by: By,
    ) -> Result<Answer, Faults> {
        let now = by.now;
        let within = self.confinement(workspace)?;
        // One that looks into a workspace alone is opened for that, and closed again.
        let mut memory = match workspace {
            None => std::mem::take(&mut self.memories[by.process]),
            Some(_) => Memory::default(),
        };
        let before = (self.events, self.clock);
        let judge = |ask| {
            memory.refresh(&self.clock, now);
            self.judge(ask, within, &mut memory, now)
        };
        let verdicts: Vec<Verdict> = asks.iter().map(judge).collect();
        let is_counted = verdicts.iter().any(|verdict| verdict.recorded);
        if workspace.is_none() {
            self.memories[by.process] = memory;
        }
        if is_counted {
            self.observe_count(now);
        }
        match self.is_on_server {
            // Whoever verifies there looks at the end of the trail and at the last recorded time, which counts seldom move.
            true if (self.events, self.clock) != before => self.note_commit(None),
            false if is_counted => self.note_commit(workspace.is_none().then_some(by.process)),
            _ => {}
        }
        Ok(Answer { verdicts, ..Answer::default() })
    }

    /// The key of a secret, or why there is none.
    pub(super) fn find(&self, secret: &str, within: Option<u64>) -> Result<u64, &'static str> {
        if let Some(number) = self.key_of_secret(secret) {
            let workspace = self.keys[&number].workspace;
            return match within.is_none_or(|within| within == workspace) {
                true => Ok(number),
                false => Err("not_found"),
            };
        }
        let gone = self.gone.iter().rev().find(|gone| gone.secret == secret);
        Err(match gone.is_some_and(|gone| self.is_well_formed(gone)) {
            true => "not_found",
            false => "malformed",
        })
    }

    fn judge(&mut self, ask: &Ask, within: Option<u64>, memory: &mut Memory, now: i64) -> Verdict {
        let number = match self.find(&ask.secret, within) {
            Ok(number) => number,
            Err(code) => {
                return Verdict {
                    code: code.to_owned(),
                    subject: None,
                    last_used: None,
                    recorded: false,
                    retry_after: None,
                    remaining: None,
                };
            }
        };
        let mut key = self.keys[&number].clone();
        let mut verdict = Verdict {
            code: code(&key, ask, memory.clock.at(now)).to_owned(),
            subject: Some(key.id.clone()),
            last_used: None,
            recorded: ask.record,
            retry_after: None,
            remaining: None,
        };
        let cost = u64::from(ask.cost);
        // A use that was held against limits is of the time that they were judged at.
        let at = if self.limits(&key).is_any() { self.at(now).latest } else { now };
        if verdict.code == "valid" {
            self.spend(&mut key, &mut verdict, cost, ask.record, now);
            if self.is_on_server && ask.record && self.limits(&key).is_any() {
                // Such a use is counted at once, and the time with it.
                let before = self.clock;
                self.observe_count(now);
                memory.is_fresh &= self.clock == before;
            }
        }
        if ask.record {
            let at = if verdict.code == "valid" { at } else { now };
            let uses = key.uses.entry(at.div_euclid(DAY)).or_default();
            if verdict.code == "valid" {
                uses.has_row = true;
                uses.valid += 1;
                uses.credits += cost;
                key.last_used = Some(key.last_used.map_or(at, |last| last.max(at)));
            } else {
                *uses.refused.entry(verdict.code.clone()).or_default() += 1;
            }
        }
        // On a server, a verifier is not told of what others count.
        verdict.last_used = key.last_used.filter(|_| !self.is_on_server);
        self.keys.insert(number, key);
        if ask.record && verdict.code == "revoked" {
            self.see_to(number, memory, now);
        }
        verdict
    }

    /// Asks the rate, then the quota; what is refused, or only looked at, costs nothing of either.
    fn spend(&mut self, key: &mut Key, verdict: &mut Verdict, cost: u64, record: bool, now: i64) {
        // Limits never go by an earlier time than what was counted before.
        let asked = now;
        let now = self.at(now).latest;
        let limits = self.limits(key);
        let rate = limits.rate;
        let shared = rate.and_then(|(text, ..)| self.whole_at(key, text));
        // What nothing is held against is counted by the caller's own time.
        let (month, days) = month_of(if limits.is_any() { now } else { asked });
        let ends = days.end * DAY;
        let own_spent = limits.own_quota.map_or(0, |_| self.credits_of(key, &days));
        let owner = self.workspaces.get_mut(&key.workspace).expect("it is there");
        let spent = owner.credits.get(&month).copied().unwrap_or(0);
        let mut whole_at = key.whole_at.clone();
        let mut left = None;
        if let Some((text, count, unit)) = rate {
            let (interval, now) = (unit / count, now * 1_000_000);
            let burst = interval * count;
            let debt = shared.map_or(0, |at| (at - now).max(0));
            let is_trusted = debt <= burst + LEAP * 1_000_000;
            let debt = if is_trusted { debt } else { 0 };
            let after = debt + interval;
            if after > burst {
                "rate_limited".clone_into(&mut verdict.code);
                let wait = after - burst + now - asked * 1_000_000;
                verdict.retry_after = Some(wait.unsigned_abs().div_ceil(NANOS_PER_SECOND));
            }
            whole_at = Some((text.to_owned(), now + after));
            left = Some(((burst - debt).max(0) / interval).unsigned_abs());
        }
        let quotas = [(limits.quota, spent), (limits.own_quota, own_spent)];
        let quotas = quotas.into_iter().filter_map(|(quota, spent)| Some((quota?, spent)));
        let quotas: Vec<(u64, u64)> = quotas.collect();
        let is_spent = |(quota, spent): &(u64, u64)| cost > 0 && spent + cost > *quota;
        if verdict.code == "valid" && quotas.iter().any(is_spent) {
            "quota_exceeded".clone_into(&mut verdict.code);
            let wait = (ends - asked + 999) / 1000;
            let can_pass = quotas.iter().all(|(quota, _)| cost <= *quota);
            verdict.retry_after = can_pass.then_some(wait.unsigned_abs());
        }
        let is_taken = verdict.code == "valid" && record;
        let taken = if is_taken { cost } else { 0 };
        let requests = left.map(|left| left - u64::from(is_taken));
        let credits = quotas.iter().map(|(quota, spent)| quota.saturating_sub(spent + taken));
        verdict.remaining = requests.into_iter().chain(credits).min();
        if is_taken {
            if cost > 0 {
                owner.credits.insert(month, spent + cost);
            }
            if rate.is_some() {
                key.whole_at = whole_at;
            }
        }
    }
}

impl Model {
    /// When a rate is whole again for a key and all that replaced one another up to it and since: a rotation inherits what is spent.
    fn whole_at(&self, key: &Key, rate: &str) -> Option<i64> {
        let line = self.line(key);
        let states = line.iter().filter_map(|key| key.whole_at.as_ref());
        states.filter(|(of, _)| of == rate).map(|(_, at)| *at).max()
    }

    /// The credits that a key and its line have spent on these days.
    fn credits_of(&self, key: &Key, days: &Range<i64>) -> u64 {
        let line = self.line(key);
        let uses = line.iter().flat_map(|key| key.uses.range(days.clone()));
        uses.map(|(_, uses)| uses.credits).sum()
    }

    /// What a key has used of its rate goes on to those of its line before its record goes.
    pub(super) fn hand_on(&mut self, number: u64) {
        let key = &self.keys[&number];
        let Some((rate, at)) = key.whole_at.clone() else {
            return;
        };
        if at <= self.clock.latest * 1_000_000 {
            return;
        }
        let line: Vec<String> = self.line(key).iter().map(|one| one.id.clone()).collect();
        for other in self.keys.values_mut().filter(|other| line.contains(&other.id)) {
            let is_less = |(of, had): &(String, i64)| *of == rate && *had < at;
            if other.whole_at.as_ref().is_none_or(is_less) {
                other.whole_at = Some((rate.clone(), at));
            }
        }
    }

    /// A key and all that replaced one another up to it and since.
    fn line<'m>(&'m self, key: &'m Key) -> Vec<&'m Key> {
        let (mut line, mut next) = (vec![key], 0);
        while next < line.len() {
            let one = line[next];
            let is_new = |other: &Key| line.iter().all(|known| known.id != other.id);
            let is_place = |other: &Key| {
                (other.workspace, &other.environment) == (key.workspace, &key.environment)
            };
            let links = |other: &Key| other.names(&one.id) || one.names(&other.id);
            let found = self.keys.values();
            let found: Vec<&Key> =
                found.filter(|other| is_place(other) && links(other) && is_new(other)).collect();
            line.extend(found);
            next += 1;
        }
        line
    }

    /// Holds what keys of a workspace have used of other rates against those that hold from now on.
    pub(super) fn carry_rates(&mut self, workspace: u64, now: i64) {
        let rules = self.workspaces[&workspace].rules();
        let has_plan = |key: &Key| key.plan.as_ref().is_none_or(|plan| rules.plan(plan).is_some());
        let held = self.keys.iter();
        let held = held.filter(|(_, key)| key.workspace == workspace && has_plan(key));
        for number in held.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.carry_rate(number, now);
        }
    }

    /// The same of one key: the same share of its rate.
    pub(super) fn carry_rate(&mut self, number: u64, now: i64) {
        let Some((text, count, unit)) = self.limits(&self.keys[&number]).rate else {
            return;
        };
        let (now, burst) = (self.at(now).latest * 1_000_000, unit / count * count);
        let plans = POLICIES.iter().flat_map(|policy| policy.plans);
        let rates: Vec<_> = plans.filter_map(|plan| plan.rate).collect();
        let Some((of, at)) = self.keys[&number].whole_at.clone() else {
            return;
        };
        let was = rates.iter().find(|(text, ..)| *text == of);
        let (_, count, unit) = was.expect("a rate of one of the policies");
        let (before, debt) = (unit / count * count, at - now);
        let is_trusted = debt <= before + LEAP * 1_000_000;
        if of != text && debt > 0 && is_trusted {
            let share = i128::from(debt.min(before)) * i128::from(burst);
            let used = (share + i128::from(before) - 1) / i128::from(before);
            self.change(number, |key| key.whole_at = Some((text.to_owned(), now + used as i64)));
        }
    }
}

/// The first reason in the contract's order, limits aside.
fn code(key: &Key, ask: &Ask, at: Moment) -> &'static str {
    let holds = |network: &String| {
        let (network, bits) = network.split_once('/').expect("a network");
        let bits = bits.parse().expect("a number");
        let address = ask.address.as_deref().map(|text| text.parse().expect("an address"));
        let network = network.parse().expect("an address");
        address.is_some_and(|address| is_within(address, network, bits))
    };
    if key.status(at) != "active" {
        key.status(at)
    } else if ask.environment.as_ref().is_some_and(|asked| *asked != key.environment) {
        "wrong_environment"
    } else if !key.allow.is_empty() && !key.allow.iter().any(holds) {
        "ip_denied"
    } else if !ask.scopes.iter().all(|scope| key.scopes.contains(scope)) {
        "insufficient_scope"
    } else {
        "valid"
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u32::from(one) ^ u32::from(other)).leading_zeros() >= bits
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            (u128::from(one) ^ u128::from(other)).leading_zeros() >= bits
        }
        _ => false,
    }
}

/// The calendar month of a moment in UTC, counted from January of the year 0, and its days, counted from 1970.
fn month_of(now: i64) -> (i64, Range<i64>) {
    let (mut year, mut month, mut starts) = (1970, 0, 0);
    loop {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 if is_leap => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        let ends = starts + days * DAY;
        if now < ends {
            return (year * 12 + month, starts / DAY..ends / DAY);
        }
        starts = ends;
        month += 1;
        if month == 12 {
            (year, month) = (year + 1, 0);
        }
    }
}
