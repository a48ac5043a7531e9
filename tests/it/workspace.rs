//! `keyward workspace …`: owners of keys and the choice among them.

use serde_json::json;

use crate::support::time::{assert_about, now};
use crate::support::{Sandbox, moment, names, text};

/// The names `workspace list` shows, in its order.
fn listed(sandbox: &Sandbox) -> Vec<String> {
    names(&sandbox.keyward(["workspace", "list"]).answer()["workspaces"])
}

#[test]
fn a_created_workspace_is_described() {
    let sandbox = Sandbox::new();
    let workspace = sandbox.keyward(["workspace", "create", "acme"]).answer();
    assert_about(moment(&workspace, "createdAt"), now());
    let expected = json!({
        "name": "acme", "preset": "default", "plan": null, "createdAt": workspace["createdAt"],
        "keys": {"active": 0, "pending": 0, "disabled": 0},
    });
    assert_eq!(workspace, expected);
    let list = sandbox.keyward(["workspace", "list"]).answer();
    let mut listed = workspace;
    listed["inUse"] = json!(true);
    assert_eq!(list, json!({ "workspaces": [listed] }));
}

#[test]
fn creating_a_workspace_makes_the_store_and_no_default_workspace() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    assert!(sandbox.store_path().exists());
    sandbox.mint("ci");
    assert_eq!(listed(&sandbox), ["acme"]);
}

#[test]
fn keys_are_counted_by_state() {
    let sandbox = Sandbox::with_keys(&["a", "b", "c", "d"]);
    sandbox.mint_with("held", &["--hold"]);
    sandbox.keyward(["disable", "b"]).ok();
    sandbox.keyward(["revoke", "c", "--yes"]).ok();
    let shown = sandbox.keyward(["workspace", "show", "default"]).answer();
    assert_eq!(shown["keys"], json!({"active": 2, "pending": 1, "disabled": 1}));
}

#[test]
fn show_adds_the_policy() {
    let sandbox = Sandbox::new();
    let mut created = sandbox.keyward(["workspace", "create", "acme", "--prefix", "ac"]).answer();
    let shown = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert_eq!(shown["policy"]["prefix"], "ac");
    assert_eq!(shown["policy"]["environments"], json!(["live", "test"]));
    created["policy"] = shown["policy"].clone();
    assert_eq!(shown, created);
}

#[test]
fn a_name_is_taken_once() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.refuses(&["workspace", "create", "acme"], 4, "name_taken");
    for name in ["", " acme", "ac\u{202e}me", "ac\nme", &"n".repeat(65)] {
        sandbox.refuses(&["workspace", "create", name], 2, "invalid_name");
    }
    assert_eq!(listed(&sandbox), ["acme"]);
}

#[test]
fn an_unknown_preset_makes_nothing() {
    let sandbox = Sandbox::new();
    let output = sandbox.keyward(["workspace", "create", "acme", "--preset", "unheard-of"]).exit(2);
    assert!(
        output.stderr.contains("scrapewise"),
        "stderr does not list the presets:\n{}",
        output.stderr
    );
    sandbox.keyward(["workspace", "create", "acme", "--policy", "missing.toml"]).exit(2);
    assert_eq!(sandbox.keyward(["workspace", "list"]).answer(), json!({ "workspaces": [] }));
}

#[test]
fn flags_shape_the_tokens() {
    let sandbox = Sandbox::new();
    let flags = ["--prefix", "acme", "--environments", "staging,production", "--alphabet", "hex"];
    sandbox.workspace(
        "acme",
        &[&flags[..], &["--token", "{prefix}.{env}.{short:8}-{secret:40}{crc}"]].concat(),
    );
    let key = sandbox.keyward(["mint", "ci"]).answer();
    let secret = text(&key, "key");
    // Without -e it is the policy's first environment.
    let random = secret.strip_prefix("acme.staging.").unwrap_or_else(|| panic!("{secret}"));
    let (short, rest) = random.split_once('-').unwrap_or_else(|| panic!("{secret}"));
    let is_hex =
        |text: &str| text.chars().all(|character| matches!(character, '0'..='9' | 'a'..='f'));
    assert_eq!((short.len(), rest.len()), (8, 48));
    assert!(is_hex(short) && is_hex(rest), "{secret}");
    assert_eq!(
        (text(&key, "short"), text(&key, "prefix")),
        (short.to_owned(), format!("acme.staging.{short}"))
    );
    assert_eq!(key["keyHint"], rest[36..40]);
    sandbox.refuses(&["mint", "more", "-e", "live"], 5, "invalid_environment");
    sandbox.verdict(&secret, &["-e", "staging"], 0, "valid");
}

