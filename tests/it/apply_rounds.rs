//! `keyward apply` of a manifest that is edited at random, again and again: whenever it exits with 0, each key of the manifest
//! is live once, its secret is where the manifest says, and there is nothing left to do.
//!
//! The short form has thirty rounds. `KEYWARD_THOROUGH=1 cargo test --release --test it -- --nocapture apply_rounds` has 1,400.
//! A failure names its seed, and `KEYWARD_SEED` repeats it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::model::random::Random;
use crate::model::seed;
use crate::support::time::now;
use crate::support::{Sandbox, is_thorough, text};

/// Rounds of one store. A store gets slower as its trail gets longer, so there are several.
const ROUNDS: u64 = 200;
/// The most keys of a manifest, the names they have, and the files they go to.
const KEYS: usize = 7;
const NAMES: u64 = 9;
const FILES: u64 = 9;

/// No line of a dotenv file.
const SPOILT: &str = "something else\n";

const POLICY: &str =
    "environments = [\"live\", \"test\"]\n[scopes.read]\n[scopes.write]\n[scopes.list]\n";

/// Where a key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sink {
    /// This file.
    Out(u64),
    /// This variable of this file.
    Dotenv(u64, u64),
}

impl Sink {
    fn file(self) -> String {
        match self {
            Self::Out(number) => format!("out-{number}"),
            Self::Dotenv(number, _) => format!("env-{number}"),
        }
    }
}

/// A key of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    name: u64,
    environment: &'static str,
    scopes: Vec<&'static str>,
    owner: u64,
    /// When it expires, and how long before it is rotated.
    life: Option<(&'static str, Option<&'static str>)>,
    grace: &'static str,
    sink: Sink,
}

impl Wish {
    fn place(&self) -> (String, String) {
        (format!("key-{}", self.name), self.environment.to_owned())
    }
}

/// A manifest, the store it is for, and the choices.
struct Run {
    sandbox: Sandbox,
    random: Random,
    wishes: Vec<Wish>,
    figures: BTreeMap<&'static str, u64>,
    /// Which round it is, for whoever looks into a failure.
    at: String,
}

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let manifest = fs::read_to_string(self.sandbox.home().join("keys.toml"));
            let told = format!("{}\n{}", self.at, manifest.unwrap_or_default());
            let _ = writeln!(std::io::stderr(), "{told}");
        }
    }
}

impl Run {
    fn new(seed: u64) -> Self {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.home().join("real")).expect("a folder can be made");
        symlink("real", sandbox.home().join("linked")).expect("a link can be made");
        sandbox.file("policy.toml", POLICY);
        Self {
            sandbox,
            random: Random::of(seed, 0, 0),
            wishes: Vec::new(),
            figures: BTreeMap::new(),
            at: String::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.figures.entry(what).or_default() += 1;
    }

    fn any(&mut self) -> Option<usize> {
        let all: Vec<usize> = (0..self.wishes.len()).collect();
        self.random.any(&all)
    }

    /// A sink that no key of the manifest has.
    fn free_sink(&mut self) -> Sink {
        loop {
            let sink = match self.random.percent(60) {
                true => Sink::Out(self.random.below(FILES)),
                false => Sink::Dotenv(self.random.below(2), self.random.below(FILES)),
            };
            if self.wishes.iter().all(|wish| wish.sink != sink) {
                return sink;
            }
        }
    }

    /// A name and environment that no key of the manifest has.
    fn free_place(&mut self) -> (u64, &'static str) {
        loop {
            let place = (self.random.below(NAMES), self.random.pick(&["live", "test"]));
            let mut wishes = self.wishes.iter();
            if wishes.all(|wish| (wish.name, wish.environment) != place) {
                return place;
            }
        }
    }

    fn life(&mut self) -> Option<(&'static str, Option<&'static str>)> {
        let lives = [
            None,
            Some(("10d", None)),
            Some(("10d", Some("2d"))),
            Some(("90d", Some("30d"))),
            Some(("1y", Some("20d"))),
        ];
        self.random.pick(&lives)
    }

