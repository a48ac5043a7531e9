//! What a Tab offers and inserts in bash, zsh and fish: names of the store, whatever is in them, and files.

use std::time::{Duration, Instant};

use crate::generated::repository;
use crate::support::docs::path_with_keyward;
use crate::support::files::names_in;
use crate::support::terminal::Terminal;
use crate::support::{Sandbox, tool};

/// Names that a shell would read as something else, each with what of it is typed.
const HOSTILE: [(&str, &str); 9] = [
    ("my key", "my"),
    ("it$(touch x)", "it"),
    ("`touch x`", "\\`"),
    ("a\"b'c", "a"),
    ("w*", "w"),
    ("c:d e", "c:d"),
    ("n!m;touch x", "n"),
    ("b\\s", "b"),
    ("k ~ #{}[]<>|&?=", "k"),
];

/// Asks as a script does; returns the kind of answer and its lines.
fn asked(sandbox: &Sandbox, words: &[&str]) -> (String, Vec<String>) {
    let typed: String = words.iter().map(|word| format!("{word}\0")).collect();
    let asked = sandbox.keyward(["completions", "fish", "--answer"]);
    let output = asked.stdin(typed).ok();
    assert_eq!(output.stderr, "");
    let mut lines = output.stdout.lines().map(str::to_owned);
    (lines.next().unwrap_or_default(), lines.collect())
}

#[track_caller]
fn assert_offers(sandbox: &Sandbox, words: &[&str], expected: &[&str]) {
    let (kind, mut lines) = asked(sandbox, words);
    for line in &mut lines {
        line.truncate(line.find('\t').unwrap_or(line.len()));
    }
    assert_eq!(
        (kind.as_str(), lines),
        ("values", expected.iter().map(ToString::to_string).collect()),
        "{words:?}"
    );
}

#[test]
fn help_is_offered_for_commands_and_nothing_else() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    assert_offers(&sandbox, &["help", "wo"], &["workspace"]);
    assert_offers(&sandbox, &["help", "workspace", "l"], &["list"]);
    assert_offers(&sandbox, &["help", "show", "c"], &[]);
    assert_offers(&sandbox, &["help", "show", "--"], &[]);
    assert_offers(&sandbox, &["hel"], &["help"]);
    assert_offers(&sandbox, &["workspace", "hel"], &[]);
}

#[test]
fn what_the_store_has_is_offered() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "policy.toml",
        "prefix = \"api\"\nenvironments = [\"dev\", \"prod\"]\n[scopes.read]\n[scopes.write]\n[plans.pro]\nrate = \"9/minute\"\n",
    );
    sandbox.workspace("acme", &["--policy", "policy.toml"]);
    sandbox.workspace("other", &[]);
    for (name, flags) in [
        ("one", &["-w", "acme", "-e", "prod"][..]),
        ("on hold", &["-w", "acme", "-e", "dev"]),
        ("onward", &["-w", "other"]),
        ("gone", &["-w", "acme"]),
    ] {
        sandbox.mint_with(name, flags);
    }
    sandbox.keyward(["revoke", "gone", "-w", "acme", "--yes"]).ok();
    let id = sandbox.keyward(["show", "one", "-w", "acme", "-o", "json"]).answer()["id"].clone();
    let id = id.as_str().expect("a key has an id");

    assert_offers(&sandbox, &["-w", ""], &["acme", "other"]);
    assert_offers(&sandbox, &["list", "--workspace=o"], &["--workspace=other"]);
    assert_offers(&sandbox, &["workspace", "show", ""], &["acme", "other"]);
    assert_offers(&sandbox, &["workspace", "create", ""], &[]);
    assert_offers(&sandbox, &["-w", "acme", "show", ""], &["gone", "on hold", "one"]);
    assert_offers(&sandbox, &["show", "-wother", ""], &["onward"]);
    assert_offers(&sandbox, &["revoke", "-w", "acme", ""], &["on hold", "one"]);
    assert_offers(&sandbox, &["revoke", "-w", "acme", "one", "on"], &["on hold", "one"]);
    assert_offers(&sandbox, &["show", "-w", "acme", "-e", "dev", "on"], &["on hold"]);
    assert_offers(&sandbox, &["show", "-w", "acme", &id[..8]], &[id]);
    assert_offers(&sandbox, &["show", "-w", "other", &id[..8]], &[]);
    // A name is nobody's where no workspace is chosen; an id is a key's.
    assert_offers(&sandbox, &["show", "o"], &[]);
    assert_offers(&sandbox, &["show", &id[..8]], &[id]);
    assert_offers(&sandbox, &["mint", "x", "-w", "acme", "-e", ""], &["dev", "prod"]);
    assert_offers(&sandbox, &["mint", "-w", "acme", "--scope", "r"], &["read"]);
    assert_offers(&sandbox, &["workspace", "set", "acme", "--plan", ""], &["pro"]);
    assert_offers(
        &sandbox,
        &["workspace", "create", "--preset", "am"],
        &["amazonscraperapi", "amser"],
    );
    assert_offers(&sandbox, &["revoke", "--reason", "c"], &["compromised"]);
    assert_offers(&sandbox, &["list", "--status", "active,re"], &["active,revoked"]);
    assert_offers(&sandbox, &["man", "workspace", "re"], &["rename"]);
    // What follows an option is its value, even where a command has that name.
    sandbox.workspace("store", &[]);
    sandbox.mint_with("stored", &["-w", "store"]);
    assert_offers(&sandbox, &["-w", "store", "show", ""], &["stored"]);
    assert_eq!(asked(&sandbox, &["-w", "none", "show", ""]), (String::new(), Vec::new()));
}

