//! The scenes, one for each command and sink. Another one is an entry here.

use serde_json::{Value, json};

use super::scene::{CAP, Scene};
use super::sink::Sink;
use crate::apply::key;
use crate::migrations::{OLD, plant};
use crate::support::past::Past;
use crate::support::time::DAY;
use crate::support::{Sandbox, names, token};

/// Every scene.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "mint",
        prepare: below_the_cap,
        command: &["mint", "ci"],
        sinks: &[Sink::Stdout],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "mint --json",
        prepare: below_the_cap,
        command: &["--json", "mint", "ci"],
        sinks: &[Sink::Stdout],
        ..Scene::HAND_OVER
    },
    MINT_OUT,
    Scene {
        name: "mint --dotenv",
        prepare: with_dotenv,
        command: &["mint", "ci", "--dotenv", ".env", "--var", "KEY"],
        sinks: &[Sink::Dotenv(".env")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "mint --github-env",
        prepare: with_runner,
        command: &["mint", "ci", "--github-env", "KEY"],
        environment: &[("GITHUB_ENV", "runner")],
        sinks: &[Sink::Runner("runner")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "mint --github-output",
        prepare: with_runner,
        command: &["mint", "ci", "--github-output", "KEY"],
        environment: &[("GITHUB_OUTPUT", "runner")],
        sinks: &[Sink::Runner("runner")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "mint -- COMMAND",
        prepare: below_the_cap,
        command: &["mint", "ci", "--", "sh", "-c", "cat >F"],
        follows: false,
        sinks: &[Sink::Command("F")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "mint -- COMMAND, it too",
        prepare: below_the_cap,
        command: &["mint", "ci", "--", "sh", "-c", "cat >F"],
        sinks: &[Sink::Command("F")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "mint --hold",
        prepare: below_the_cap,
        command: &["mint", "ci", "--hold", "--out", "F"],
        sinks: &[Sink::File("F")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "mint, no store yet",
        command: &["mint", "ci", "--out", "F"],
        sinks: &[Sink::File("F")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "rotate --out",
        prepare: below_the_cap,
        command: &["rotate", "old", "--out", "F"],
        sinks: &[Sink::File("F")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "rotate",
        prepare: below_the_cap,
        command: &["rotate", "old"],
        sinks: &[Sink::Stdout],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "rotate --now, at the cap",
        prepare: at_the_cap,
        command: &["rotate", "old", "--now", "--out", "F"],
        sinks: &[Sink::File("F")],
        above_the_cap: 1,
        ..Scene::HAND_OVER
    },
    Scene {
        name: "rotate --hold",
        prepare: below_the_cap,
        command: &["rotate", "old", "--hold", "--out", "F"],
        sinks: &[Sink::File("F")],
        ..Scene::HAND_OVER
    },
    Scene {
        name: "activate",
        prepare: |sandbox| {
            below_the_cap(sandbox);
            sandbox.keyward(["mint", "ci", "--hold", "--out", "F"]).ok();
        },
        command: &["activate", "--file", "F"],
        ..Scene::CHANGE
    },
    Scene {
        name: "activate, a rotation",
        prepare: |sandbox| {
            below_the_cap(sandbox);
            let hold = sandbox.keyward(["rotate", "old", "--hold", "--out", "F"]);
            hold.ok();
        },
        command: &["activate", "--file", "F"],
        ..Scene::CHANGE
    },
    Scene {
        name: "revoke one",
        prepare: at_the_cap,
        command: &["revoke", "old", "--yes", "--reason", "compromised"],
        ..Scene::CHANGE
    },
    REVOKE_TWO,
    SCAN_AND_REVOKE,
    Scene {
        name: "rename",
        prepare: below_the_cap,
        command: &["rename", "old", "new"],
        again: super::scene::Again::Same(3),
        ..Scene::CHANGE
    },
    Scene {
        name: "set",
        prepare: below_the_cap,
        command: &["set", "old", "--owner", "me", "--expires", "30d", "--label", "a=b"],
        ..Scene::CHANGE
    },
    Scene {
        name: "disable",
        prepare: below_the_cap,
        command: &["disable", "old"],
        ..Scene::CHANGE
    },
    Scene {
        name: "ensure --out",
        prepare: below_the_cap,
        command: &["ensure", "ci", "--out", "F"],
        sinks: &[Sink::File("F")],
        ..Scene::CHANGE
    },
    Scene {
        name: "ensure, a rotation",
        prepare: with_old_ensured,
        command: ENSURE_ROTATION,
        sinks: &[Sink::File("F")],
        ..Scene::CHANGE
    },
    Scene {
        name: "apply, two keys",
        prepare: with_manifest,
        command: &["apply", "keys.toml"],
        sinks: &[Sink::File("ci.key"), Sink::Dotenv(".env")],
        is_stepwise: true,
        ..Scene::CHANGE
    },
    Scene { name: "prune", prepare: with_dead, command: &["prune", "--yes"], ..Scene::CHANGE },
    Scene {
        name: "store backup",
        prepare: |sandbox| {
            below_the_cap(sandbox);
            // The same keys as the next one has, which takes its place whole or not at all.
            sandbox.keyward(["store", "backup", "B"]).ok();
        },
        command: &["store", "backup", "B"],
        is_logged: false,
        look: |sandbox| names_of(sandbox, "B"),
        ..Scene::CHANGE
    },
    Scene {
        name: "store restore",
        prepare: |sandbox| {
            below_the_cap(sandbox);
            sandbox.keyward(["store", "backup", "B"]).ok();
            sandbox.keyward(["revoke", "old", "--yes"]).ok();
            sandbox.keyward(["rename", "other", "new"]).ok();
        },
        command: &["store", "restore", "B", "--yes"],
        ..Scene::CHANGE
    },
    Scene {
        name: "store import",
        prepare: |sandbox| {
            below_the_cap(sandbox);
            let line = format!(
                "{{\"name\":\"foreign\",\"status\":\"disabled\",\"hash\":\"{}\"}}\n",
                "5a".repeat(32)
            );
            sandbox.file("L", &line);
        },
        command: &["store", "import", "L"],
        ..Scene::CHANGE
    },
    Scene {
        name: "migration from 1",
        prepare: |sandbox| of_schema(sandbox, 1),
        command: &["list", "--all"],
        ..Scene::CHANGE
    },
    Scene {
        name: "migration from 2",
        prepare: |sandbox| of_schema(sandbox, 2),
        command: &["list", "--all"],
        ..Scene::CHANGE
    },
    Scene {
        name: "migration from 3",
        prepare: |sandbox| of_schema(sandbox, 3),
        command: &["list", "--all"],
        ..Scene::CHANGE
    },
    Scene {
        name: "migration, then mint",
        prepare: |sandbox| of_schema(sandbox, 1),
        command: &["mint", "new", "--out", "F"],
        sinks: &[Sink::File("F")],
        ..Scene::HAND_OVER
    },
];

/// A mint into a file, which is also what is run in a store after a command that cannot be run again.
pub const MINT_OUT: Scene = Scene {
    name: "mint --out",
    prepare: below_the_cap,
    command: &["mint", "ci", "--out", "F"],
    sinks: &[Sink::File("F")],
    ..Scene::HAND_OVER
};

/// The same with a name and a file of its own.
pub const NEXT: Scene = Scene {
    name: "the next mint",
    command: &["mint", "next", "--out", "next.key"],
    sinks: &[Sink::File("next.key")],
    ..Scene::HAND_OVER
};

/// A revocation that must not be half done.
const REVOKE_TWO: Scene = Scene {
    name: "revoke two",
    prepare: at_the_cap,
    command: &["revoke", "old", "other", "--yes"],
    ..Scene::CHANGE
};

/// Both keys are found, or neither.
const SCAN_AND_REVOKE: Scene = Scene {
    name: "scan --revoke",
    prepare: |sandbox| {
        at_the_cap(sandbox);
        let read = |name: &str| std::fs::read_to_string(sandbox.home().join(name));
        let secrets = ["old.key", "other.key"].map(|name| read(name).expect("it was delivered"));
        sandbox.file("leak", &secrets.concat());
    },
    command: &["scan", "leak", "--fail-on", "never", "--revoke", "--yes"],
    ..Scene::CHANGE
};

const ENSURE_ROTATION: &[&str] =
    &["ensure", "ci", "--expires", "90d", "--rotate-before", "14d", "--out", "F"];

/// The names of the keys in this store.
fn names_of(sandbox: &Sandbox, store: &str) -> Value {
    let listed = sandbox.keyward(["--store", store, "list", "--all"]);
    json!(names(&listed.answer()["keys"]))
}

/// A workspace in which one more key can be minted: `old` and `other` are there, and their secrets in files.
fn below_the_cap(sandbox: &Sandbox) {
    sandbox.workspace("shop", &["--cap", &CAP.to_string()]);
    for name in ["old", "other"] {
        let file = format!("{name}.key");
        sandbox.keyward(["mint", name, "--out", &file]).ok();
    }
}

/// A workspace in which none can.
fn at_the_cap(sandbox: &Sandbox) {
    below_the_cap(sandbox);
    sandbox.keyward(["mint", "third", "--out", "third.key"]).ok();
}

fn with_dotenv(sandbox: &Sandbox) {
    below_the_cap(sandbox);
    sandbox.file(".env", "A=1\nKEY=\nB=2\n");
}

fn with_runner(sandbox: &Sandbox) {
    below_the_cap(sandbox);
    sandbox.file("runner", "BEFORE=1\n");
}

/// A key that `ensure` has made and is to rotate, because it has ten days left.
fn with_old_ensured(sandbox: &Sandbox) {
    sandbox.mint("other");
    sandbox.keyward(ENSURE_ROTATION).ok();
    sandbox.rewrite(&format!(
        "UPDATE key SET created_at = created_at - {0}, expires_at = expires_at - {0} WHERE name = 'ci'",
        80 * DAY
    ));
}

fn with_manifest(sandbox: &Sandbox) {
    below_the_cap(sandbox);
    sandbox.keyward(["revoke", "other", "--yes"]).ok();
    sandbox.file(".env", "A=1\nKEY=\nB=2\n");
    let manifest = "[workspace.shop]\n".to_owned()
        + &key("shop", "ci", "", "out = \"ci.key\"")
        + &key("shop", "web", "owner = \"me\"", "dotenv = \".env\", var = \"KEY\"");
    sandbox.file("keys.toml", &manifest);
}

/// Two keys that have been dead for long enough, one that has not, and living ones.
fn with_dead(sandbox: &Sandbox) {
    below_the_cap(sandbox);
    let mut past = Past::of(sandbox);
    for (name, days) in [("dead", 300), ("dead too", 200), ("dying", 10)] {
        let minted = past.mint(None, name, 1, 350 * DAY);
        past.revoke(&minted, days * DAY);
    }
}

/// A store as an older keyward left it; the secret of its key `ci` is in a file.
fn of_schema(sandbox: &Sandbox, version: usize) {
    plant(sandbox, OLD[version - 1]);
    sandbox.file("ci.key", &format!("{}\n", token::well_formed()));
}
