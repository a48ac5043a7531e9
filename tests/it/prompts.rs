//! Questions asked on a real pseudo-terminal, what each answer does, and that nothing is asked without one.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::terminal::{ECHO, ICANON, Terminal};
use crate::support::{KEYWARD, Sandbox, text, tool};

/// Starts keyward on a terminal and waits for its question.
fn ask(sandbox: &Sandbox, arguments: &[&str]) -> Terminal {
    let mut terminal = Terminal::keyward(sandbox, arguments, &[]);
    terminal.wait_for("?");
    terminal
}

#[test]
fn revoke_asks_with_the_name_the_hint_and_the_last_use() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.mint("unused");
    let hint = text(&sandbox.show("ci"), "keyHint");
    let mut terminal = ask(&sandbox, &["revoke", "ci"]);
    terminal.wait_for("last used");
    terminal.types("n\r");
    let (_, seen) = terminal.end();
    for part in ["ci", &hint, "last used", "ago", "Permanently"] {
        let is_said = seen.contains(part) || (part == "ago" && seen.contains("now"));
        assert!(is_said, "the question does not say {part}:\n{seen}");
    }
    assert!(!seen.contains(&secret), "the question tells the secret");
    let mut terminal = ask(&sandbox, &["revoke", "unused"]);
    terminal.wait_for("never");
    terminal.types("n\r");
    terminal.end();
}

#[test]
fn a_backup_that_does_not_exist_or_is_none_is_refused_before_anything_is_asked() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.file("notes.txt", "not a backup, whatever its size may be");
    let own = sandbox.store_path().display().to_string();
    for (file, said) in [
        ("missing.db", "no such file"),
        ("notes.txt", "the backup cannot be restored"),
        (&own, "this is the store itself"),
    ] {
        let restore = ["store", "restore", file];
        let (_, seen) = Terminal::keyward(&sandbox, &restore, &[]).end();
        assert!(seen.contains(said) && !seen.contains('?'), "{file}:\n{seen}");
    }
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    let mut terminal = ask(&sandbox, &["store", "restore", "b.db"]);
    terminal.types("n\r");
    assert_eq!(terminal.end().0, 130);
}

#[test]
fn yes_revokes() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut terminal = ask(&sandbox, &["revoke", "ci"]);
    terminal.types("y\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn anything_but_yes_changes_nothing_and_exits_130() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let before = sandbox.show("ci");
    for (keys, what) in [
        ("n\r", "no"),
        ("\r", "the default"),
        ("\u{1b}\r", "Esc"),
        ("\u{3}", "^C"),
        ("x\r", "another word"),
        ("\u{4}", "the end of input"),
    ] {
        let mut terminal = Terminal::keyward(&sandbox, &["revoke", "ci"], &[]);
        let modes = terminal.first_modes;
        assert_eq!(modes & (ECHO | ICANON), ECHO | ICANON);
        terminal.wait_for("?");
        terminal.types(keys);
        let (status, seen) = terminal.end();
        assert_eq!(status, 130, "{what}: {seen}");
        let is_said = seen.ends_with("\r\ncancelled: nothing was changed\r\n");
        assert!(is_said, "{what}: {seen}");
        assert_eq!(terminal.modes(), modes, "{what}: the terminal is left changed");
        assert_eq!(sandbox.show("ci"), before, "{what}");
    }
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_declined_prompt_is_an_interrupt_under_json_too() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    // Only stderr and stdin are a terminal; stdout is the answer's and goes to a file.
    let script = "\"$0\" --json revoke ci >answer; echo \"status $?\"";
    let mut terminal = Terminal::start(&sandbox, "sh", &["-c", script, KEYWARD], &[]);
    terminal.wait_for("Permanently");
    terminal.types("n\r");
    let (_, seen) = terminal.end();
    assert!(seen.contains("status 130"), "{seen}");
    assert!(seen.contains("\"interrupted\""), "{seen}");
    let answer = std::fs::read_to_string(sandbox.home().join("answer"));
    assert_eq!(answer.expect("the shell made it"), "");
}

