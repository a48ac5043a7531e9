//! What a long job says of itself on a terminal, and that it says nothing anywhere else.

use crate::support::terminal::Terminal;
use crate::support::{KEYWARD, Sandbox};

/// What a line is cleared with.
const CLEARED: &str = "\r\u{1b}[K";

fn many() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "many", "--count", "300"]).ok();
    sandbox
}

/// What a terminal shows of a command of a shell, in the pieces between which the line was cleared.
fn shown(sandbox: &Sandbox, script: &str) -> Vec<String> {
    let mut terminal = Terminal::start(sandbox, "sh", &["-c", script, KEYWARD], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    seen.split(CLEARED).map(str::to_owned).collect()
}

#[test]
fn a_job_is_shown_from_its_beginning_to_its_end_in_the_unit_it_names() {
    let sandbox = many();
    let other = Sandbox::new();
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    other.file("keys.jsonl", &lines);
    for (home, script, first, one, last, answer) in [
        (
            &sandbox,
            "\"$0\" store check",
            "checking the file",
            "checked 1 of 300 keys",
            "checked 300 of 300 keys",
            "no problems",
        ),
        (
            &sandbox,
            "\"$0\" store check -o wide",
            "checking the file",
            "checked 1 of 601 events",
            "checked 300 of 300 keys",
            "no problems",
        ),
        (
            &sandbox,
            "\"$0\" store backup copy.db",
            "copying the store",
            "copied ",
            " pages",
            "backed up ",
        ),
        (
            &sandbox,
            "\"$0\" store restore copy.db --yes",
            "checking the backup",
            "checked 1 of 300 keys",
            "restored 300 of 300 keys",
            "restored ",
        ),
        (
            &sandbox,
            "\"$0\" store restore copy.db --yes",
            "checking the backup",
            "compared 300 of 300 keys",
            "restored 300 of 300 keys",
            "restored ",
        ),
        (
            &sandbox,
            "\"$0\" audit verify",
            "checking the audit trail",
            "checked 1 of ",
            " events",
            "audit trail intact: ",
        ),
        (
            &sandbox,
            "\"$0\" store export >lines",
            "exporting keys",
            "exported 1 of 300 keys",
            "exported 300 of 300 keys",
            "",
        ),
        (
            &other,
            "\"$0\" store import keys.jsonl",
            "reading lines",
            "read 1 line (0 %)",
            "read 301 lines (100 %)",
            "created the store ",
        ),
    ] {
        let pieces = shown(home, script);
        let told = pieces.join("\n");
        assert_eq!(pieces.get(1).map(String::as_str), Some(first), "{script}: {told}");
        let jobs = &pieces[1..pieces.len() - 1];
        assert!(jobs.iter().any(|piece| piece.starts_with(one)), "{script}: {told}");
        let end = jobs.last().is_some_and(|piece| piece.ends_with(last));
        assert!(end, "{script}: {told}");
        // The line is gone before the answer.
        assert!(pieces[0].is_empty(), "{script}: {told}");
        let rest = pieces.last().expect("it has a last piece");
        assert!(rest.starts_with(answer), "{script}: {told}");
        assert_eq!(rest.is_empty(), answer.is_empty(), "{script}: {told}");
    }
}

#[test]
fn a_scan_is_shown_in_each_mebibyte_that_it_has_read() {
    let sandbox = many();
    for name in ["one", "two", "three", "four"] {
        sandbox.file(name, &"no key\n".repeat(170_000));
    }
    let pieces = shown(&sandbox, "\"$0\" scan one two three four");
    let told = pieces.join("\n");
    assert_eq!(pieces.get(1).map(String::as_str), Some("scanning"), "{told}");
    let reached =
        pieces.iter().filter(|piece| piece.starts_with("scanned ") && piece.ends_with("iB"));
    assert!(reached.count() >= 4, "{told}");
    assert!(
        pieces.last().is_some_and(|last| last.starts_with("scanned 4 files (4.5 MiB)")),
        "{told}"
    );
}

#[test]
fn nothing_is_shown_off_a_terminal_or_where_quiet_is_asked_for() {
    let sandbox = many();
    for command in ["store check", "store backup copy.db", "store export"] {
        let words: Vec<&str> = command.split(' ').collect();
        for flags in [&[][..], &["--json"]] {
            let run = sandbox.keyward(&words).args(flags).ok();
            assert!(!run.stderr.contains('\r'), "{command}: {}", run.stderr);
        }
        for script in [
            format!("\"$0\" {command} --quiet >answer"),
            format!("TERM=dumb \"$0\" {command} >answer"),
            format!("\"$0\" {command} --json >answer"),
        ] {
            let told = shown(&sandbox, &script).join(CLEARED);
            assert!(!told.contains(CLEARED), "{script}: {told}");
        }
        std::fs::remove_file(sandbox.home().join("copy.db")).ok();
    }
    // Lines that are seen say how far it has come.
    let told = shown(&sandbox, "\"$0\" store export");
    assert_eq!(told.len(), 1);
}
