//! Tables on terminals of different widths, wide ones, coloured ones, and what is said instead of an empty one.

use unicode_width::UnicodeWidthStr;

use crate::support::Sandbox;
use crate::support::past::Past;
use crate::support::terminal::Terminal;

const DAY: i64 = 24 * 60 * 60 * 1000;
const LONG: &str = "a name of exactly sixty-four characters, which is the longest ...";

/// Twelve keys: two or more of every state.
fn twelve() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.workspace("default", &[]);
    let mut past = Past::of(&sandbox);
    let old = past.mint(None, "retired-key", 1, 20 * DAY);
    past.mint_until(None, "expired-key", 1, Some("10d"), 14 * DAY);
    let used = past.mint(None, "ci-pipeline", 1, 12 * DAY);
    past.use_them(&used, 3 * DAY);
    past.revoke(&old, 3 * DAY);
    drop(past);
    sandbox.mint_with(&LONG[..64], &["--expires", "90d"]);
    sandbox.mint_with("日本語の長い名前の鍵、四十文字の幅がある", &["--owner", "platform"]);
    sandbox.mint_with("🔑 emoji", &["--expires", "14d", "-e", "test"]);
    sandbox.mint_with("held", &["--hold"]);
    sandbox.mint("paused");
    sandbox.mint("leaked");
    sandbox.mint_with("rotating", &["--expires", "30d"]);
    sandbox.keyward(["disable", "paused"]).ok();
    let revoke = ["revoke", "leaked", "--reason", "compromised", "--yes"];
    sandbox.keyward(revoke).ok();
    sandbox.keyward(["rotate", "rotating", "--grace", "2h"]).ok();
    sandbox.mint_with("held-too", &["--hold"]);
    sandbox
}

/// What a terminal of this width shows, line by line.
fn shown(
    sandbox: &Sandbox,
    width: u16,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Vec<String> {
    let keyward = crate::support::KEYWARD;
    let mut terminal = Terminal::of_width(width, sandbox, keyward, arguments, variables);
    let (status, seen) = terminal.end();
    // 18 is a gate's with findings.
    let is_gate = arguments.contains(&"check");
    assert_eq!(status, if is_gate { 18 } else { 0 }, "{seen}");
    seen.lines().map(str::to_owned).collect()
}

fn line_of<'a>(lines: &'a [String], beginning: &str) -> &'a str {
    let line = lines.iter().find(|line| line.starts_with(beginning));
    line.unwrap_or_else(|| panic!("no line of {beginning} in\n{}", lines.join("\n")))
}