#[test]
fn of_many_names_no_more_are_offered_than_anyone_reads() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "svc", "--count", "300"]).ok();
    assert_eq!(asked(&sandbox, &["show", ""]).1.len(), 200);
    assert_eq!(asked(&sandbox, &["show", "svc-299"]).1, ["svc-299"]);
    assert_eq!(asked(&sandbox, &["show", "key_"]).1.len(), 200);
}

#[test]
fn help_says_where_each_shell_looks_for_its_script() {
    let help = Sandbox::new().keyward(["completions", "--help"]).ok().stdout;
    let (_, places) = help.split_once("Where to put it:\n").expect("a block");
    let shells = places.lines().map_while(|line| line.split_whitespace().next());
    let shells: Vec<&str> = shells.collect();
    assert_eq!(shells, ["bash", "zsh", "fish", "powershell", "elvish"]);
}

#[test]
fn files_are_offered_where_a_file_is_meant_and_nowhere_else() {
    let sandbox = Sandbox::with_key("one").0;
    for words in [
        &["mint", "x", "--out", ""][..],
        &["--store", "x"],
        &["apply", ""],
        &["list", "--as=a"],
        &["mint", "--", "gh", ""],
    ] {
        assert_eq!(asked(&sandbox, words), ("files".to_owned(), Vec::new()), "{words:?}");
    }
    assert_eq!(asked(&sandbox, &["mint", "x", "--", ""]).0, "programs");
    for words in [
        &["show", "x"][..],
        &["mint", ""],
        &["mint", "--owner", ""],
        &["--wait", ""],
        &["rename", "one", ""],
    ] {
        assert_offers(&sandbox, words, &[]);
    }
}

#[test]
fn the_store_that_was_typed_is_asked_and_none_is_made() {
    let sandbox = Sandbox::with_key("here").0;
    sandbox.keyward(["mint", "there", "--store", "other.db", "--out", "x.key"]).ok();
    assert_offers(&sandbox, &["show", "--store", "other.db", ""], &["there"]);
    assert_offers(&sandbox, &["show", "--store", "~/other.db", ""], &["there"]);
    assert_offers(&sandbox, &["show", "--store=none.db", ""], &[]);
    assert!(!sandbox.home().join("none.db").exists());
    let before = (sandbox.store_bytes(), names_in(sandbox.home()));
    for words in
        [&["show", "h"][..], &["-w", ""], &["mint", "-e", ""], &["--as", "x.key", "show", ""]]
    {
        asked(&sandbox, words);
    }
    assert_eq!((sandbox.store_bytes(), names_in(sandbox.home())), before);
    // Nothing, not even of what went wrong, is said to a shell.
    sandbox.file("broken.db", "no store");
    let broken = sandbox.keyward(["completions", "bash", "--answer"]);
    let output = broken.stdin("keyward --store broken.db show \0 \0").ok();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    let new = Sandbox::new();
    assert_offers(&new, &["mint", "x", "-e", ""], &["live", "test"]);
    assert_eq!(names_in(new.home()), [""; 0]);
}

#[test]
fn neither_a_secret_nor_a_hash_is_offered() {
    let (sandbox, secret) = Sandbox::with_key("one");
    for front in ["", &secret[..4], &secret, "key_"] {
        let (_, lines) = asked(&sandbox, &["show", front]);
        let text = lines.join("\n");
        assert!(!text.contains(&secret[8..]), "{text}");
        assert!(lines.iter().all(|line| line.len() < 40), "{text}");
    }
}

#[test]
fn what_would_be_taken_for_something_else_is_not_offered() {
    let sandbox = Sandbox::with_keys(&["::stop", "a##[b", "plain"]);
    sandbox.mint("zz");
    sandbox.rewrite("UPDATE key SET name = '-rf' WHERE name = 'zz'");
    assert_offers(&sandbox, &["show", ""], &["plain"]);
    assert_offers(&sandbox, &["show", "--", ""], &["-rf", "plain"]);
}

