//! What `keyward apply` does for each key and workspace: sinks, paths, rotation, updates, policies, and who may.

use std::fs;

use serde_json::{Value, json};

use crate::apply::key;
use crate::support::files::{Stamp, names_in, set_mode};
use crate::support::time::{DAY, HOUR, assert_about, now};
use crate::support::{Sandbox, moment, names, text};

/// Applies and returns the action of each key, in the manifest's order.
fn actions(sandbox: &Sandbox, manifest: &str) -> Vec<String> {
    sandbox.file("keys.toml", manifest);
    let answer = sandbox.keyward(["apply", "keys.toml"]).answer();
    let changes = answer["changes"].as_array().expect("a list of changes");
    changes.iter().map(|change| text(change, "action")).collect()
}

/// Asserts that a file of HOME holds this key's secret and that it is live.
#[track_caller]
fn assert_holds(sandbox: &Sandbox, secret: &str, name: &str) {
    let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
    assert_eq!(verdict["subject"]["name"], name);
}

#[test]
fn several_variables_may_share_a_dotenv_file() {
    let sandbox = Sandbox::new();
    sandbox.file(".env", "# ours\nA=\"1\"\nTHREE=old\n");
    let mut manifest = "[workspace.acme]\n".to_owned();
    for name in ["ONE", "TWO", "THREE"] {
        let deliver = format!("dotenv = \".env\", var = \"{name}\"");
        manifest.push_str(&key("acme", name, "", &deliver));
    }
    assert_eq!(actions(&sandbox, &manifest), ["created"; 3]);
    let text = sandbox.text(".env");
    let value = |name: &str| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.expect("it is set").to_owned()
    };
    let [one, two, three] = ["ONE", "TWO", "THREE"].map(value);
    assert_eq!(text, format!("# ours\nA=\"1\"\nTHREE={three}\nONE={one}\nTWO={two}\n"));
    for (secret, name) in [(one, "ONE"), (two, "TWO"), (three, "THREE")] {
        assert_holds(&sandbox, &secret, name);
    }
    let stamp = Stamp::of(sandbox.home().join(".env"));
    assert_eq!(actions(&sandbox, &manifest), ["unchanged"; 3]);
    assert_eq!(Stamp::of(sandbox.home().join(".env")), stamp);
    let left: Vec<_> = names_in(sandbox.home());
    assert_eq!(left, [".env", ".local", "keys.toml"]);
}

#[test]
fn a_runners_variables_are_set_and_masked() {
    for format in [&[][..], &["--json"]] {
        let sandbox = Sandbox::new();
        let [environment, output] = ["environment", "output"].map(|name| sandbox.file(name, ""));
        let manifest = format!(
            "[workspace.acme]\n{}{}",
            key("acme", "one", "", "github_env = \"ACME_KEY\""),
            key("acme", "two", "", "github_output = \"key\"")
        );
        sandbox.file("keys.toml", &manifest);
        let run = || {
            let run = sandbox.keyward(["apply", "keys.toml"]).args(format);
            run.env("GITHUB_ENV", &environment).env("GITHUB_OUTPUT", &output)
        };
        let done = run().ok();
        let secret = |file: &str, variable: &str| {
            let text = sandbox.text(file);
            let lines: Vec<&str> = text.lines().collect();
            let [begin, secret, end] = lines[..] else {
                panic!("{text:?} is no entry");
            };
            assert_eq!(begin, format!("{variable}<<{end}"));
            secret.to_owned()
        };
        let secrets = [secret("environment", "ACME_KEY"), secret("output", "key")];
        let masks = secrets.each_ref().map(|secret| format!("::add-mask::{secret}\n"));
        if format.is_empty() {
            assert_eq!(done.stdout, masks.concat());
        } else {
            assert_eq!(done.json()["changes"][1]["action"], "created");
            let masked: Vec<_> =
                done.stderr.lines().filter(|line| line.starts_with("::")).collect();
            assert_eq!(masked, masks.each_ref().map(|mask| mask.trim_end()));
        }
        for (secret, name) in secrets.iter().zip(["one", "two"]) {
            assert_holds(&sandbox, secret, name);
        }
        let before = [&environment, &output].map(Stamp::of);
        let again = run().ok();
        assert!(!again.stdout.contains("::") && !again.stderr.contains("::"));
        assert_eq!([&environment, &output].map(Stamp::of), before);
    }
}

