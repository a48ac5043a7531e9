//! What is counted while keyward serves, as Prometheus reads it (text format 0.0.4).
//!
//! This module never names a key or a workspace: there may be any number of them, and `keyward usage` has them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::verdict::Verdict;
use crate::domain::{Code, Timestamp};
use crate::error::{Kind, Result};

/// The upper bounds of the histogram, in microseconds.
const BOUNDS: [u64; 16] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

/// What one worker counts.
#[derive(Default)]
pub struct Metrics {
    verdicts: [AtomicU64; Code::ALL.len()],
    /// Requests for which there was no verdict.
    failures: AtomicU64,
    busy: AtomicU64,
    panics: AtomicU64,
    times: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
    unwritten: AtomicU64,
    connections: AtomicI64,
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Metrics {
    pub fn verdict<S>(&self, verdict: &Result<Verdict<S>>) {
        match verdict {
            Ok(verdict) => {
                let at = Code::ALL.iter().position(|code| *code == verdict.code);
                add(&self.verdicts[at.unwrap_or_default()], 1);
            }
            Err(error) => {
                add(&self.failures, 1);
                add(&self.busy, u64::from(error.kind() == Kind::Busy));
            }
        }
    }

    /// Notes that so many requests were judged together.
    pub fn judged(&self, count: usize, time: Duration) {
        let count = count as u64;
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let micros = nanos.div_ceil(1000);
        let at = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        add(&self.times[at], count);
        add(&self.nanos, nanos.saturating_mul(count));
    }

    pub fn answered(&self, route: &'static str, status: u16) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((route, status)).or_default() += 1;
    }

    pub fn connected(&self, change: i64) {
        self.connections.fetch_add(change, Ordering::Relaxed);
    }

    pub fn panicked(&self) {
        add(&self.panics, 1);
    }

    pub fn unwritten(&self, uses: u64) {
        self.unwritten.store(uses, Ordering::Relaxed);
    }
}

/// All that the workers have counted, as a text.
pub fn text(workers: &[std::sync::Arc<Metrics>], recording: bool, begun: Timestamp) -> String {
    let sum = |of: fn(&Metrics) -> &AtomicU64| -> u64 {
        workers.iter().map(|worker| of(worker).load(Ordering::Relaxed)).sum()
    };
    let mut text = Text(String::new());
    text.kind("keyward_build_info", "gauge", "The version that runs.");
    text.line("keyward_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let begun = begun.as_millis().div_euclid(1000).unsigned_abs();
    text.one("process_start_time_seconds", "gauge", "When it began, in seconds since 1970.", begun);
    text.kind("keyward_verdicts_total", "counter", "Verdicts by their code.");
    for (at, code) in Code::ALL.iter().enumerate() {
        let counts = workers.iter().map(|worker| worker.verdicts[at].load(Ordering::Relaxed));
        text.line("keyward_verdicts_total", &[("code", code.word())], counts.sum());
    }
    text.one(
        "keyward_failures_total",
        "counter",
        "Requests that could not be verified.",
        sum(|one| &one.failures),
    );
    text.one(
        "keyward_store_busy_total",
        "counter",
        "Of those, because the store was busy.",
        sum(|one| &one.busy),
    );
    text.one("keyward_panics_total", "counter", "Internal errors.", sum(|one| &one.panics));
    text.one(
        "keyward_uses_unwritten",
        "gauge",
        "Uses that wait to be recorded.",
        sum(|one| &one.unwritten),
    );
    text.one("keyward_recording", "gauge", "Whether uses can be recorded.", u64::from(recording));
    let connections: i64 =
        workers.iter().map(|worker| worker.connections.load(Ordering::Relaxed)).sum();
    text.one(
        "keyward_connections",
        "gauge",
        "Open connections.",
        connections.max(0).unsigned_abs(),
    );
    text.kind("keyward_http_requests_total", "counter", "Answers by route and status.");
    let mut answers: BTreeMap<(&str, u16), u64> = BTreeMap::new();
    for worker in workers {
        let own = worker.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, count) in own.iter() {
            *answers.entry(*place).or_default() += count;
        }
    }
    for ((route, status), count) in answers {
        let labels = [("route", route), ("status", &status.to_string())];
        text.line("keyward_http_requests_total", &labels, count);
    }
    text.histogram(workers);
    text.0
}

struct Text(String);

impl Text {
    fn kind(&mut self, name: &str, kind: &str, about: &str) {
        let _ = writeln!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let _ = writeln!(self.0, "{name}{{{}}} {value}", labels.join(","));
    }

    fn one(&mut self, name: &str, kind: &str, about: &str, value: u64) {
        self.kind(name, kind, about);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn histogram(&mut self, workers: &[std::sync::Arc<Metrics>]) {
        const NAME: &str = "keyward_verify_seconds";
        self.kind(NAME, "histogram", "How long judging took.");
        let mut total = 0;
        for at in 0..=BOUNDS.len() {
            total +=
                workers.iter().map(|worker| worker.times[at].load(Ordering::Relaxed)).sum::<u64>();
            let bound = BOUNDS.get(at).map(|bound| format!("{}", *bound as f64 / 1e6));
            let bound = bound.unwrap_or_else(|| "+Inf".to_owned());
            self.line(&format!("{NAME}_bucket"), &[("le", &bound)], total);
        }
        let nanos: u64 = workers.iter().map(|worker| worker.nanos.load(Ordering::Relaxed)).sum();
        let _ = writeln!(self.0, "{NAME}_sum {}\n{NAME}_count {total}", nanos as f64 / 1e9);
    }
}
