//! What `--dotenv` writes, read by those it is for: python-dotenv, Node.js and shells. What one of them would not read is
//! refused before anything is minted.

use std::fs;

use rustix::process::geteuid;

use crate::support::{KEYWARD, Sandbox, skipped, text, tool};

const MINT: [&str; 6] = ["mint", "ci", "--dotenv", ".env", "--var", "KEY"];

/// Programs that print what they read for KEY in the file that they are given.
const READERS: [(&str, &[&str]); 4] = [
    ("sh", &["sh", "-c", ". \"./$0\" >/dev/null 2>&1; printf %s \"$KEY\""]),
    ("bash", &["bash", "-c", ". \"./$0\" >/dev/null 2>&1; printf %s \"$KEY\""]),
    (
        "node",
        &[
            "node",
            "-e",
            "const {parseEnv} = require('node:util'), {readFileSync} = require('node:fs');\
             process.stdout.write(parseEnv(readFileSync(process.argv[1], 'utf8')).KEY ?? '')",
        ],
    ),
    (
        "python3",
        &[
            "python3",
            "-c",
            "import sys, dotenv\nsys.stdout.write(dotenv.dotenv_values(sys.argv[1])['KEY'] or '')",
        ],
    ),
];

/// The readers that are there.
fn readers(sandbox: &Sandbox) -> Vec<&'static [&'static str]> {
    let is_there = |name: &str, test: &[&str]| {
        tool(name) && sandbox.program(name, test).run().status == 0 || {
            skipped(&format!("no dotenv files are read with {name}"));
            false
        }
    };
    let has = READERS.iter().filter(|(name, _)| match *name {
        "node" => is_there(name, &["-e", "require('node:util').parseEnv('')"]),
        "python3" => is_there(name, &["-c", "import dotenv"]),
        _ => is_there(name, &["-c", ":"]),
    });
    has.map(|(_, command)| *command).collect()
}

#[test]
fn everybody_reads_the_variable_that_was_delivered() {
    let sandbox = Sandbox::new();
    let readers = readers(&sandbox);
    for (at, before) in [
        "",
        "A=1",
        "\u{feff}A=1\n",
        "\u{feff}KEY=old\nA=1\n",
        "KEY=old\r\nA=1\r\n",
        "A=1\r\n\r\n# don't\r\nexport KEY=\"old\" # why\r\n",
        "KEY= # fill me in\nA=1\n",
        "KEY=\"old # value\" # it's ours\n",
        "KEY=put your key here\n",
        "KEY=old;\n",
        "KEY=one\nA=1\nKEY='two'\n",
        "A=\"it's\"\nB='x\ny'\nURL=postgres://u:p@h/d?a=1&b=2\nKEY=old\n",
        "NAME=My App\nMY_KEY=1\nC=$(echo \"1\")\n  KEY = old\n",
    ]
    .into_iter()
    .enumerate()
    {
        let (name, file) = (format!("ci-{at}"), format!("{at}.env"));
        let path = sandbox.file(&file, before);
        sandbox.keyward(["mint", &name, "--dotenv", &file, "--var", "KEY"]).ok();
        let after = fs::read_to_string(path).expect("it is text");
        let mut secrets = Vec::new();
        for reader in &readers {
            let run = sandbox.program(reader[0], &reader[1..]).args([&file]);
            secrets.push(run.ok().stdout);
        }
        secrets.dedup();
        assert_eq!(secrets.len(), 1, "{before:?} became {after:?}");
        let verdict = sandbox.verdict(&secrets[0], &["--no-record"], 0, "valid");
        assert_eq!(text(&verdict["subject"], "name"), name, "{after:?}");
        assert_eq!(before.contains(" # "), after.contains(" # "), "{after:?}");
    }
}

/// Asserts that a delivery into a file with these bytes is refused with this in the message, and nothing done.
#[track_caller]
fn assert_refused(content: &[u8], said: &str) {
    let sandbox = Sandbox::new();
    let path = sandbox.file(".env", "");
    fs::write(&path, content).expect("it can be written");
    for command in ["mint", "ensure"] {
        let run = sandbox.keyward([command]).args(&MINT[1..]);
        let error = run.refused(16, "delivery_failed");
        assert!(text(&error, "message").contains(said), "{error:#}");
        assert!(error["hint"].is_string(), "{error:#}");
        assert_eq!(fs::read(&path).expect("it is there"), content);
        assert!(!sandbox.store_path().exists());
    }
}

