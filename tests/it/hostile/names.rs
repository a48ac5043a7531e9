//! Names, owners, labels and messages with characters that nobody sees.

use super::{FORMATS, HOSTILE, INVISIBLE, fault, faults};
use crate::support::{Sandbox, text};

#[test]
fn names_with_invisible_characters_are_refused() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let before = sandbox.head();
    for character in INVISIBLE {
        for name in [format!("a{character}b"), format!("{character}a"), format!("a{character}")] {
            for command in [
                &["mint", &name][..],
                &["rename", "ci", &name],
                &["workspace", "create", &name],
                &["workspace", "rename", "default", &name],
            ] {
                let error = sandbox.keyward(command).refused(2, "invalid_name");
                let message = text(&error, "message") + &text(&error, "hint");
                assert_eq!(fault(&message, false), None, "{command:?}: {message:?}");
                let output = sandbox.keyward(command).exit(2);
                assert_eq!(fault(&output.stderr, false), None, "{command:?}");
            }
        }
    }
    for name in ["", " a", "a ", "\u{a0}a", "a\u{3000}", &"n".repeat(65), &"\u{e9}".repeat(65)] {
        for command in [&["mint", name][..], &["workspace", "create", name]] {
            sandbox.keyward(command).refused(2, "invalid_name");
        }
    }
    assert_eq!(sandbox.head(), before);
}

#[test]
fn names_in_any_script_are_taken_and_come_back_as_they_were() {
    let sandbox = Sandbox::new();
    let longest = "\u{9375}".repeat(64);
    for name in ["übergabe", "ключ", "鍵 1", "emoji 🔑", "a:b::c", "a#b##c", "a\\b", &longest]
    {
        sandbox.mint(name);
        assert_eq!(sandbox.show(name)["name"], name);
        for format in FORMATS {
            let output = sandbox.keyward(["list", "-o", format]).ok();
            assert_eq!(faults(name, format, &output), [""; 0]);
        }
    }
}

#[test]
fn owners_labels_and_messages_with_invisible_characters_are_refused_or_escaped() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for hostile in HOSTILE {
        let label = format!("team={hostile}");
        for command in [
            &["set", "ci", "--owner", hostile][..],
            &["set", "ci", "--label", &label],
            &["mint", "new", "--owner", hostile, "--hold"],
        ] {
            let output = sandbox.keyward(command).run();
            assert!(matches!(output.status, 0 | 2 | 4), "{}", output.transcript());
            assert_eq!(fault(&output.stderr, false), None, "{command:?}");
        }
    }
    let mut found = Vec::new();
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let name = format!("key-{number}");
        sandbox.mint(&name);
        let _ = sandbox.keyward(["revoke", &name, "--yes", "--message", hostile]).run();
        for format in FORMATS {
            for command in [&["show", &name][..], &["audit", "list"], &["list", "--all"]] {
                let output = sandbox.keyward(["-o", format]).args(command).ok();
                found.extend(faults(&format!("{command:?} of {hostile:?}"), format, &output));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
