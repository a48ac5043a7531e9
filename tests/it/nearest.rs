//! What is said where something else was meant: the nearest help, the nearest word, and where the thing is.

use crate::support::{Sandbox, text};

/// The hint of a run that is refused.
#[track_caller]
fn hint(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.keyward(["--json"]).args(arguments).run();
    assert_ne!(run.status, 0, "{}", run.transcript());
    text(&run.error(), "hint")
}

#[test]
fn a_usage_error_names_the_help_of_its_own_command() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for (arguments, help) in [
        (&["revoke"][..], "see `keyward revoke --help`"),
        (&["revoke", "ci", "--reason", "leaked"], "see `keyward revoke --help`"),
        (&["workspace", "use"], "see `keyward workspace use --help`"),
        (&["workspace", "use", "a", "b"], "see `keyward workspace use --help`"),
        (&["list", "--zzzz"], "see `keyward list --help`"),
        (&["zzzzzz"], "see `keyward --help`"),
        (&["workspace"], "`keyward workspace --help` lists the commands"),
        (&["usage", "--since", "1d", "--until", "2d"], "see `keyward usage --help`"),
    ] {
        assert_eq!(hint(&sandbox, arguments), help, "{arguments:?}");
    }
    let run = sandbox.keyward(["revoke", "ci", "--reason", "leaked"]).exit(2);
    for reason in ["compromised", "superseded", "retired", "unspecified"] {
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
}

#[test]
fn help_and_version_can_be_asked_for_as_commands() {
    let sandbox = Sandbox::new();
    for (words, option) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "mint"], &["mint", "--help"]),
        (&["help", "workspace", "use"], &["workspace", "use", "--help"]),
        (&["version"], &["--version"]),
        (&["-w", "help", "help", "mint"], &["mint", "--help"]),
        (&["workspace", "help"], &["workspace", "--help"]),
        (&["--json", "version"], &["--version"]),
    ] {
        let (one, other) = (sandbox.keyward(words).ok(), sandbox.keyward(option).ok());
        assert_eq!(one.stdout, other.stdout, "{words:?}");
        assert_ne!(one.stdout, "");
    }
    sandbox.keyward(["help", "unheard-of"]).exit(2);
}

#[test]
fn a_slip_of_the_finger_is_answered_with_the_word_that_was_meant() {
    let sandbox =
        Sandbox::with_policy("default", "default_plan = \"free\"\n[scopes.read]\n[plans.free]\n");
    for (arguments, meant) in [
        (&["list", "-w", "defalt"][..], "did you mean default?"),
        (&["mint", "ci", "-e", "lvie"], "did you mean live?"),
        (&["mint", "ci", "--scope", "raed"], "did you mean read?"),
        (&["workspace", "set", "--plan", "fre"], "did you mean free?"),
        (&["workspace", "set", "--preset", "amserr"], "amser"),
        (&["list", "--status", "activ"], "active"),
        (&["audit", "list", "--action", "key.mnit"], "key.mint"),
    ] {
        let hint = hint(&sandbox, arguments);
        assert!(hint.contains(meant), "{arguments:?}: {hint}");
    }
    let hint = hint(&sandbox, &["list", "-w", "production"]);
    assert!(!hint.contains("did you mean"), "{hint}");
}

#[test]
fn a_misspelled_key_is_answered_with_the_nearest_and_a_command_that_lists_them() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    let told = |words: &[&str]| hint(&sandbox, words);
    for name in ["ci-pipeline", "deploy"] {
        sandbox.mint(name);
    }
    let listed = "`keyward list --all` shows every key";
    assert_eq!(told(&["show", "ci-piplin"]), format!("did you mean ci-pipeline? {listed}"));
    assert_eq!(told(&["revoke", "--yes", "xdeploy"]), format!("did you mean deploy? {listed}"));
    assert_eq!(told(&["show", "worker"]), listed);
    // A hint is a command that runs where the key was looked for.
    sandbox.workspace("my shop", &[]);
    let listed = "`keyward list --all -w 'my shop'` shows every key";
    assert_eq!(told(&["show", "deploi", "-w", "my shop"]), listed);
    assert_eq!(told(&["show", "x", "-A"]), "`keyward list --all --all-workspaces` shows every key");
    let run = sandbox.keyward(["list", "-w", "my shop"]).ok();
    assert!(run.stderr.contains("`keyward mint NAME -w 'my shop'` mints one"), "{}", run.stderr);
    sandbox.keyward(["list", "--all", "-w", "my shop"]).ok();
}

#[test]
fn a_calling_key_learns_no_other_workspaces_name() {
    let sandbox = Sandbox::with_workspace("sw", &["--preset", "scrapewise"]);
    sandbox.workspace("default", &[]);
    sandbox.mint_with("cart", &["-w", "default"]);
    let secret = sandbox.mint_with("user", &["-w", "sw", "--scope", "USER"]);
    let caller = sandbox.file("user", &secret).display().to_string();
    for words in [&["list", "-w", "defalt"][..], &["show", "cart"]] {
        let hint = hint(&sandbox, &[words, &["--as", &caller]].concat());
        assert!(!hint.contains("default"), "{words:?}: {hint}");
    }
}

