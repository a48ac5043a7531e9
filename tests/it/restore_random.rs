//! Random changes before and after a backup, and a restoration: no secret may do more afterwards than it could in the backup and in the
//! store that was there, and none that could do the least in both is taken away.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::random::Random;
use crate::restore::restore;
use crate::support::stream::answers;
use crate::support::{Sandbox, text};

/// How many histories there are, and how many changes before and after each backup.
const SEEDS: u64 = 6;
const BEFORE: u64 = 12;
const AFTER: u64 = 16;

/// What every key may do wherever it may do anything.
const LEAST: usize = 0;

/// What each secret is asked for: this address and these scopes.
const ASKS: [(&str, &[&str]); 5] = [
    ("10.1.0.1", &[]),
    ("10.1.0.1", &["read"]),
    ("10.1.0.1", &["write"]),
    ("10.2.0.1", &[]),
    ("192.168.0.1", &["read", "write"]),
];

/// A secret as it is judged at a moment: its code for each ask, and its record.
#[derive(Debug, Clone, PartialEq)]
struct Judged {
    codes: Vec<String>,
    record: Value,
}

struct History {
    sandbox: Sandbox,
    random: Random,
    secrets: Vec<String>,
    names: u64,
    told: Vec<String>,
}

impl History {
    fn new(seed: u64) -> Self {
        let sandbox = Sandbox::new();
        let policy = "[scopes.read]\nmanage = []\n[scopes.write]\nmanage = []\n";
        sandbox.file("policy.toml", policy);
        sandbox.workspace("acme", &["--policy", "policy.toml"]);
        Self {
            sandbox,
            random: Random::of(seed, 0, 0),
            secrets: Vec::new(),
            names: 0,
            told: Vec::new(),
        }
    }

    /// Runs a command that may be refused, and remembers the secret that it hands over.
    fn run(&mut self, words: &[&str]) {
        let run = self.sandbox.keyward(words).run();
        self.told.push(format!("{} -> {}", words.join(" "), run.status));
        assert_ne!(run.status, 1, "{}", run.transcript());
        let is_minting = words[0] == "mint" || words[0] == "rotate";
        if is_minting && run.status == 0 && !words.contains(&"--cancel") {
            self.secrets.push(run.line());
        }
    }

    fn mint(&mut self) {
        self.names += 1;
        let name = format!("k{}", self.names);
        let flags = self.random.pick(&[
            &["--scope", "read"][..],
            &["--scope", "read", "--scope", "write"],
            &["--scope", "read", "--expires", "30d"],
            &["--scope", "write", "--hold"],
        ]);
        self.run(&[&["mint", &name], flags].concat());
    }

    fn ids(&self) -> Vec<String> {
        let keys = self.sandbox.keys(&[]);
        keys.iter().map(|key| text(key, "id")).collect()
    }

    fn change(&mut self) {
        let key = self.random.pick(&self.ids());
        let words: &[&str] = match self.random.below(18) {
            0..=1 => return self.mint(),
            2 => &["revoke", "--yes"],
            3..=4 => &["disable"],
            5 => &["enable"],
            6 => &["set", "--allow", "10.1.0.0/16"],
            7 => &["set", "--allow", "10.0.0.0/8", "--allow", "192.168.0.0/16"],
            8 => &["set", "--clear-allow"],
            9 => &["set", "--scope", "read"],
            10 => &["set", "--scope", "read", "--scope", "write"],
            11 => &["set", "--expires", "1h"],
            12 => &["set", "--expires", "20d"],
            13 => &["rotate"],
            14 => &["rotate", "--grace", "2h"],
            15 => &["rotate", "--hold"],
            16 => &["rotate", "--cancel"],
            _ => {
                let secret = self.random.pick(&self.secrets);
                let run = self.sandbox.keyward(["activate"]).stdin(secret).run();
                return self.told.push(format!("activate -> {}", run.status));
            }
        };
        let words = [&words[..1], &[key.as_str()], &words[1..]].concat();
        self.run(&words);
    }