#[test]
fn a_file_in_another_encoding_is_refused() {
    for mark in ["", "\u{feff}"] {
        let units: Vec<u16> = format!("{mark}A=1\r\nKEY=old\r\n").encode_utf16().collect();
        let little: Vec<u8> = units.iter().copied().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units.iter().copied().flat_map(u16::to_be_bytes).collect();
        assert_refused(&little, "is not UTF-8 text");
        assert_refused(&big, "is not UTF-8 text");
    }
    assert_refused(b"A=caf\xe9\n", "is not UTF-8 text");
}

#[test]
fn an_assignment_that_would_lose_something_is_refused() {
    for content in ["KEY=old; export KEY\n", "KEY=old;export KEY\n", "KEY=old && run\n"] {
        assert_refused(content.as_bytes(), "goes on after the value");
    }
    assert_refused(b"A=1\nKEY: old\n", "line 2 of");
    assert_refused(b"KEY=\"a\nb\"\n", "spans lines");
}

#[test]
fn a_line_that_hides_the_variable_is_named_with_who_would_miss_it() {
    for (content, said) in [
        ("A=don't\n", "line 1 of \".env\" keeps sh from reading KEY"),
        ("A=1\nB=<fill me in>\n", "line 2 of \".env\" keeps sh from"),
        ("A=1\nB='x\nKEY=old\nC='y'\n", "line 3 of \".env\" keeps dotenv for Node.js from"),
        ("KEY=old\nexport KEY\n", "line 2 of \".env\" keeps python-dotenv from"),
        ("KEY=old\n'KEY'=other\n", "line 2 of \".env\" keeps python-dotenv from"),
        ("A=1\n \nKEY=old\n", "line 2 of \".env\" keeps node --env-file of Node.js 20 from"),
        ("if true\nthen A=1\nfi\n", "keeps "),
    ] {
        assert_refused(content.as_bytes(), said);
    }
}

#[test]
fn a_file_that_is_a_mount_of_its_own_is_refused_beforehand() {
    let script = "touch host .env && chmod 600 host && mount --bind host .env";
    let may_mount = geteuid().is_root() && tool("unshare") && {
        let sandbox = Sandbox::new();
        sandbox.program("unshare", ["-m", "sh", "-c", script]).run().status == 0
    };
    if !may_mount {
        skipped("no file can be mounted here");
        return;
    }
    for command in [
        "mint ci --dotenv .env --var KEY",
        "ensure ci --dotenv .env --var KEY",
        "ensure ci --rotate-if-missing --out .env",
    ] {
        let sandbox = Sandbox::new();
        let script = format!("{script} && \"$0\" {command}; echo $? && cat host");
        let output = sandbox.program("unshare", ["-m", "sh", "-c", &script, KEYWARD]).ok();
        assert_eq!(output.stdout, "16\n", "{command}\n{}", output.stderr);
        assert!(output.stderr.contains("mounted as a single file"), "{}", output.stderr);
        assert!(output.stderr.contains("hint: "), "{}", output.stderr);
        assert!(!sandbox.store_path().exists(), "{command}");
    }
}

