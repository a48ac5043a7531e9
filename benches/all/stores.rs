//! The stores that are measured: made once, by keyward itself, in a folder that goes away at the end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Deserialize;
use tempfile::TempDir;

use crate::child::Run;

/// How many keys a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u32);

impl Size {
    pub const THOUSAND: Self = Self(1_000);
    pub const HUNDRED_THOUSAND: Self = Self(100_000);
    pub const MILLION: Self = Self(1_000_000);
    pub const ALL: [Self; 3] = [Self::THOUSAND, Self::HUNDRED_THOUSAND, Self::MILLION];

    pub fn label(&self) -> String {
        match self.0 {
            0..1_000_000 => format!("{}k", self.0 / 1_000),
            _ => format!("{}M", self.0 / 1_000_000),
        }
    }
}

/// A store with all its secrets.
pub struct Store {
    pub path: PathBuf,
    /// The secrets, a line each.
    pub secrets_file: PathBuf,
    pub secrets: Vec<String>,
}

/// What holds for a store's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    None,
    /// A rate and a quota, both so wide that they are never reached.
    Wide,
    /// A rate that every use but a key's first is refused by.
    Narrow,
}

/// What `mint --output jsonl` says of a key and is of use here.
#[derive(Deserialize)]
struct Minted {
    key: String,
}

/// Where everything takes place.
pub struct Stage {
    pub sizes: Vec<Size>,
    folder: TempDir,
    made: Vec<((Size, Limits), Rc<Store>)>,
}

impl Stage {
    pub fn new(sizes: Vec<Size>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { sizes, folder, made: Vec::new() }
    }

    /// How often something is measured: so often, or with `--quick`, without a million keys, so often.
    pub fn rounds(&self, whole: usize, quick: usize) -> usize {
        if self.sizes.contains(&Size::MILLION) { whole } else { quick }
    }

    /// The temporary folder, which is HOME for all that is run.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Those of the sizes that are to be measured.
    pub fn among<const N: usize>(&self, sizes: [Size; N]) -> Vec<Size> {
        let mut wanted = sizes.to_vec();
        wanted.retain(|size| self.sizes.contains(size));
        wanted
    }

    /// The store of this size whose keys have no limits.
    pub fn store(&mut self, size: Size) -> Rc<Store> {
        self.limited(size, Limits::None)
    }

    /// The store of this size whose keys have these limits.
    pub fn limited(&mut self, size: Size, limits: Limits) -> Rc<Store> {
        let wanted = (size, limits);
        if let Some((_, store)) = self.made.iter().find(|(made, _)| *made == wanted) {
            return Rc::clone(store);
        }
        let store = Rc::new(self.make(size, limits));
        self.made.push((wanted, Rc::clone(&store)));
        store
    }

    fn make(&self, size: Size, limits: Limits) -> Store {
        let (suffix, plan) = match limits {
            Limits::None => ("", None),
            Limits::Wide => ("-wide", Some("rate = \"1000000/second\"\nquota = 1000000000000")),
            Limits::Narrow => ("-narrow", Some("rate = \"1/day\"\nquota = 1000000000000")),
        };
        let label = format!("{}{suffix}", size.label());
        let path = self.home().join(format!("{label}.db"));
        let answers = self.home().join("minted.jsonl");
        let keyward = || Run::keyward(self.home(), &path);
        if let Some(plan) = plan {
            let policy = self.home().join("policy.toml");
            let text = format!("default_plan = \"it\"\n[plans.it]\n{plan}\n");
            fs::write(&policy, text).expect("the temporary folder can be written");
            let create = ["workspace", "create", "limited", "--policy"];
            keyward().args(create).arg(&policy).time();
        }
        let count = size.0.to_string();
        let mint = ["mint", "key", "--stdout", "--output", "jsonl", "--count"];
        keyward().args(mint).arg(count).stdout(&answers).time();
        let answers = fs::File::open(&answers).expect("the answers were written");
        let mut secrets = Vec::with_capacity(size.0 as usize);
        for line in BufReader::new(answers).lines() {
            let line = line.expect("the answers can be read");
            let minted: Minted = serde_json::from_str(&line).expect("mint answers in JSON");
            secrets.push(minted.key);
        }
        assert_eq!(secrets.len(), size.0 as usize, "mint answers a line a key");
        let secrets_file = self.home().join(format!("{label}.secrets"));
        fs::write(&secrets_file, secrets.join("\n")).expect("the temporary folder can be written");
        Store { path, secrets_file, secrets }
    }
}

/// Numbers that are random enough to choose keys by (Marsaglia's xorshift64), the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    /// One of the secrets.
    pub fn choose<'a>(&mut self, secrets: &'a [String]) -> &'a String {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        &secrets[(self.0 % secrets.len() as u64) as usize]
    }
}
