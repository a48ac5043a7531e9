//! The recipes of `docs/recipes.md` run as they stand there. What needs an account, a server or root has a stand-in, which notes
//! everything it was given but its standard input.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use keyward::cli::Cli;

use crate::support::docs::{RECIPES as PAGE, path_with_keyward};
use crate::support::time::{DAY, HOUR, now};
use crate::support::{Invocation, Output, Sandbox, moment, tool};

/// The recipes, each run by a test below, in `recipes_ci` or in `recipes_containers`.
pub const RECIPES: [&str; 10] = [
    "## GitHub Actions",
    "## GitLab",
    "## A repository's secret",
    "## Vault",
    "## Kubernetes",
    "## systemd",
    "## Every quarter, by cron",
    "## Kubernetes: a store on a volume",
    "## A container image",
    "## A self-serve page",
];

/// A folder to work in, and programs that stand before all others in the PATH.
pub struct Bench {
    /// Where its HOME is.
    pub sandbox: Sandbox,
}

impl Bench {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        for folder in ["bin", "work"] {
            fs::create_dir(sandbox.home().join(folder)).expect("a fresh folder");
        }
        Self { sandbox }
    }

    /// A file in its HOME.
    pub fn path(&self, name: &str) -> PathBuf {
        self.sandbox.home().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a text that can be read")
    }

    /// A file that stand-ins look for.
    pub fn mark(&self, name: &str) {
        fs::write(self.path(name), "").expect("the folder is writable");
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("it was there");
    }

    /// Makes a program. It notes its arguments and its environment before it does anything.
    pub fn stand_in(&self, name: &str, body: &str) {
        let script = format!(
            "#!/bin/sh\n{{ tr '\\0' '\\n' < /proc/$$/cmdline; env; }} >> \"$HOME/seen\"\n{body}\n"
        );
        fs::write(self.path(name), script).expect("the folder is writable");
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(self.path(name), mode).expect("it can be made executable");
    }

    /// Runs a script in the folder to work in, with these variables.
    pub fn run(&self, script: &str, environment: &BTreeMap<String, String>) -> Output {
        let mut path = self.path("bin").into_os_string();
        path.push(":");
        path.push(path_with_keyward());
        let shell = self.sandbox.program("sh", ["-e", "-c", script]);
        let shell = shell.env("PATH", path).cwd(self.path("work"));
        let with = |run, (name, value)| Invocation::env(run, name, value);
        environment.iter().fold(shell, with).run()
    }

    /// Runs a script that must succeed.
    fn done(&self, script: &str) -> Output {
        let output = self.run(script, &BTreeMap::new());
        assert_eq!(output.status, 0, "{script}\n{}", output.stderr);
        output
    }

    /// Runs a script whose sink fails, and asserts that this leaves no key that is or could become live.
    fn fails(&self, script: &str) -> Output {
        let output = self.run(script, &BTreeMap::new());
        assert_eq!(output.status, 16, "{script}\n{}", output.stderr);
        self.assert_nothing_lives();
        output
    }

    /// Asserts that no key is or could become live.
    pub fn assert_nothing_lives(&self) {
        for status in ["active", "pending"] {
            assert_eq!(self.sandbox.listed(&["--status", status]), [""; 0]);
        }
    }

    /// Asserts that a secret is valid, and that neither a log nor a stand-in has met it.
    pub fn assert_well_kept(&self, secret: &str, log: &Output) {
        self.sandbox.verdict(secret, &[], 0, "valid");
        assert!(!log.stdout.contains(secret) && !log.stderr.contains(secret));
        if self.path("seen").exists() {
            let seen = self.read("seen");
            assert!(seen.contains("HOME="), "a stand-in noted nothing: {seen}");
            assert!(!seen.contains(secret), "a stand-in was given: {seen}");
        }
    }

    /// Leaves the keys of this name ten days to live.
    fn age(&self, name: &str) {
        let expires_at = now() + 10 * DAY;
        self.sandbox
            .rewrite(&format!("UPDATE key SET expires_at = {expires_at} WHERE name = '{name}'"));
    }

    /// When the key of a valid secret expires.
    pub fn expires_at(&self, secret: &str) -> i64 {
        let verdict = self.sandbox.verdict(secret, &[], 0, "valid");
        moment(&verdict["subject"], "expiresAt")
    }
}