    fn judge(&self) -> BTreeMap<String, Judged> {
        let mut lines = String::new();
        for secret in &self.secrets {
            for (ip, scopes) in ASKS {
                let ask = json!({ "key": secret, "ip": ip, "scopes": scopes });
                lines.push_str(&format!("{ask}\n"));
            }
        }
        let answers = answers(&self.sandbox, &["--no-record"], lines);
        let judged = self.secrets.iter().zip(answers.chunks(ASKS.len()));
        judged
            .map(|(secret, answers)| {
                let codes = answers.iter().map(|answer| text(answer, "code"));
                let record = answers[LEAST]["subject"].clone();
                let codes = codes.collect();
                (secret.clone(), Judged { codes, record })
            })
            .collect()
    }

    #[track_caller]
    fn assert_sound(&self) {
        self.sandbox.assert_whole();
        let checked = self.sandbox.keyward(["store", "check", "--json"]).run();
        let checked = checked.json();
        assert_eq!(checked["ok"], true, "{checked:#} {:#?}", self.told);
        self.sandbox.keyward(["audit", "verify"]).ok();
    }
}

/// The time at which a key expires, of which never is the last.
fn expiry(judged: &Judged) -> String {
    let expires_at = judged.record["expiresAt"].as_str();
    expires_at.unwrap_or("never").to_owned()
}

#[test]
fn nothing_may_do_more_after_a_restoration_than_before_it_and_in_the_backup() {
    let nothing = Judged { codes: vec!["not_found".to_owned(); ASKS.len()], record: Value::Null };
    for seed in 0..SEEDS {
        let mut history = History::new(seed);
        for _ in 0..4 {
            history.mint();
        }
        (0..BEFORE).for_each(|_| history.change());
        history.sandbox.keyward(["store", "backup", "b.db"]).ok();
        history.told.push("backup".to_owned());
        let backup = history.judge();
        (0..AFTER).for_each(|_| history.change());
        let present = history.judge();
        let answer = restore(&history.sandbox, "b.db").answer();
        let restored = history.judge();
        history.assert_sound();
        for (secret, now) in &restored {
            let (then, since) = (backup.get(secret).unwrap_or(&nothing), &present[secret]);
            let said = || format!("seed {seed}: {then:#?} {since:#?} {now:#?} {:#?}", history.told);
            let may = |judged: &Judged, ask: usize| judged.codes[ask] == "valid";
            for ask in 0..ASKS.len() {
                assert!(!may(now, ask) || may(since, ask), "{}", said());
            }
            let least = may(then, LEAST) && may(since, LEAST);
            assert_eq!(may(now, LEAST), least, "{}", said());
            if now.record == Value::Null {
                assert!(!backup.contains_key(secret), "{}", said());
                continue;
            }
            let successor = |judged: &Judged| judged.record["replacedBy"].clone();
            let was_cancelled =
                successor(then) != Value::Null && successor(then) != successor(since);
            let is_revoked = now.record["status"] == "revoked";
            if !is_revoked {
                assert!(expiry(now) <= expiry(since), "{}", said());
                assert!(was_cancelled || expiry(now) <= expiry(then), "{}", said());
            }
        }
        let again = restore(&history.sandbox, "b.db").answer();
        assert_eq!(again["kept"], answer["kept"], "seed {seed}: {:#?}", history.told);
        assert_eq!(history.judge(), restored, "seed {seed}: {:#?}", history.told);
        // Whatever was left without a successor can be kept.
        for (_, judged) in restored.iter().filter(|(_, judged)| judged.codes[LEAST] == "valid") {
            let id = text(&judged.record, "id");
            let shown = history.sandbox.keyward(["show", &id]).ok().stdout;
            if shown.contains(&format!("`keyward rotate {id} --cancel`")) {
                let run = history.sandbox.keyward(["rotate", &id, "--cancel"]).run();
                assert!(
                    run.status == 0 || run.stderr.contains("the name "),
                    "{}",
                    run.transcript()
                );
            }
        }
        history.assert_sound();
    }
}