#[test]
fn a_signal_during_a_question_leaves_the_terminal_as_it_was() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (sandbox, secret) = Sandbox::with_key("ci");
        for arguments in [&["revoke", "ci"][..], &["verify"]] {
            let mut terminal = Terminal::keyward(&sandbox, arguments, &[]);
            let modes = terminal.first_modes;
            match arguments {
                ["verify"] => terminal.wait_until_hidden(),
                _ => terminal.wait_for("?"),
            }
            terminal.signals(signal);
            let (status, seen) = terminal.end();
            assert_ne!(status, 0, "{signal:?}: {seen}");
            assert_eq!(terminal.modes(), modes, "{signal:?} {arguments:?}");
        }
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}

#[test]
fn with_yes_nothing_is_asked_on_a_terminal() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut terminal = Terminal::keyward(&sandbox, &["revoke", "ci", "--yes"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(!seen.contains('?'), "{seen}");
}

#[test]
fn revoking_twice_asks_nothing_the_second_time() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let mut terminal = Terminal::keyward(&sandbox, &["revoke", "ci"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("no change"), "{seen}");
}

#[test]
fn several_keys_are_asked_about_in_one_question() {
    let sandbox = Sandbox::with_keys(&["one", "two"]);
    let mut terminal = ask(&sandbox, &["revoke", "one", "two"]);
    terminal.types("y\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("one") && seen.contains("two"), "{seen}");
    assert_eq!(sandbox.listed(&[]), [""; 0]);
}

#[test]
fn revoke_lists_every_key_that_a_name_stands_for_a_line_each() {
    let sandbox = Sandbox::new();
    let mut ids = Vec::new();
    sandbox.mint("ci");
    ids.push(sandbox.id_of("ci"));
    for flags in [&[][..], &["--hold"]] {
        let rotated = sandbox.keyward(["rotate", "ci"]).args(flags).answer();
        ids.push(text(&rotated, "id"));
    }
    sandbox.mint("dead");
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    let dead = sandbox.id_of("dead");
    let mut terminal = ask(&sandbox, &["revoke", "ci", "dead"]);
    terminal.types("n\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 130, "{seen}");
    for (id, standing) in ids.iter().zip(["superseded", "active", "pending"]) {
        let mut lines = seen.lines().filter(|line| line.contains(id));
        let line = lines.next().unwrap_or_else(|| panic!("{id} is not in {seen}"));
        assert!(line.contains(standing) && line.contains("never used"), "{seen}");
        assert_eq!(lines.next(), None, "{seen}");
    }
    assert!(seen.contains("these 3 keys") && !seen.contains(&dead), "{seen}");
    assert_eq!(sandbox.listed(&[]).len(), 3);
    let mut terminal = ask(&sandbox, &["revoke", "ci"]);
    terminal.types("y\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert_eq!(sandbox.listed(&[]), [""; 0]);
}

#[test]
fn a_key_that_is_not_there_is_told_without_asking() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut terminal = Terminal::keyward(&sandbox, &["revoke", "missing"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 3, "{seen}");
}

#[test]
fn on_a_terminal_a_secret_is_read_without_being_shown() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let held = sandbox.mint_with("held", &["--hold"]);
    for (arguments, secret) in
        [(&["verify"][..], &secret), (&["activate"], &held), (&["whoami", "--as", "-"], &secret)]
    {
        let mut terminal = Terminal::keyward(&sandbox, arguments, &[]);
        let modes = terminal.first_modes;
        terminal.wait_until_hidden();
        terminal.types(&format!("{secret}\r"));
        let (status, seen) = terminal.end();
        assert_eq!(status, 0, "{arguments:?}: {seen}");
        assert!(!seen.contains(&secret[10..30]), "{arguments:?}: {seen}");
        assert_eq!(terminal.modes(), modes, "{arguments:?}");
    }
    sandbox.verdict(&held, &[], 0, "valid");
}

#[test]
fn a_wrong_secret_typed_on_a_terminal_is_a_verdict() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for keys in ["\r", "nonsense\r"] {
        let mut terminal = Terminal::keyward(&sandbox, &["verify"], &[]);
        terminal.wait_until_hidden();
        terminal.types(keys);
        let (status, seen) = terminal.end();
        assert_eq!(status, 10, "{seen}");
    }
}

#[test]
fn an_interrupt_while_a_secret_is_typed_restores_the_terminal() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut terminal = Terminal::keyward(&sandbox, &["verify"], &[]);
    let modes = terminal.first_modes;
    terminal.wait_until_hidden();
    terminal.types("kw_live_\u{3}");
    let (status, seen) = terminal.end();
    assert_eq!(status, 130, "{seen}");
    assert_eq!(terminal.modes(), modes);
}

#[test]
fn deleting_a_workspace_asks_only_when_records_would_go() {
    let sandbox = Sandbox::with_workspace("empty", &[]);
    sandbox.workspace("used", &[]);
    sandbox.workspace("living", &[]);
    sandbox.mint_with("ci", &["-w", "used"]);
    sandbox.keyward(["revoke", "ci", "-w", "used", "--yes"]).ok();
    sandbox.mint_with("ci", &["-w", "living"]);

    let mut terminal = Terminal::keyward(&sandbox, &["workspace", "delete", "empty"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(!seen.contains('?'), "{seen}");

    let mut terminal = Terminal::keyward(&sandbox, &["workspace", "delete", "living"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 4, "{seen}");

    let error = sandbox.keyward(["workspace", "delete", "used"]).refused(2, "usage");
    assert!(text(&error, "hint").contains("--yes"), "{error:#}");

    let mut terminal = ask(&sandbox, &["workspace", "delete", "used"]);
    terminal.types("n\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 130, "{seen}");
    let question = "Delete workspace used and the records of 1 revoked or expired key?";
    assert!(seen.contains(question), "{seen}");
    sandbox.keyward(["workspace", "show", "used"]).ok();

    let mut terminal = ask(&sandbox, &["workspace", "delete", "used"]);
    terminal.types("y\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    sandbox.keyward(["workspace", "show", "used"]).exit(3);
}

#[test]
fn without_a_terminal_revoke_says_so_at_once() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let wrappers: [&[&str]; 3] = [
        &[],
        &["setsid", "--wait"],
        &["sh", "-c", "\"$0\" \"$@\" </dev/null >answer 2>&1 || { s=$?; cat answer; exit $s; }"],
    ];
    for wrapper in wrappers {
        if wrapper.first().is_some_and(|program| !tool(program)) {
            continue;
        }
        for arguments in [&["revoke", "ci"][..], &["revoke", "missing"]] {
            let begun = Instant::now();
            let output = sandbox.keyward(arguments).through(wrapper).exit(2);
            assert!(begun.elapsed() < Duration::from_secs(3), "{wrapper:?}");
            let said = output.stdout + &output.stderr;
            assert!(said.contains("--yes"), "{wrapper:?}: {said}");
        }
    }
    let error = sandbox.keyward(["revoke", "ci"]).refused(2, "usage");
    assert!(text(&error, "hint").contains("--yes"), "{error:#}");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn an_answer_on_stdin_is_no_terminal() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["revoke", "ci"]).stdin("y\n").exit(2);
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn on_a_terminal_nothing_is_asked_where_asking_is_forbidden() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 4] = [
        (&["revoke", "ci"], &[("CI", "true")]),
        (&["revoke", "ci"], &[("CI", "1")]),
        (&["revoke", "ci", "--no-input"], &[]),
        (&["--no-input", "revoke", "ci"], &[]),
    ];
    for (arguments, environment) in cases {
        let mut terminal = Terminal::keyward(&sandbox, arguments, environment);
        let (status, seen) = terminal.end();
        assert_eq!(status, 2, "{arguments:?} {environment:?}: {seen}");
        assert!(seen.contains("--yes"), "{seen}");
    }
    for environment in [&[("CI", "true")][..], &[]] {
        let flags: &[&str] = match environment {
            [] => &["verify", "--no-input"],
            _ => &["verify"],
        };
        let mut terminal = Terminal::keyward(&sandbox, flags, environment);
        let (status, seen) = terminal.end();
        assert_eq!(status, 2, "{flags:?}: {seen}");
    }
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn a_terminal_behind_a_redirection_is_not_opened() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for redirection in ["</dev/null", "2>said", "</dev/null 2>said", "</dev/null >said 2>&1"] {
        let script = format!("\"$0\" revoke ci {redirection}; echo \"status $?\"");
        let mut terminal = Terminal::start(&sandbox, "sh", &["-c", &script, KEYWARD], &[]);
        let (_, seen) = terminal.end();
        assert!(seen.contains("status 2"), "{redirection}: {seen}");
    }
    let script = "printf '%s' \"$1\" | \"$0\" verify; echo \"status $?\"";
    let mut terminal = Terminal::start(&sandbox, "sh", &["-c", script, KEYWARD, &secret], &[]);
    let (_, seen) = terminal.end();
    assert!(seen.contains("status 0"), "{seen}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let commands = [&["list"][..], &["show", "missing"], &["--help"], &["--wrong"]];
    let coloured_on_a_terminal = |flags: &[&str], environment: &[(&str, &str)]| {
        let is_coloured = |command: &&[&str]| {
            let arguments = [flags, command].concat();
            let (_, shown) = Terminal::keyward(&sandbox, &arguments, environment).end();
            assert!(!shown.is_empty());
            shown.contains('\u{1b}')
        };
        let commands = commands.iter().copied();
        commands.filter(is_coloured).collect::<Vec<_>>()
    };
    assert_eq!(coloured_on_a_terminal(&[], &[]), commands);
    assert_eq!(coloured_on_a_terminal(&[], &[("NO_COLOR", "")]), commands);
    let none: [&[&str]; 0] = [];
    assert_eq!(coloured_on_a_terminal(&[], &[("NO_COLOR", "1")]), none);
    assert_eq!(coloured_on_a_terminal(&[], &[("TERM", "dumb")]), none);
    assert_eq!(coloured_on_a_terminal(&["--color=never"], &[]), none);
    assert_eq!(coloured_on_a_terminal(&["--color", "never"], &[]), none);
    for command in commands {
        for (flags, is_coloured) in [(&[][..], false), (&["--color", "always"], true)] {
            let output = sandbox.keyward(flags).args(command).run();
            let has_escape = (output.stdout + &output.stderr).contains('\u{1b}');
            assert_eq!(has_escape, is_coloured, "{flags:?} {command:?}");
        }
    }
}

#[test]
fn a_stream_that_is_no_terminal_gets_no_colour_beside_one_that_is() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let script = "\"$0\" list >list; \"$0\" show missing 2>error; true";
    let (status, _) = Terminal::start(&sandbox, "sh", &["-c", script, KEYWARD], &[]).end();
    assert_eq!(status, 0);
    for file in ["list", "error"] {
        let content = std::fs::read_to_string(sandbox.home().join(file));
        let content = content.expect("the shell made it");
        assert!(!content.is_empty() && !content.contains('\u{1b}'), "{content}");
    }
}

#[test]
fn what_forbids_a_question_is_said_where_there_is_a_terminal() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let is_ci: &[(&str, &str)] = &[("CI", "true")];
    for (flags, variables, why) in [
        (&["--no-input"][..], &[][..], "but --no-input forbids questions"),
        (&[], is_ci, "but CI is set, which forbids questions"),
    ] {
        for command in [&["revoke", "ci"][..], &["verify"]] {
            let arguments = [command, flags].concat();
            let (status, seen) = Terminal::keyward(&sandbox, &arguments, variables).end();
            assert_eq!(status, 2, "{seen}");
            assert!(seen.contains(why), "{seen}");
        }
    }
    sandbox.verdict(&secret, &[], 0, "valid");
}