/// A recipe whose consumer reads the secret on its standard input, keeps it in `taken`, and fails when there is a file
/// `broken`.
fn check_consumer(heading: &str, program: &str, body: &str, keeps_line_feed: bool) {
    let recipe = PAGE.block(heading, "sh");
    let fresh = || {
        let bench = Bench::new();
        bench.stand_in(&format!("bin/{program}"), body);
        bench
    };
    let bench = fresh();
    let log = bench.done(recipe);
    let taken = bench.read("taken");
    assert_eq!(taken.ends_with('\n'), keeps_line_feed, "{taken:?}");
    bench.assert_well_kept(taken.trim_end(), &log);
    let name = bench.sandbox.listed(&[]).concat();

    bench.remove("taken");
    bench.done(recipe);
    assert!(!bench.path("taken").exists(), "it was delivered again");
    assert_eq!(bench.sandbox.listed(&[]), [name.as_str()]);

    bench.age(&name);
    let log = bench.done(recipe);
    let next = bench.read("taken");
    assert_ne!(next, taken);
    bench.assert_well_kept(next.trim_end(), &log);
    bench.sandbox.verdict(taken.trim_end(), &[], 0, "valid");

    let bench = fresh();
    bench.mark("broken");
    bench.fails(recipe);
    let void = bench.read("taken");
    bench.sandbox.verdict(void.trim_end(), &[], 11, "revoked");
    bench.remove("broken");
    let log = bench.done(recipe);
    bench.assert_well_kept(bench.read("taken").trim_end(), &log);
}

#[test]
fn gh_reads_a_repositorys_secret_on_its_standard_input() {
    let gh = r#"test "$1 $2 $3" = "secret set ACME_KEY" && cat > "$HOME/taken" && test ! -e "$HOME/broken""#;
    check_consumer(RECIPES[2], "gh", gh, true);
}

#[test]
fn vault_keeps_the_secret_and_no_line_feed() {
    let vault = r#"test "$*" = "kv put secret/acme key=-" && cat > "$HOME/taken" && test ! -e "$HOME/broken""#;
    check_consumer(RECIPES[3], "vault", vault, false);
}

/// What needs no server is done by the real kubectl where there is one.
#[test]
fn kubernetes_applies_the_secret_and_no_line_feed() {
    let kubectl = r#"PATH=${PATH#*:}
        case $1 in
        create) if command -v kubectl > /dev/null; then exec kubectl "$@"; fi
            test "$5 $6 $7 $8" = "--from-file=key=/dev/stdin --dry-run=client -o yaml" || exit 1
            printf 'data:\n  key: %s\n' "$(base64 -w 0 /dev/stdin)" ;;
        apply) test "$*" = "apply --server-side -f -" || exit 1
            sed -n 's/^  key: //p' | base64 -d > "$HOME/taken"
            test -s "$HOME/taken" && test ! -e "$HOME/broken" ;;
        esac"#;
    check_consumer(RECIPES[4], "kubectl", kubectl, false);
}