#[test]
fn other_tools_words_are_answered_with_keywards() {
    let sandbox = Sandbox::new();
    for (arguments, meant) in [
        (&["get"][..], "`keyward list`"),
        (&["get", "ci"], "`keyward show KEY`"),
        (&["ls"], "`keyward list`"),
        (&["create", "ci"], "`keyward mint NAME`"),
        (&["create", "ci"], "`keyward workspace create NAME`"),
        (&["delete", "ci"], "`keyward revoke KEY`"),
        (&["workspace", "ls"], "`keyward workspace list`"),
        (&["verify", "--scope", "read"], "--require SCOPE"),
        (&["prune", "--all"], "--all-workspaces"),
        (&["verify", "word"], "`keyward verify < FILE`"),
        (&["activate", "word"], "`keyward activate < FILE`"),
        (&["search", "ci"], "`keyward scan`"),
        (&["pause", "ci"], "`keyward disable KEY`"),
        (&["events"], "`keyward audit list`"),
        // The words of a group of commands, and of the commands in it.
        (&["restore", "b.db"], "did you mean `keyward store restore`?"),
        (&["head"], "did you mean `keyward audit head`?"),
        (&["use", "acme"], "did you mean `keyward workspace use`?"),
        (&["store", "imprt"], "did you mean `keyward store import`?"),
        (&["rovoke", "ci"], "did you mean `keyward revoke`?"),
        (&["help", "mnt"], "did you mean `keyward mint`?"),
        (&["man", "mnt"], "did you mean `keyward man mint`?"),
        (&["schema", "lst"], "did you mean `keyward schema list`?"),
        (&["store", "import", "-", "--from", "sanktum"], "did you mean sanctum?"),
    ] {
        let hint = hint(&sandbox, arguments);
        assert!(hint.contains(meant), "{arguments:?}: {hint}");
    }
}

#[test]
fn a_taken_name_offers_to_keep_the_key_or_to_replace_its_secret() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let hint = hint(&sandbox, &["mint", "ci"]);
    assert!(hint.contains("`keyward ensure ci -e live`"), "{hint}");
    assert!(hint.contains("`keyward rotate key_"), "{hint}");
}

#[test]
fn whoever_makes_the_second_workspace_hears_that_commands_need_a_choice() {
    let sandbox = Sandbox::new();
    let create = |name: &str| sandbox.keyward(["workspace", "create", name]).ok().stderr;
    assert!(!create("one").contains("hint"));
    let said = create("two");
    assert!(said.contains("hint: commands now need -w NAME"), "{said}");
    assert!(said.contains("`keyward workspace use NAME`"), "{said}");
    assert!(!create("three").contains("hint"));
    // So does a manifest that brings several, and an import.
    let heard = |sandbox: &Sandbox, words: &[&str]| {
        let said = sandbox.keyward(words).ok().stderr;
        said.contains("hint: commands now need -w NAME")
    };
    let manifest =
        "[workspace.acme]\npreset = \"default\"\n[workspace.shop]\npreset = \"default\"\n";
    let sandbox = Sandbox::new();
    sandbox.file("keys.toml", manifest);
    assert!(heard(&sandbox, &["apply", "keys.toml"]));
    assert!(!heard(&sandbox, &["apply", "keys.toml"]));
    let exported = sandbox.keyward(["store", "export"]).ok().stdout;
    let other = Sandbox::new();
    other.file("all.jsonl", &exported);
    assert!(!heard(&other, &["store", "import", "all.jsonl", "--dry-run"]));
    assert!(heard(&other, &["store", "import", "all.jsonl"]));
    assert!(!heard(&other, &["store", "import", "all.jsonl"]));
}

#[test]
fn several_scopes_in_one_word_are_told_apart_by_the_hint() {
    let sandbox = Sandbox::with_workspace("acme", &["--scopes", "read,write"]);
    let several = hint(&sandbox, &["mint", "ci", "--scope", "read,write"]);
    assert_eq!(several, "repeat the option for each scope: --scope read --scope write");
    let unknown = hint(&sandbox, &["mint", "ci", "--scope", "read,wrote"]);
    assert!(unknown.contains("its scopes are"), "{unknown}");
}

#[test]
fn a_key_that_another_workspace_has_is_found_by_the_hint() {
    let sandbox = Sandbox::new();
    for (workspace, key) in [("acme", "worker"), ("my shop", "cart")] {
        sandbox.workspace(workspace, &[]);
        sandbox.mint_with(key, &["-w", workspace]);
    }
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let id = text(&sandbox.keyward(["show", "cart", "-A"]).answer(), "id");
    for key in ["cart", &id] {
        for command in ["show", "disable", "revoke"] {
            let hint = hint(&sandbox, &[command, key, "--yes"]);
            assert!(hint.contains("workspace my shop has it: pass -w "), "{hint}");
        }
    }
    let hint = hint(&sandbox, &["show", "nowhere"]);
    assert_eq!(hint, "`keyward list --all` shows every key");
}

#[test]
fn a_malformed_secret_says_how_it_came_and_nothing_of_it() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for (came, said) in [
        (format!("Bearer {secret}"), "is a header"),
        (format!("KEY={secret}"), "is an assignment"),
        (format!("\"{secret}\""), "quotes"),
        (format!("{secret} "), "spaces"),
        (format!("{secret}\n{secret}\n"), "several lines"),
        (String::new(), "is empty"),
    ] {
        let run = sandbox.keyward(["verify"]).stdin(&came).exit(10);
        assert!(run.stdout.starts_with("malformed"), "{}", run.stdout);
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
        let random = &secret[12..];
        assert!(!format!("{}{}", run.stdout, run.stderr).contains(random));
        let quiet = sandbox.keyward(["verify", "--quiet"]).stdin(&came).exit(10);
        assert_eq!(quiet.stderr, "");
        let document = sandbox.keyward(["verify", "--json"]).stdin(&came).exit(10);
        assert_eq!(document.stderr, "", "an answer is all there is to say");
    }
}
