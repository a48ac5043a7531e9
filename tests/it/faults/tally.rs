//! The count of the points that were tried and survived, and what was found at the others.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::injection::{FAULTS, Fault};
use super::scene::Scene;

/// How many failures are told in full.
const TOLD: usize = 40;

/// The columns of pairs of faults: the first is a kill, the second one of these.
pub const PAIRS: [(Fault, &str); 2] =
    [(Fault::Kill, "KILL,KILL"), (super::injection::error("EIO", false), "KILL,EIO")];

/// How many points were tried and survived, by scene and fault, and what was found.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<BTreeMap<(usize, String), [u32; 2]>>,
    failures: Mutex<Vec<String>>,
}

impl Tally {
    /// Counts a point of this scene, in this column.
    pub fn add(&self, number: usize, column: &str, survived: bool) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((number, column.to_owned())).or_default();
        count[0] += u32::from(survived);
        count[1] += 1;
    }

    /// Notes what was found.
    pub fn fail(&self, failure: String) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push(failure);
    }

    /// A table of the scenes by the faults: how many points were survived of how many that were tried.
    pub fn table(&self, scenes: &[&Scene]) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut columns: Vec<String> = FAULTS.iter().map(Fault::to_string).collect();
        columns.extend(PAIRS.map(|(_, column)| column.to_owned()));
        let line = |name: &str, cells: Vec<String>| {
            let cells: String = cells.iter().map(|cell| format!(" {cell:>11}")).collect();
            format!("{name:<26}{cells}\n")
        };
        let told = |[survived, tried]: [u32; 2]| match tried {
            0 => "-".to_owned(),
            _ => format!("{survived}/{tried}"),
        };
        let added = |counts: &[[u32; 2]]| {
            let add = |sum: [u32; 2], next: &[u32; 2]| [sum[0] + next[0], sum[1] + next[1]];
            counts.iter().fold([0, 0], add)
        };
        let heads = columns.iter().cloned().chain(["all".to_owned()]);
        let mut table = line("survived/tried", heads.collect());
        let mut all = Vec::new();
        for (number, scene) in scenes.iter().enumerate() {
            let of = |column: &String| counts.get(&(number, column.clone()));
            let found: Vec<[u32; 2]> =
                columns.iter().map(|column| of(column).copied().unwrap_or_default()).collect();
            let cells = found.iter().copied().chain([added(&found)]).map(told);
            table += &line(scene.name, cells.collect());
            all.push(found);
        }
        let sums: Vec<[u32; 2]> = (0..columns.len())
            .map(|at| added(&all.iter().map(|found| found[at]).collect::<Vec<_>>()))
            .collect();
        let cells = sums.iter().copied().chain([added(&sums)]).map(told);
        table + &line("all", cells.collect())
    }

    /// How many points were tried in all.
    pub fn tried(&self) -> u32 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().map(|[_, tried]| tried).sum()
    }

    /// What was found, as one text; empty if nothing was.
    pub fn failures(&self) -> String {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let told: Vec<&str> = failures.iter().take(TOLD).map(String::as_str).collect();
        match failures.len() {
            0 => String::new(),
            count => format!("{count} points failed:\n\n{}", told.join("\n\n")),
        }
    }
}