#[test]
fn a_file_that_everybody_can_read_is_warned_of_by_whoever_finds_the_secret_in_it() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new();
    let manifest = "[workspace.default]\npreset = \"default\"\n\
        [[key]]\nworkspace = \"default\"\nenvironment = \"live\"\nname = \"KEY\"\ndeliver = SINK\n";
    for (name, sink, deliver) in [
        ("out", &["--out", "f"][..], "{ out = \"f\" }"),
        ("dotenv", &["--dotenv", ".env", "--var", "KEY"], "{ dotenv = \".env\", var = \"KEY\" }"),
    ] {
        sandbox.file(
            "m.toml",
            &manifest.replace("KEY\"\nd", &format!("{name}\"\nd")).replace("SINK", deliver),
        );
        let ensure = || sandbox.keyward(["ensure", name]).args(sink);
        let apply = || sandbox.keyward(["apply", "m.toml"]);
        for run in [&ensure as &dyn Fn() -> _, &ensure, &apply] {
            assert!(run().answer().get("warnings").is_none(), "{name}");
        }
        let path = sandbox.home().join(sink[1]);
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("it is there");
        for run in [&ensure as &dyn Fn() -> _, &apply] {
            let answer = run().answer();
            let warnings = answer["warnings"].as_array().expect("warnings");
            assert_eq!(warnings.len(), 1, "{answer:#}");
            let warning = warnings[0].as_str().expect("a sentence");
            let named = format!("{}\" can be read by other users (mode 0644)", sink[1]);
            assert!(warning.ends_with(&named), "{warning}");
            let said = run().ok().stderr;
            assert!(said.contains(&format!("warning: {warning}")), "{said}");
            let row = run().args(["-o", "tsv"]).ok().stdout;
            assert!(!row.contains("0644"), "{row}");
        }
    }
}

#[test]
fn a_dotenv_file_is_read_back_by_a_shell_and_by_python() {
    let files = [
        ("nothing", None, "", ""),
        ("lines", Some("# mine\nPORT=8080\n\nNAME='a b' # c\n"), "8080", "a b"),
        ("an_old_value", Some("PORT=1\nKEY=old\nNAME=x\n"), "1", "x"),
        ("export", Some("export PORT=1\nexport KEY='old' # rotated\n"), "1", ""),
        ("no_last_line_feed", Some("PORT=1"), "1", ""),
        ("twice", Some("KEY=one\nPORT=2\nKEY=\"two\"\n"), "2", ""),
    ];
    let sandbox = Sandbox::new();
    for (name, content, port, other) in files {
        let file = format!("{name}.env");
        if let Some(content) = content {
            sandbox.file(&file, content);
        }
        let output = sandbox.keyward(["mint", name, "--dotenv", &file, "--var", "KEY"]).ok();
        assert_eq!(output.stdout, "", "{name}");
        let text = fs::read_to_string(sandbox.home().join(&file)).expect("the file is there");
        for line in content.unwrap_or_default().lines() {
            let is_kept = line.contains("KEY=") || text.lines().any(|kept| kept == line);
            assert!(is_kept, "{name}: the line {line:?} is gone from\n{text}");
        }
        assert_eq!(text.contains("export KEY="), name == "export", "{text}");
        assert_eq!(text.contains("# rotated"), name == "export", "{text}");

        let script = format!(
            "set -eu; NAME=; PORT=; . ./{file}; printf '%s|%s|%s' \"$PORT\" \"$NAME\" \"$KEY\""
        );
        let sourced = sandbox.program("sh", ["-c", &script]).ok().stdout;
        let secret = sourced
            .strip_prefix(&format!("{port}|{other}|"))
            .unwrap_or_else(|| panic!("{name}: the shell read {sourced} of\n{text}"));
        let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"]["name"], name);

        if tool("python3") {
            let script = "import shlex, sys\n\
                words = shlex.split(open(sys.argv[1]).read(), comments=True)\n\
                pairs = dict(word.split('=', 1) for word in words if '=' in word)\n\
                sys.stdout.write(pairs['KEY'])";
            let read = sandbox.program("python3", ["-c", script, &file]).ok();
            assert_eq!(read.stdout, secret, "{name}: python read another value of\n{text}");
        }
    }
}

#[test]
fn a_dotenv_file_keeps_its_bytes_when_the_delivery_is_refused() {
    let sandbox = Sandbox::new();
    for content in ["KEY=\"a\nb\"\n", "KEY=a OTHER=b; LAST=c\n"] {
        let path = sandbox.file(".env", content);
        sandbox.keyward(["mint", "ci", "--dotenv", ".env", "--var", "KEY"]).exit(16);
        assert_eq!(fs::read_to_string(path).expect("it is there"), content);
        assert_eq!(sandbox.listed(&[]), [""; 0]);
    }
    sandbox.file(".env", "");
    for variable in ["A-B", "1A", "", "A B", "A=B", "$(id)", "A\nB"] {
        sandbox.refuses(&["mint", "ci", "--dotenv", ".env", "--var", variable], 2, "usage");
    }
}