#[test]
fn set_changes_a_policy_by_name_and_by_choice() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    let workspace = sandbox.keyward(["workspace", "set", "acme", "--active-key-cap", "1"]).answer();
    assert_eq!(workspace["name"], "acme");
    sandbox.keyward(["workspace", "set", "-w", "zenith", "--cap", "2"]).ok();
    for (name, cap) in [("acme", 1), ("zenith", 2)] {
        for place in 0..cap {
            sandbox.mint_with(&format!("key {place}"), &["-w", name]);
        }
        sandbox.refuses(&["mint", "more", "-w", name], 5, "limit_reached");
    }
    sandbox.refuses(&["workspace", "set", "nowhere", "--cap", "1"], 3, "workspace_not_found");
}

#[test]
fn a_cap_below_the_keys_there_are_kills_none() {
    let sandbox = Sandbox::new();
    let secrets = ["a", "b", "c"].map(|name| sandbox.mint(name));
    sandbox
        .keyward(["workspace", "set", "default", "--active-key-cap", "1"])
        .args(["--keep-outside"])
        .ok();
    for secret in secrets {
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    sandbox.keyward(["revoke", "a", "b", "--yes"]).ok();
    sandbox.refuses(&["mint", "d"], 5, "limit_reached");
}

#[test]
fn a_renamed_workspace_keeps_its_keys_and_its_choice() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let secret = sandbox.mint("ci");
    let renamed = sandbox.keyward(["workspace", "rename", "acme", "acme-2"]).answer();
    assert_eq!(renamed["name"], "acme-2");
    assert_eq!(sandbox.verdict(&secret, &[], 0, "valid")["subject"]["workspace"], "acme-2");
    assert_eq!(sandbox.listed(&[]), ["ci"]);
    sandbox.refuses(&["workspace", "rename", "acme-2", "zenith"], 4, "name_taken");
    sandbox.refuses(&["workspace", "rename", "acme", "other"], 3, "workspace_not_found");
    sandbox.refuses(&["workspace", "rename", "acme-2", " x"], 2, "invalid_name");
}

#[test]
fn an_empty_workspace_is_deleted_without_a_question() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    let deleted = sandbox.keyward(["workspace", "delete", "zenith"]).answer();
    assert_eq!(deleted["name"], "zenith");
    assert_eq!(listed(&sandbox), ["acme"]);
    sandbox.refuses(&["workspace", "delete", "zenith"], 3, "workspace_not_found");
}

#[test]
fn a_workspace_with_living_keys_is_not_deleted() {
    let sandbox = Sandbox::with_keys(&["active"]);
    sandbox.refuses(&["workspace", "delete", "default", "--yes"], 4, "conflict");
    sandbox.refuses(&["workspace", "delete", "default"], 4, "conflict");
    sandbox.keyward(["disable", "active"]).ok();
    sandbox.refuses(&["workspace", "delete", "default", "--yes"], 4, "conflict");
    sandbox.keyward(["revoke", "active", "--yes"]).ok();
    sandbox.mint_with("pending", &["--hold"]);
    sandbox.refuses(&["workspace", "delete", "default", "--yes"], 4, "conflict");
    assert_eq!(listed(&sandbox), ["default"]);
}

#[test]
fn a_workspace_with_dead_keys_records_needs_yes() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let error = sandbox.keyward(["workspace", "delete", "default"]).refused(2, "usage");
    assert!(error.to_string().contains("--yes"), "the error does not name --yes: {error:#}");
    sandbox.keyward(["workspace", "delete", "default", "--yes"]).ok();
    assert_eq!(listed(&sandbox), [""; 0]);
    let output = sandbox.keyward(["verify", "--json"]).stdin(&secret).exit(10);
    assert_eq!(output.json()["valid"], false);
    assert_eq!(sandbox.keyward(["audit", "verify"]).answer()["ok"], true);
}

#[test]
fn the_used_workspace_is_the_one_meant() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    sandbox.refuses(&["mint", "ci"], 4, "ambiguous");
    let used = sandbox.keyward(["workspace", "use", "zenith"]).answer();
    assert_eq!(used["name"], "zenith");
    sandbox.mint("ci");
    assert_eq!(sandbox.show("ci")["workspace"], "zenith");
    sandbox.refuses(&["workspace", "use", "nowhere"], 3, "workspace_not_found");
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn the_flag_comes_before_the_variable_and_the_variable_before_the_used_one() {
    let sandbox = Sandbox::new();
    for name in ["flag", "variable", "used"] {
        sandbox.workspace(name, &[]);
        sandbox.mint_with(&format!("key of {name}"), &["-w", name]);
    }
    sandbox.keyward(["workspace", "use", "used"]).ok();
    let list = |flags: &[&str], variable: Option<&str>| {
        let mut run = sandbox.keyward(["list"]).args(flags);
        if let Some(variable) = variable {
            run = run.env("KEYWARD_WORKSPACE", variable);
        }
        names(&run.answer()["keys"])
    };
    assert_eq!(list(&[], None), ["key of used"]);
    assert_eq!(list(&[], Some("variable")), ["key of variable"]);
    assert_eq!(list(&["-w", "flag"], Some("variable")), ["key of flag"]);
}