    fn scopes(&mut self) -> Vec<&'static str> {
        let mut scopes = vec!["read", "write", "list"];
        scopes.retain(|_| self.random.percent(50));
        scopes
    }

    fn wish(&mut self) -> Wish {
        let (name, environment) = self.free_place();
        Wish {
            name,
            environment,
            scopes: self.scopes(),
            owner: self.random.below(3),
            life: self.life(),
            grace: self.random.pick(&["0s", "1h", "24h"]),
            sink: self.free_sink(),
        }
    }

    /// Edits the manifest or what it is about, and says how.
    fn edit(&mut self) -> &'static str {
        let Some(which) = self.any() else {
            let wish = self.wish();
            self.wishes.push(wish);
            return "added";
        };
        match self.random.below(100) {
            0..=19 if self.wishes.len() < KEYS => {
                let wish = self.wish();
                let place = usize::try_from(self.random.below(which as u64 + 1));
                self.wishes.insert(place.expect("an index"), wish);
                "added"
            }
            0..=27 => {
                self.wishes.remove(which);
                "removed"
            }
            28..=37 => {
                (self.wishes[which].name, self.wishes[which].environment) = self.free_place();
                "renamed"
            }
            38..=45 => {
                self.wishes[which].scopes = self.scopes();
                "scopes"
            }
            46..=51 => {
                self.wishes[which].owner = self.random.below(3);
                "owner"
            }
            52..=61 => {
                self.wishes[which].life = self.life();
                "life"
            }
            62..=75 => {
                self.wishes[which].sink = self.free_sink();
                "moved"
            }
            76..=82 => {
                let other = self.any().expect("there are keys");
                let sink = self.wishes[which].sink;
                self.wishes[which].sink = self.wishes[other].sink;
                self.wishes[other].sink = sink;
                "swapped"
            }
            83..=87 => {
                let path = self.path(self.wishes[which].sink);
                let _ = fs::remove_file(path);
                "file gone"
            }
            88..=91 => {
                let path = self.path(self.wishes[which].sink);
                let content = self.random.pick(&[SPOILT, "# ours\nOTHER=1\n"]);
                if path.exists() {
                    fs::write(path, content).expect("it can be written");
                }
                "file spoilt"
            }
            92..=95 => {
                let (name, environment) = self.wishes[which].place();
                let revoke = ["revoke", &name, "-e", &environment, "--yes"];
                // It may be in the manifest alone, after a round that was refused.
                let _ = self.sandbox.keyward(revoke).run();
                "revoked"
            }
            _ => "nothing",
        }
    }

    fn path(&self, sink: Sink) -> std::path::PathBuf {
        self.sandbox.home().join("real").join(sink.file())
    }

    /// A sink as a manifest has it; its folder is written in one of many ways.
    fn deliver(&mut self, sink: Sink) -> String {
        let home = self.sandbox.home().display().to_string();
        let folder = match self.random.below(6) {
            0 | 1 => "real".to_owned(),
            2 => "linked".to_owned(),
            3 => "./real/../linked".to_owned(),
            4 => format!("{home}/real"),
            _ => format!("{home}/linked"),
        };
        let file = sink.file();
        match sink {
            Sink::Out(_) => format!("out = \"{folder}/{file}\""),
            Sink::Dotenv(_, variable) => {
                format!("dotenv = \"{folder}/{file}\", var = \"KEY_{variable}\"")
            }
        }
    }

    /// The manifest of these keys.
    fn manifest(&mut self, wishes: &[Wish]) -> String {
        let mut manifest = "[workspace.acme]\npolicy = \"policy.toml\"\n".to_owned();
        for wish in wishes {
            let deliver = self.deliver(wish.sink);
            let _ = write!(
                manifest,
                "[[key]]\nworkspace = \"acme\"\nname = \"key-{}\"\nenvironment = \"{}\"\nscopes = {:?}\n\
                 owner = \"team-{}\"\ngrace = \"{}\"\ndeliver = {{ {deliver} }}\n",
                wish.name, wish.environment, wish.scopes, wish.owner, wish.grace
            );
            if let Some((expires, rotate_before)) = wish.life {
                let _ = writeln!(manifest, "expires = \"{expires}\"");
                if let Some(before) = rotate_before {
                    let _ = writeln!(manifest, "rotate_before = \"{before}\"");
                }
            }
        }
        manifest
    }

    fn write(&mut self) {
        let wishes = self.wishes.clone();
        let manifest = self.manifest(&wishes);
        self.sandbox.file("keys.toml", &manifest);
    }

    /// Everything that a refusal must leave as it was.
    fn whole(&self) -> (String, BTreeMap<String, Vec<u8>>) {
        let head = match self.sandbox.store_path().exists() {
            true => self.sandbox.head(),
            false => String::new(),
        };
        let folder = fs::read_dir(self.sandbox.home().join("real")).expect("a folder");
        let files = folder.map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("a file"))
        });
        (head, files.collect())
    }

    /// Two deliveries that mean one file are refused, and nothing is done.
    fn collide(&mut self) {
        let Some(which) = self.any() else { return };
        let mut wishes = self.wishes.clone();
        let mut other = self.wish();
        other.sink = wishes[which].sink;
        wishes.push(other);
        let before = self.whole();
        let manifest = self.manifest(&wishes);
        self.sandbox.file("keys.toml", &manifest);
        let flags = [&[][..], &["--check"], &["--dry-run"], &["--rotate-if-missing"]];
        let flags = self.random.pick(&flags);
        let apply = self.sandbox.keyward(["apply", "keys.toml"]).args(flags);
        let error = apply.refused(2, "invalid_manifest");
        assert!(text(&error, "message").contains("already goes t"), "{error:#}");
        assert_eq!(self.whole(), before, "it is refused, and something was done");
        self.count("collisions refused");
    }

    /// Takes out of dotenv files what keeps keyward from writing them. Says whether there was any.
    fn mend(&mut self) -> bool {
        let mut is_any = false;
        for number in 0..2 {
            let path = self.path(Sink::Dotenv(number, 0));
            if fs::read_to_string(&path).is_ok_and(|content| content == SPOILT) {
                fs::remove_file(path).expect("it can be removed");
                self.count("dotenv files mended");
                is_any = true;
            }
        }
        is_any
    }

    /// Applies the manifest, and again with what lets it replace what is in the way, if something is.
    fn apply(&mut self, edit: &str) {
        let prune: &[&str] = match self.random.percent(40) {
            true => &["--prune", "--yes"],
            false => &[],
        };
        let mut line = [&["apply", "keys.toml"][..], prune].concat();
        let length = line.len();
        let check = [&line[..], &["--check"]].concat();
        let before = self.whole();
        let foretold = self.sandbox.keyward(["--json"]).args(&check).run();
        assert_eq!(self.whole(), before, "{edit}: --check has done something");
        let mut output = self.sandbox.keyward(["--json"]).args(&line).run();
        let is_refused = [4, 16].contains(&output.status);
        while [4, 16].contains(&output.status) {
            let error: Value = serde_json::from_str(&output.stderr).expect("one error object");
            let code = text(&error["error"], "code");
            let known = ["conflict", "secret_missing", "delivery_failed"];
            assert!(known.contains(&code.as_str()), "{edit}: {error:#}");
            assert_eq!(self.whole(), before, "{edit}: refused, and something was done");
            let is_mended = output.status == 16 && self.mend();
            assert!(is_mended || line.len() == length, "{edit}: {error:#}");
            line.truncate(length);
            line.push("--rotate-if-missing");
            output = self.sandbox.keyward(["--json"]).args(&line).run();
            self.count("told to replace");
        }
        line.truncate(length);
        assert_eq!(output.status, 0, "{edit}: {}", output.transcript());
        let answer = output.json();
        let changes = answer["changes"].as_array().expect("a list").clone();
        let workspaces = answer["workspaces"].as_array().expect("a list");
        let mut all = changes.iter().chain(workspaces);
        let is_any = all.any(|change| change["action"] != "unchanged");
        if !is_refused {
            let expected = if is_any { 18 } else { 0 };
            assert_eq!(foretold.status, expected, "{edit}: {}", foretold.transcript());
        }
        for change in &changes {
            let action = text(change, "action");
            let known = ["created", "unchanged", "updated", "rotated", "revoked"];
            let action = known.into_iter().find(|known| action == *known);
            self.count(action.expect("a known action"));
        }
        self.assert_settled(&line, !prune.is_empty(), edit);
    }

    /// Asserts that there is nothing left to do, and that everything is as the manifest says.
    fn assert_settled(&mut self, line: &[&str], is_pruned: bool, edit: &str) {
        let head = self.whole();
        // However the paths are written.
        self.write();
        let again = self.sandbox.keyward(line).answer();
        for change in again["changes"].as_array().expect("a list") {
            assert_eq!(change["action"], "unchanged", "{edit}: {again:#}");
        }
        self.sandbox.keyward(line).args(["--check"]).ok();
        assert_eq!(self.whole(), head, "{edit}: unchanged, and something was done");
        let list = ["list", "-w", "acme", "--status", "active,pending,disabled"];
        let listed = self.sandbox.keyward(list).answer();
        let listed = listed["keys"].as_array().expect("keys");
        let secrets: Vec<String> = self.wishes.iter().map(|wish| self.secret(wish)).collect();
        let stream = ["verify", "--stream", "--no-record"];
        let input: String = secrets.iter().map(|secret| format!("{secret}\n")).collect();
        let output = self.sandbox.keyward(stream).stdin(input).ok().stdout;
        assert_eq!(output.lines().count(), self.wishes.len());
        for (wish, verdict) in self.wishes.iter().zip(output.lines()) {
            let verdict: Value = serde_json::from_str(verdict).expect("a verdict");
            let (name, environment) = wish.place();
            let newest: Vec<&Value> = listed
                .iter()
                .filter(|key| key["name"] == *name && key["environment"] == *environment)
                .filter(|key| key["replacedBy"].is_null())
                .collect();
            let case = format!("{edit}, {wish:?}: {newest:#?}");
            assert_eq!(newest.len(), 1, "{case}");
            let key = newest[0];
            assert_eq!(key["status"], "active", "{case}");
            assert_eq!(verdict["code"], "valid", "{case} {verdict:#}");
            assert_eq!(verdict["subject"]["id"], key["id"], "{case}");
            assert_eq!(key["owner"], format!("team-{}", wish.owner), "{case}");
            let scopes: BTreeSet<&str> = key["scopes"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(scopes, wish.scopes.iter().copied().collect(), "{case}");
        }
        if is_pruned {
            let wanted: BTreeSet<_> = self.wishes.iter().map(Wish::place).collect();
            for key in listed {
                let place = (text(key, "name"), text(key, "environment"));
                assert!(wanted.contains(&place), "{edit}: {key:#} was not pruned");
            }
        }
        let outs = self.wishes.iter().find(|wish| matches!(wish.sink, Sink::Out(_)));
        if let Some(wish) = outs {
            let verify = ["verify", "--no-record", "--file"];
            let file = self.path(wish.sink);
            self.sandbox.keyward(verify).args([file]).ok();
        }
    }

    fn secret(&self, wish: &Wish) -> String {
        let file = fs::read_to_string(self.path(wish.sink)).expect("the file is there");
        match wish.sink {
            Sink::Out(_) => file.strip_suffix('\n').expect("a line").to_owned(),
            Sink::Dotenv(_, variable) => {
                let front = format!("KEY_{variable}=");
                let mut values = file.lines().filter_map(|line| line.strip_prefix(&front));
                values.next().expect("it is set").to_owned()
            }
        }
    }

    fn round(&mut self) {
        let mut edits = Vec::new();
        for _ in 0..=self.random.below(3) {
            edits.push(self.edit());
        }
        for edit in &edits {
            self.count(edit);
        }
        if self.random.percent(25) {
            self.collide();
        }
        self.write();
        self.apply(&edits.join(", "));
    }
}

#[test]
fn a_manifest_that_is_edited_at_random_is_as_it_says_whenever_it_was_applied() {
    let seed = seed().unwrap_or_else(|| now().unsigned_abs());
    let rounds = if is_thorough() { 7 * ROUNDS } else { 30 };
    let mut figures: BTreeMap<&str, u64> = BTreeMap::new();
    for number in 0..rounds.div_ceil(ROUNDS) {
        let mut run = Run::new(seed.wrapping_add(number));
        for round in 0..ROUNDS.min(rounds) {
            run.at = format!("KEYWARD_SEED={seed}, store {number}, round {round}");
            run.round();
        }
        run.sandbox.assert_whole();
        if rounds > ROUNDS {
            let stores = format!("store {number} of {}", rounds / ROUNDS);
            writeln!(std::io::stderr(), "{stores}: {:?}", run.figures).expect("it can be written");
        }
        for (what, count) in &run.figures {
            *figures.entry(what).or_default() += count;
        }
    }
    writeln!(std::io::stderr(), "{rounds} rounds with KEYWARD_SEED={seed}: {figures:?}")
        .expect("stderr can be written");
}