#[test]
fn on_any_terminal_a_row_is_a_line() {
    let sandbox = twelve();
    let list = ["list", "--all", "--color", "never"];
    for width in [60, 80, 100, 200] {
        let lines = shown(&sandbox, width, &list, &[]);
        assert_eq!(lines.len(), 13, "{width}:\n{}", lines.join("\n"));
        for line in &lines {
            assert!(line.width() <= usize::from(width), "{width}: {line}");
        }
    }
    let narrow = shown(&sandbox, 80, &list, &[]);
    for (name, said) in [
        ("NAME", "ENV   STATUS      PREFIX…HINT        LAST USED  EXPIRES"),
        ("ci-pipeli", "3d ago     never"),
        ("retired-k", "3d ago, retired"),
        ("leaked", ", compromised"),
        ("rotating", "2 hours left"),
        ("held ", "pending"),
        ("paused", "disabled"),
        ("expired-k", "4 days ago"),
    ] {
        let line = line_of(&narrow, name);
        assert!(line.contains(said), "{line}");
    }
    assert!(line_of(&narrow, "a name").contains('…'));
    assert!(line_of(&narrow, "日本").contains("…  "));
    let wide = shown(&sandbox, 200, &list, &[]);
    for (name, said) in [
        ("retired-key ", "revoked 3 days ago, retired"),
        ("leaked ", ", compromised"),
        ("rotating ", "superseded"),
        ("rotating ", "2 hours left"),
        ("expired-key ", "4 days ago"),
        (&LONG[..64], "in 90 days (20"),
        ("expired-key ", " days ago (20"),
    ] {
        let line = line_of(&wide, name);
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn rows_of_gates_and_usage_fit_a_terminal_too() {
    let sandbox = twelve();
    for name in [&LONG[..64], "日本語の長い名前の鍵、四十文字の幅がある"] {
        let secret = sandbox.keyward(["rotate", name]).ok().line();
        sandbox.verdict(&secret, &[], 0, "valid");
        sandbox.verdict(&secret, &["-e", "other"], 14, "wrong_environment");
    }
    let another = "another-workspace-with-a-long-name";
    sandbox.workspace(another, &[]);
    sandbox.mint_with("theirs", &["-w", another]);
    let never = ["--color", "never"];
    for (command, rows) in [
        (
            &["check", "-A", "--older-than", "1d", "--expiring-within", "100d", "--never-used"][..],
            8,
        ),
        (&["check", "-w", "default", "--older-than", "1d", "--expired-within", "30d"], 2),
        (&["usage", "-A", "--by", "key,day,environment"], 3),
        (&["usage", "-w", "default"], 3),
    ] {
        let lines = shown(&sandbox, 80, &[command, &never].concat(), &[]);
        assert!(lines.len() > rows, "{command:?}:\n{}", lines.join("\n"));
        for line in &lines {
            assert!(line.width() <= 80, "{command:?}: {line}");
        }
    }
}

#[test]
fn off_a_terminal_nothing_is_cut_and_wide_has_every_column() {
    let sandbox = twelve();
    let table = sandbox.keyward(["list", "--all"]).ok().stdout;
    assert!(table.contains(&LONG[..64]), "{table}");
    assert!(!table.contains("key_") && !table.contains('\u{1b}'), "{table}");
    let owned = ["list", "-o", "wide", "--owner", "platform"];
    for table in [
        sandbox.keyward(owned).ok().stdout,
        shown(&sandbox, 80, &owned, &[("NO_COLOR", "1")]).join("\n"),
    ] {
        let words: Vec<&str> = table.split_whitespace().collect();
        for word in ["ID", "WORKSPACE", "OWNER", "SCOPES", "default", "platform"] {
            assert!(words.contains(&word), "no {word} in\n{table}");
        }
        let id = sandbox.id_of("日本語の長い名前の鍵、四十文字の幅がある");
        assert!(words.contains(&id.as_str()), "{table}");
    }
    let usage = sandbox.keyward(["usage", "-o", "wide"]).ok().stdout;
    assert!(usage.lines().next().is_some_and(|line| line.ends_with("ID")), "{usage}");
    // Elsewhere it is the table.
    for command in [&["audit", "list"], &["workspace", "list"]] {
        let [wide, table] = ["wide", "table"].map(|format| {
            let run = sandbox.keyward(command).args(["-o", format]).ok();
            // How wide a column is depends on the time that has passed.
            let header = run.stdout.lines().next().unwrap_or_default().split_whitespace();
            (header.map(str::to_owned).collect::<Vec<_>>(), run.stdout.lines().count())
        });
        assert_eq!(wide, table, "{command:?}");
    }
}

#[test]
fn statuses_have_colours_where_colours_are_wanted() {
    let sandbox = twelve();
    let coloured = shown(&sandbox, 200, &["list", "--all"], &[]);
    for (name, colour, status) in [
        ("ci-pipeline", "32", "active"),
        ("held", "33", "pending"),
        ("paused", "33", "disabled"),
        ("leaked", "2;31", "revoked"),
        ("expired-key", "2;31", "expired"),
    ] {
        let wanted = format!("\u{1b}[{colour}m{status}\u{1b}[0m");
        assert!(line_of(&coloured, name).contains(&wanted), "{status}");
    }
    let list = ["list", "--all"];
    let never = ["list", "--all", "--color", "never"];
    for (arguments, variables) in [
        (&list[..], [("NO_COLOR", "1")]),
        (&list, [("TERM", "dumb")]),
        (&never, [("TERM", "xterm")]),
    ] {
        let plain = shown(&sandbox, 200, arguments, &variables);
        assert!(!plain.join("").contains("\u{1b}["), "{variables:?}");
    }
    let piped = sandbox.keyward(["list", "--color", "always"]).ok().stdout;
    assert!(piped.contains("\u{1b}[32mactive\u{1b}[0m"), "{piped}");
}

#[test]
fn numbers_stand_to_the_right() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for _ in 0..10 {
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    sandbox.verdict(&sandbox.mint("web"), &[], 0, "valid");
    for _ in 0..4 {
        for verb in ["disable", "enable"] {
            sandbox.keyward([verb, "ci"]).ok();
        }
    }
    let usage = sandbox.keyward(["usage", "--by", "key"]).ok().stdout;
    let numbers: Vec<&str> = usage.lines().map(|line| &line[..17]).collect();
    assert_eq!(numbers, ["NAME  ENV   VALID", "ci    live     10", "web   live      1"]);
    let trail = sandbox.keyward(["audit", "list"]).ok().stdout;
    let numbers: Vec<&str> = trail.lines().map(|line| &line[..3]).collect();
    assert_eq!((numbers[0], numbers[1], numbers[10]), ("SEQ", "  1", " 10"));
}

#[test]
fn an_empty_list_says_where_and_what_was_looked_for() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.expect_transcripts(
        r#"
$ keyward list
------- stderr -------
no keys in workspace acme
hint: `keyward mint NAME` mints one, `keyward list --all` lists revoked and expired keys too
[exit status: 0]
$ keyward list --status active,pending --owner x --label team=core
------- stderr -------
no active or pending keys in workspace acme with owner x, label team=core
[exit status: 0]
$ keyward list --all -e test --name ci --scope read
------- stderr -------
no keys in workspace acme with environment test, a name that contains ci, scope read
[exit status: 0]
$ keyward list --json --status active
{"keys":[]}
------- stderr -------
[exit status: 0]
"#,
    );
}

#[test]
fn empty_lists_of_events_and_uses_say_what_was_looked_for_too() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    for (words, said) in [
        (&["audit", "list", "--actor", "bob"][..], "no events by bob\n"),
        (
            &["audit", "list", "-w", "acme", "--action", "key.mint,key.prune"],
            "no events in workspace acme with action key.mint or key.prune\n",
        ),
        (
            &["usage", "--since", "2020-01-01", "--until", "2020-01-02"],
            "no usage recorded since 2020-01-01 until 2020-01-02\n",
        ),
        (&["usage", "-w", "acme"], "no usage recorded yet in workspace acme\n"),
    ] {
        let run = sandbox.keyward(words).ok();
        assert!(run.stderr.starts_with(said), "{words:?}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn what_is_past_is_in_the_past_tense() {
    let sandbox = twelve();
    let shown = sandbox.keyward(["show", "expired-key"]).ok().stdout;
    assert!(shown.contains("\nexpired      4 days ago ("), "{shown}");
    let shown = sandbox.keyward(["show", "paused"]).ok().stdout;
    assert!(shown.contains("\nexpires      "), "{shown}");
}

#[test]
fn tsv_has_a_header_where_it_is_asked_for() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let line = sandbox.keyward(["list", "-o", "tsv"]).ok().line();
    let with_header = sandbox.keyward(["list", "-o", "tsv", "--header"]).ok().stdout;
    let (header, rest) = with_header.split_once('\n').expect("two lines");
    assert_eq!(rest, line.clone() + "\n");
    let help = sandbox.keyward(["list", "--help"]).ok().stdout;
    let words: Vec<&str> = help.split_whitespace().collect();
    let columns = header.replace('\t', ", ");
    assert!(words.join(" ").contains(&columns), "help does not name {columns}");
    assert_eq!(
        header.split('\t').take(4).collect::<Vec<_>>(),
        ["id", "workspace", "name", "environment"]
    );
    assert_eq!(header.split('\t').count(), line.split('\t').count());
    let shown = sandbox.keyward(["show", "ci", "-o", "tsv", "--header"]).ok().stdout;
    // `show` adds the limits.
    assert!(shown.starts_with(header), "{shown}");
    assert!(shown.lines().next().is_some_and(|line| line.ends_with("\tlimits")));
    let minted = sandbox.keyward(["mint", "web", "-o", "tsv", "--header"]).ok().stdout;
    let (header, record) = minted.split_once('\n').expect("two lines");
    assert!(header.starts_with("id\tworkspace\tname\t") && header.ends_with("\tkey"), "{header}");
    assert_eq!(header.split('\t').count(), record.split('\t').count());
    for flags in [&["--header"][..], &["--header", "-o", "wide"], &["--header", "--json"]] {
        let run = sandbox.keyward(["list"]).args(flags).exit(2);
        assert!(run.stderr.contains("--output tsv"), "{}", run.stderr);
    }
}
