//! How often each thing happened, for whoever wants to know what a long run was worth.

use std::collections::BTreeMap;
use std::fmt;

/// How often each thing happened.
#[derive(Debug, Default)]
pub struct Figures {
    /// By their word and the number of processes of the run.
    pub operations: BTreeMap<&'static str, BTreeMap<usize, u64>>,
    pub refusals: BTreeMap<String, u64>,
    pub verdicts: BTreeMap<String, u64>,
    pub crashes: BTreeMap<String, u64>,
    /// Operations at moments that are not simply the latest there was, and others that are worth a count.
    pub oddities: BTreeMap<String, u64>,
    pub wholes: u64,
}

impl Figures {
    /// How many operations there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.operations.values().flat_map(BTreeMap::values).sum()
    }

    /// Counts an operation of a run of so many processes.
    pub fn note(&mut self, word: &'static str, processes: usize) {
        let counts = self.operations.entry(word).or_default();
        *counts.entry(processes).or_default() += 1;
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: Self) {
        for (word, counts) in other.operations {
            let sums = self.operations.entry(word).or_default();
            for (processes, count) in counts {
                *sums.entry(processes).or_default() += count;
            }
        }
        let pairs = [
            (&mut self.refusals, other.refusals),
            (&mut self.verdicts, other.verdicts),
            (&mut self.crashes, other.crashes),
            (&mut self.oddities, other.oddities),
        ];
        for (sums, counts) in pairs {
            for (word, count) in counts {
                *sums.entry(word).or_default() += count;
            }
        }
        self.wholes += other.wholes;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "operations: {}", self.count())?;
        writeln!(formatter, "  {:>7} {:>7} {:>7} processes", 2, 3, 4)?;
        for (word, counts) in &self.operations {
            let count = |processes: usize| counts.get(&processes).copied().unwrap_or_default();
            let [two, three, four] = [2, 3, 4].map(count);
            writeln!(formatter, "  {two:>7} {three:>7} {four:>7} {word}")?;
        }
        for (what, counts) in [
            ("refusals", &self.refusals),
            ("verdicts", &self.verdicts),
            ("crashes", &self.crashes),
            ("oddities", &self.oddities),
        ] {
            writeln!(formatter, "{what}: {}", counts.values().sum::<u64>())?;
            for (word, count) in counts {
                writeln!(formatter, "  {count:>7} {word}")?;
            }
        }
        write!(formatter, "comparisons of everything: {}", self.wholes)
    }
}