fn script(name: &str) -> String {
    repository("completions").join(name).display().to_string()
}

/// A store with the keys of hostile names.
fn hostile() -> Sandbox {
    let names = HOSTILE.map(|(name, _)| name);
    let sandbox = Sandbox::with_keys(&names);
    sandbox.file("file one.txt", "");
    sandbox
}

/// A shell on a terminal, in which a function shows with which words `keyward` is run.
struct Shell<'a> {
    sandbox: &'a Sandbox,
    terminal: Terminal,
    lines: usize,
}

impl<'a> Shell<'a> {
    fn start(sandbox: &'a Sandbox, shell: &str) -> Self {
        let own = "keyward() { { printf '<%s>' \"$@\"; echo; } >> ~/.ran; }";
        let (arguments, setup) = match shell {
            "bash" => (
                &["--noprofile", "--norc", "-i"][..],
                // Nor do options of the shell's change anything.
                format!("set -uf; source {}; {own}; PS1='ready> '", script("keyward.bash")),
            ),
            "zsh" => (
                &["-f", "-i"][..],
                format!(
                    "fpath=({} $fpath); autoload -Uz compinit; compinit -u -d ~/.dump; {own}; PROMPT='ready> '",
                    repository("completions").display()
                ),
            ),
            _ => (
                &["--no-config", "-i"][..],
                format!(
                    "source {}; function keyward; begin; printf '<%s>' $argv; echo; end >> ~/.ran; end
                    function fish_prompt; echo 'ready> '; end",
                    script("keyward.fish")
                ),
            ),
        };
        sandbox.file(".setup", &format!("{setup}\n"));
        sandbox.file(".ran", "");
        let path = path_with_keyward();
        let path = path.to_str().expect("PATH is text");
        let variables = [("PATH", path), ("LANG", "C.UTF-8")];
        let mut terminal = Terminal::start(sandbox, shell, arguments, &variables);
        terminal.types("source ~/.setup\r");
        terminal.wait_for("ready> ");
        Self { sandbox, terminal, lines: 0 }
    }

    /// The words that `keyward` is run with when this is typed.
    fn run(&mut self, typed: &str) -> String {
        self.terminal.types(typed);
        self.terminal.types("\r");
        self.lines += 1;
        let begun = Instant::now();
        loop {
            let ran = self.sandbox.text(".ran");
            // A line is written in several steps, the line feed last.
            let written = ran.split_inclusive('\n').nth(self.lines - 1);
            if let Some(line) = written.and_then(|line| line.strip_suffix('\n')) {
                return line.to_owned();
            }
            if begun.elapsed() > Duration::from_secs(10) {
                self.terminal.wait_for("what was typed is never run");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[track_caller]
fn assert_inserted(shell: &str) {
    if !tool(shell) {
        return;
    }
    let sandbox = hostile();
    let files = names_in(sandbox.home());
    let mut terminal = Shell::start(&sandbox, shell);
    for (name, typed) in HOSTILE {
        let ran = terminal.run(&format!("keyward show {typed}\t"));
        assert_eq!(ran, format!("<show><{name}>"), "{shell}");
    }
    for (typed, expected) in [
        ("show \"my\t", "<show><my key>"),
        ("show 'my k\t", "<show><my key>"),
        ("show my\\ k\t", "<show><my key>"),
        ("show \"it\t", "<show><it$(touch x)>"),
        ("show 'it\t", "<show><it$(touch x)>"),
        ("show \"a\t", "<show><a\"b'c>"),
        ("show 'a\t", "<show><a\"b'c>"),
        ("show \"n\t", "<show><n!m;touch x>"),
        ("-w d\tshow my\t", "<-w><default><show><my key>"),
        ("revoke --reason com\t", "<revoke><--reason><compromised>"),
        ("revoke --reason=com\t", "<revoke><--reason=compromised>"),
        ("mint x --out fi\t", "<mint><x><--out><file one.txt>"),
        ("mint x --out=fi\t", "<mint><x><--out=file one.txt>"),
        ("show fi\t", "<show><fi>"),
    ] {
        let ran = terminal.run(&format!("keyward {typed}"));
        assert_eq!(ran, expected, "{shell}: {typed:?}");
    }
    let mut left = names_in(sandbox.home());
    left.retain(|name| !name.starts_with('.'));
    assert_eq!(left, files.into_iter().filter(|name| !name.starts_with('.')).collect::<Vec<_>>());
}

#[test]
fn bash_inserts_every_name_so_that_it_is_one_word_and_nothing_runs() {
    assert_inserted("bash");
}

#[test]
fn zsh_inserts_every_name_so_that_it_is_one_word_and_nothing_runs() {
    assert_inserted("zsh");
}

#[test]
fn fish_inserts_every_name_so_that_it_is_one_word_and_nothing_runs() {
    assert_inserted("fish");
}