#[test]
fn a_runners_variable_outside_its_step_is_refused_before_anything_is_done() {
    let sandbox = Sandbox::new();
    let manifest = format!(
        "[workspace.acme]\n{}{}",
        key("acme", "one", "", "out = \"F\""),
        key("acme", "two", "", "github_env = \"ACME_KEY\"")
    );
    sandbox.file("keys.toml", &manifest);
    let error = sandbox.keyward(["apply", "keys.toml"]).refused(2, "usage");
    assert!(text(&error, "message").starts_with("line 9: two: "), "{error:#}");
    assert!(!sandbox.store_path().exists());
    assert!(!sandbox.home().join("F").exists());
}

#[test]
fn paths_and_commands_are_relative_to_the_manifest() {
    let sandbox = Sandbox::new();
    for folder in ["deploy", "elsewhere"] {
        fs::create_dir(sandbox.home().join(folder)).expect("a folder can be made");
    }
    sandbox.file("deploy/policy.toml", "prefix = \"rel\"\n");
    let manifest = format!(
        "[workspace.acme]\npolicy = \"policy.toml\"\n{}{}{}",
        key("acme", "file", "", "out = \"keys/of/file\""),
        key("acme", "variable", "", "dotenv = \"../.env\", var = \"KEY\""),
        key("acme", "command", "", "command = [\"sh\", \"-c\", \"cat >received\"]"),
    );
    let path = sandbox.file("deploy/keys.toml", &manifest);
    for manifest in [path.as_os_str(), "../deploy/keys.toml".as_ref()] {
        let run = sandbox.keyward(["apply".as_ref(), manifest]);
        run.cwd(sandbox.home().join("elsewhere")).ok();
    }
    assert_holds(&sandbox, &sandbox.line("deploy/keys/of/file"), "file");
    assert_holds(&sandbox, &sandbox.line(".env")["KEY=".len()..], "variable");
    assert_holds(&sandbox, &sandbox.line("deploy/received"), "command");
    assert_eq!(names_in(sandbox.home().join("elsewhere")), [""; 0]);
    // On stdin a manifest is where keyward runs.
    let run = sandbox.keyward(["apply", "-"]).stdin(&manifest);
    let answer = run.cwd(sandbox.home().join("deploy")).answer();
    let changes = answer["changes"].as_array().expect("a list of changes");
    assert!(changes.iter().all(|change| change["action"] == "unchanged"), "{answer:#}");
    let manifest = format!("[workspace.shop]\n{}", key("shop", "new", "", "out = \"new/F\""));
    let run = sandbox.keyward(["apply", "-"]).stdin(&manifest);
    run.cwd(sandbox.home().join("elsewhere")).ok();
    assert_holds(&sandbox, &sandbox.line("elsewhere/new/F"), "new");
}

#[test]
fn a_key_that_is_due_is_rotated_once() {
    let sandbox = Sandbox::new();
    let terms = "expires = \"90d\"\nrotate_before = \"14d\"\ngrace = \"2h\"";
    let manifest = format!(
        "[workspace.acme]\n{}{}",
        key("acme", "ci", terms, "out = \"F\""),
        key("acme", "web", terms, "dotenv = \".env\", var = \"KEY\"")
    );
    assert_eq!(actions(&sandbox, &manifest), ["created"; 2]);
    let old = sandbox.id_of("ci");
    let age = |days: i64| {
        sandbox.rewrite(&format!(
            "UPDATE key SET created_at = created_at - {0}, expires_at = expires_at - {0} WHERE name = 'ci'",
            days * DAY
        ));
    };
    age(75);
    assert_eq!(actions(&sandbox, &manifest), ["unchanged"; 2]);
    age(5);
    let variable = Stamp::of(sandbox.home().join(".env"));
    assert_eq!(actions(&sandbox, &manifest), ["rotated", "unchanged"]);
    assert_eq!(actions(&sandbox, &manifest), ["unchanged"; 2]);
    assert_eq!(Stamp::of(sandbox.home().join(".env")), variable);
    assert_holds(&sandbox, &sandbox.line("F"), "ci");
    let new = sandbox.show("ci");
    assert_eq!(new["replaces"], old.as_str());
    assert_about(moment(&new, "expiresAt"), now() + 90 * DAY);
    assert_about(moment(&sandbox.show(&old), "expiresAt"), now() + 2 * HOUR);
}