#[test]
fn a_service_of_systemd_starts_anew_with_each_new_key_and_only_then() {
    if !tool("jq") {
        return;
    }
    let bench = Bench::new();
    let home = bench.sandbox.home().display().to_string();
    let here = |text: &str| {
        let text = text.replace("/etc/credstore", &format!("{home}/credstore"));
        text.replace("/usr/bin", &format!("{home}/bin"))
    };
    let (script, unit) = (here(PAGE.block(RECIPES[5], "sh")), here(PAGE.block(RECIPES[5], "ini")));
    let set = |name: &str| {
        let value = unit.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_else(|| panic!("{name} is not in the unit"))
    };
    let (credential, file) = set("LoadCredential=").split_once(':').expect("ID:PATH");
    // What the service manager does.
    let starts = format!(
        "test \"$*\" = \"restart acme\" && mkdir -p \"$HOME/credentials\" && cp {file} \"$HOME/credentials/{credential}\"
        CREDENTIALS_DIRECTORY=$HOME/credentials; echo started >> \"$HOME/starts\"; {}",
        set("ExecStart=")
    );
    bench.stand_in("bin/systemctl", &starts);
    bench.stand_in("bin/acme", "keyward verify --file \"$2\" --quiet");

    let failed = bench.fails(&script);
    assert!(failed.stderr.contains("credstore"), "{}", failed.stderr);
    assert!(!bench.path("starts").exists());

    fs::create_dir(bench.path("credstore")).expect("a fresh folder");
    let log = bench.done(&script);
    bench.assert_well_kept(bench.read("credstore/acme").trim_end(), &log);
    assert_eq!(bench.read("starts"), "started\n");
    bench.done(&script);
    assert_eq!(bench.read("starts"), "started\n", "nothing was new");
    bench.age("acme");
    let log = bench.done(&script);
    bench.assert_well_kept(bench.read("credstore/acme").trim_end(), &log);
    assert_eq!(bench.read("starts"), "started\nstarted\n");
}

#[test]
fn cron_has_the_key_rotated_in_its_last_two_weeks_and_mails_nothing_but_failures() {
    let bench = Bench::new();
    let home = bench.sandbox.home().display().to_string();
    let line = PAGE.block(RECIPES[6], "crontab").trim_end();
    let fields: Vec<&str> = line.splitn(6, ' ').collect();
    let is_time = |field: &&str| field.chars().all(|c| "0123456789*,-/".contains(c));
    assert!(fields.len() == 6 && fields[..5].iter().all(is_time));
    assert!(!line.contains('%'), "cron makes a line feed of it: {line}");
    let command = fields[5].replace("/srv/acme", &format!("{home}/srv"));
    let daily = || {
        let log = bench.done(&command);
        assert_eq!(log.stdout + &log.stderr, "", "cron would mail that");
        bench.read("srv/key")
    };

    assert!(bench.fails(&command).stderr.starts_with("error: "));
    fs::create_dir(bench.path("srv")).expect("a fresh folder");
    let secret = daily();
    bench.sandbox.verdict(secret.trim_end(), &[], 0, "valid");
    assert_eq!(daily(), secret);
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(bench.path("srv/key"), mode).expect("its mode can be changed");
    bench.age("acme");
    let next = daily();
    assert!(bench.expires_at(next.trim_end()) > now() + 89 * DAY);
    let rest = bench.expires_at(secret.trim_end()) - now();
    assert!(rest > 47 * HOUR && rest <= 48 * HOUR, "{rest}");
    assert_eq!(daily(), next);
    let mode = fs::metadata(bench.path("srv/key")).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o7777, 0o640);
}

/// The words of a command as a shell splits them, up to where another one or a redirection begins.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in command.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ') => words.push(String::new()),
            (None, '\n' | '|' | ')' | ';' | '>' | '&') => break,
            _ => words.last_mut().expect("there is one").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_recipe_is_run_and_all_it_says_of_keyward_can_be_typed() {
    let recipes = PAGE.text;
    let headings: Vec<&str> = recipes.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings, RECIPES);
    let code: Vec<&str> = recipes.split("\n```").skip(1).step_by(2).collect();
    let code = code.join("\n");
    let mut count = 0;
    for (at, _) in code.match_indices("keyward ") {
        let words = words(&code[at..]);
        let parsed = Cli::whole().try_get_matches_from(&words);
        assert!(
            parsed.is_ok(),
            "{words:?}\n{}",
            parsed.err().map_or_else(String::new, |e| e.to_string())
        );
        count += 1;
    }
    assert_eq!(count, 12, "another number of command lines was found");
}