#[test]
fn deleting_the_used_workspace_unsets_the_choice() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    sandbox.keyward(["workspace", "use", "zenith"]).ok();
    sandbox.keyward(["workspace", "delete", "zenith"]).ok();
    // The only workspace left is meant again.
    sandbox.mint("ci");
    assert_eq!(sandbox.show("ci")["workspace"], "acme");
}

#[test]
fn the_list_of_a_store_that_does_not_exist_is_empty() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.keyward(["workspace", "list"]).answer(), json!({ "workspaces": [] }));
    sandbox.refuses(&["workspace", "show", "acme"], 3, "store_not_found");
    assert!(!sandbox.store_path().exists(), "looking made a store");
}

#[test]
fn the_same_name_can_be_used_in_two_workspaces() {
    let sandbox = Sandbox::new();
    for name in ["acme", "zenith"] {
        sandbox.workspace(name, &[]);
        sandbox.mint_with("ci", &["-w", name]);
        assert_eq!(sandbox.listed(&["-w", name]), ["ci"]);
    }
}

#[test]
fn an_argument_and_an_option_that_name_two_workspaces_are_refused() {
    let sandbox = Sandbox::with_workspace("one", &[]);
    sandbox.workspace("two", &[]);
    for command in [&["set", "one", "--cap", "3"][..], &["show", "one"]] {
        let arguments = [&["workspace"], command].concat();
        sandbox.keyward(&arguments).args(["-w", "two"]).refused(2, "usage");
        sandbox.keyward(&arguments).args(["-w", "one"]).ok();
    }
}

#[test]
fn lifetimes_can_be_taken_away_by_option() {
    let sandbox =
        Sandbox::with_workspace("one", &["--default-lifetime", "30d", "--maximum-lifetime", "90d"]);
    let never = ["--default-lifetime", "never", "--maximum-lifetime", "never"];
    sandbox.keyward(["workspace", "set", "one"]).args(never).ok();
    let policy = sandbox.keyward(["workspace", "show", "one"]).answer()["policy"].clone();
    assert!(policy["default_lifetime"].is_null() && policy["maximum_lifetime"].is_null());
}

#[test]
fn scopes_are_given_by_name_and_those_that_stay_keep_what_they_manage() {
    let sandbox = Sandbox::with_workspace("files", &["--scopes", "read,write"]);
    sandbox.mint_with("ci", &["--scope", "read"]);
    sandbox.refuses(&["mint", "cd", "--scope", "admin"], 5, "invalid_scope");
    sandbox.keyward(["workspace", "set", "--scopes", "read,admin"]).ok();
    sandbox.mint_with("cd", &["--scope", "admin"]);
    // The scope of a live key is not taken away under it.
    sandbox.refuses(&["workspace", "set", "--scopes", "admin"], 4, "conflict");
    for wrong in ["", "read,", "a b"] {
        sandbox.refuses(&["workspace", "set", "--scopes", wrong], 2, "invalid_policy");
    }
    sandbox.workspace("sw", &["--preset", "scrapewise"]);
    let scopes = |sandbox: &Sandbox| {
        let shown = sandbox.keyward(["workspace", "show", "sw"]).answer();
        shown["policy"]["scopes"].clone()
    };
    let before = scopes(&sandbox);
    let set = ["workspace", "set", "sw", "--scopes", "USER,LLM_READ,LLM_FULL,MORE"];
    sandbox.keyward(set).ok();
    let after = scopes(&sandbox);
    assert_eq!(after["USER"], before["USER"]);
    assert_eq!(after["MORE"]["manage"], serde_json::json!([]));
}

#[test]
fn the_list_marks_the_workspace_that_commands_use() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    let used = |flags: &[&str]| -> Vec<String> {
        let answer = sandbox.keyward(["workspace", "list"]).args(flags).answer();
        let mut found = answer["workspaces"].as_array().expect("a list").clone();
        found.retain(|workspace| workspace["inUse"] == true);
        found.iter().map(|workspace| text(workspace, "name")).collect()
    };
    assert_eq!(used(&[]), ["acme"], "the only one is used without a choice");
    sandbox.workspace("shop", &[]);
    assert_eq!(used(&[]), [""; 0]);
    sandbox.keyward(["workspace", "use", "shop"]).ok();
    assert_eq!(used(&[]), ["shop"]);
    assert_eq!(used(&["-w", "acme"]), ["acme"]);
    let shown = sandbox.keyward(["workspace", "list"]).ok().stdout;
    let marked: Vec<&str> = shown.lines().filter(|line| line.contains('*')).collect();
    assert_eq!(marked.len(), 1, "{shown}");
    assert!(marked[0].starts_with("shop"), "{shown}");
}