#[test]
fn owner_labels_scopes_and_addresses_are_updated_and_what_is_left_out_stays() {
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", "[scopes.read]\n[scopes.write]\n");
    let manifest = |more: &str| {
        let key = key("acme", "ci", more, "out = \"F\"");
        format!("[workspace.acme]\npolicy = \"policy.toml\"\n{key}")
    };
    let all = "scopes = [\"read\", \"write\"]\nowner = \"me\"\nlabels = { a = \"1\", b = \"2\" }\nallow = [\"10.0.0.0/8\"]";
    assert_eq!(actions(&sandbox, &manifest(all)), ["created"]);
    let id = sandbox.id_of("ci");
    let mut expected = sandbox.show("ci");
    for (more, field, value) in [
        ("scopes = [\"write\"]", "scopes", json!(["write"])),
        ("scopes = []", "scopes", json!([])),
        ("owner = \"you\"", "owner", json!("you")),
        ("labels = { b = \"2\" }", "labels", json!({ "b": "2" })),
        ("labels = {}", "labels", json!({})),
        ("allow = []", "allow", json!([])),
    ] {
        expected[field] = value;
        assert_eq!(actions(&sandbox, &manifest(more)), ["updated"], "{more}");
        assert_eq!(actions(&sandbox, &manifest(more)), ["unchanged"], "{more}");
        assert_eq!(sandbox.show(&id), expected, "{more}");
    }
    assert_eq!(actions(&sandbox, &manifest("")), ["unchanged"]);
    let turned = manifest("scopes = [\"write\", \"read\"]");
    assert_eq!(actions(&sandbox, &turned), ["updated"]);
    assert_eq!(actions(&sandbox, &manifest("scopes = [\"read\", \"write\"]")), ["unchanged"]);
}

#[test]
fn a_workspace_gets_the_policy_that_is_given_and_keeps_its_own_otherwise() {
    let sandbox = Sandbox::with_workspace("acme", &["--prefix", "mine", "--active-key-cap", "3"]);
    let policy = || sandbox.keyward(["workspace", "show", "acme", "--policy"]).ok().stdout;
    let workspace = |lines: &str| {
        sandbox.file("keys.toml", &format!("[workspace.acme]\n{lines}\n"));
        let before = sandbox.store_bytes();
        let answer = sandbox.keyward(["apply", "keys.toml"]).answer();
        let action = text(&answer["workspaces"][0], "action");
        assert_eq!(action == "unchanged", sandbox.store_bytes() == before, "{lines}");
        action
    };
    let own = policy();
    assert_eq!(workspace(""), "unchanged");
    assert_eq!(policy(), own);
    for preset in ["amser", "audioscrape", "default"] {
        let line = format!("preset = \"{preset}\"");
        if preset == "default" {
            // That preset has no plans, and the workspace is on one.
            sandbox.keyward(["apply"]).args(["keys.toml"]).ok();
            sandbox.file("plans.toml", &format!("[workspace.acme]\n{line}\n"));
            sandbox.refuses(&["apply", "plans.toml"], 4, "conflict");
            let set = ["workspace", "set", "acme", "--clear-plan", "--prefix", "other"];
            sandbox.keyward(set).args(["--preset", preset]).ok();
        }
        assert_eq!(workspace(&line), "updated", "{preset}");
        assert_eq!(workspace(&line), "unchanged", "{preset}");
        sandbox.workspace(preset, &["--preset", preset]);
        let expected = sandbox.keyward(["workspace", "show", preset, "--policy"]).ok().stdout;
        assert_eq!(policy(), expected);
    }
    sandbox.file("policy.toml", &own);
    assert_eq!(workspace("policy = \"policy.toml\""), "updated");
    assert_eq!(workspace("policy = \"policy.toml\""), "unchanged");
    assert_eq!(policy(), own);
    workspace("preset = \"audioscrape\"\nplan = \"pro\"");
    assert_eq!(workspace("plan = \"enterprise\""), "updated");
    assert_eq!(workspace("plan = \"enterprise\""), "unchanged");
    let shown = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert_eq!(shown["plan"], "enterprise", "{shown:#}");
}

#[test]
fn a_secret_that_is_missing_is_told_with_its_line_and_replaced_when_told() {
    let sandbox = Sandbox::new();
    let manifest = |more: &str| {
        let ci = key("acme", "ci", "", "out = \"F\"");
        format!("[workspace.acme]\n{more}{ci}")
    };
    assert_eq!(actions(&sandbox, &manifest("")), ["created"]);
    let old = sandbox.line("F");
    sandbox.file("F", "foreign\n");
    let new = key("acme", "new", "", "out = \"G\"");
    sandbox.file("keys.toml", &manifest(&new));
    let before = sandbox.store_bytes();
    for flag in [None, Some("--check"), Some("--dry-run")] {
        let run = sandbox.keyward(["apply", "keys.toml"]).args(flag);
        let error = run.refused(4, "secret_missing");
        assert!(text(&error, "message").starts_with("line 9: ci: "), "{error:#}");
    }
    assert!(sandbox.store_bytes() == before, "another key was made first");
    assert!(!sandbox.home().join("G").exists());
    let run = sandbox.keyward(["apply", "keys.toml", "--rotate-if-missing"]);
    let answer = run.answer();
    assert_eq!(answer["changes"][0]["action"], "created");
    assert_eq!(answer["changes"][1]["action"], "rotated");
    assert_holds(&sandbox, &sandbox.line("F"), "ci");
    assert_holds(&sandbox, &old, "ci");
    assert_eq!(actions(&sandbox, &manifest(&new)), ["unchanged"; 2]);
}

#[test]
fn a_failure_says_one_thing_alone_whatever_went_before() {
    let sandbox = Sandbox::new();
    // Others can read it, of which somebody whose run succeeds is warned.
    set_mode(sandbox.file(".env", "A=1\n"), 0o644);
    let manifest = format!(
        "[workspace.acme]\n{}{}",
        key("acme", "one", "", "dotenv = \".env\", var = \"KEY\""),
        key("acme", "two", "", "command = [\"false\"]")
    );
    sandbox.file("keys.toml", &manifest);
    let run = sandbox.keyward(["apply", "keys.toml"]);
    let error = run.refused(16, "delivery_failed");
    assert!(
        text(&error, "message").contains("done before it: workspace acme, acme/live/one;"),
        "{error:#}"
    );
    assert_holds(&sandbox, &sandbox.text(".env").trim()["A=1\nKEY=".len()..], "one");
}

#[test]
fn a_calling_key_learns_nothing_of_other_workspaces() {
    let sandbox = Sandbox::with_workspace("own", &["--preset", "scrapewise"]);
    sandbox.workspace("foreign", &[]);
    let caller = sandbox.mint_with("caller", &["-w", "own", "--scope", "USER"]);
    sandbox.file("caller", &caller);
    sandbox.mint_with("confidential", &["-w", "foreign"]);
    sandbox.refuses(&["list", "-w", "foreign", "--as", "caller"], 3, "workspace_not_found");
    let named = key("foreign", "confidential", "", "command = [\"cat\"]");
    for keys in ["", &named] {
        sandbox.file("keys.toml", &format!("[workspace.foreign]\n{keys}"));
        for rehearsal in ["--dry-run", "--check"] {
            let run = sandbox.keyward(["apply", "keys.toml", "--prune", "--as", "caller"]);
            let output = run.args([rehearsal]).run();
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(
                !said.contains("foreign/live/confidential"),
                "another workspace's key is shown:\n{said}"
            );
            assert_eq!(output.status, 3, "{said}");
        }
    }
}

#[test]
fn a_calling_key_applies_in_its_own_workspace_what_it_may_do_there() {
    let sandbox = Sandbox::with_workspace("own", &["--preset", "scrapewise"]);
    for (name, scope) in [("user", "USER"), ("agent", "LLM_READ")] {
        sandbox.file(name, &sandbox.mint_with(name, &["--scope", scope]));
    }
    let new = key("own", "new", "scopes = [\"LLM_READ\"]", "out = \"F\"");
    sandbox.file("keys.toml", &format!("[workspace.own]\n{new}"));
    let run = |caller: &str| sandbox.keyward(["apply", "keys.toml", "--as", caller]);
    run("agent").refused(5, "scope_rejected");
    assert_eq!(sandbox.listed(&["--all"]), ["agent", "user"]);
    assert_eq!(run("user").answer()["changes"][0]["action"], "created");
    let created = sandbox.show("new");
    let caller = sandbox.id_of("user");
    assert_eq!(created["createdBy"], format!("key:{caller}"), "{created:#}");
    assert_ne!(created["prefix"], Value::Null);
    // Workspaces are the operator's.
    sandbox.file("keys.toml", "[workspace.own]\npreset = \"default\"\n");
    run("user").refused(5, "scope_rejected");
    sandbox.file("keys.toml", "[workspace.new]\n");
    assert!(matches!(run("user").run().status, 3 | 5));
    let workspaces = sandbox.keyward(["workspace", "list"]).answer();
    assert_eq!(names(&workspaces["workspaces"]), ["own"]);
}
