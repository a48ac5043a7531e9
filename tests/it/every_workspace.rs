//! `-A`, `--all-workspaces`: what a listing says of every workspace at once, and to whom.

use serde_json::Value;

use crate::support::{Sandbox, names, text};

/// Two workspaces with a key each, and "twin" in both.
fn two_workspaces() -> Sandbox {
    let sandbox = Sandbox::new();
    for (workspace, key) in [("acme", "worker"), ("shop", "cart")] {
        sandbox.workspace(workspace, &[]);
        sandbox.mint_with(key, &["-w", workspace]);
        sandbox.mint_with("twin", &["-w", workspace]);
    }
    sandbox
}

fn listed(sandbox: &Sandbox, flags: &[&str]) -> Vec<String> {
    let answer = sandbox.keyward(["list", "-A"]).args(flags).answer();
    names(&answer["keys"])
}

#[test]
fn list_has_the_keys_of_every_workspace_in_one_order() {
    let sandbox = two_workspaces();
    sandbox.refuses(&["list"], 4, "ambiguous");
    assert_eq!(listed(&sandbox, &[]), ["worker", "twin", "cart", "twin"]);
    let by_name = listed(&sandbox, &["--sort", "name"]);
    assert_eq!(by_name, ["cart", "twin", "twin", "worker"]);
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    assert_eq!(listed(&sandbox, &[]).len(), 4);
    let named = sandbox.keyward(["list", "-A", "--json"]).env("KEYWARD_WORKSPACE", "shop");
    assert_eq!(named.answer()["keys"].as_array().map(Vec::len), Some(4));
    let run = sandbox.keyward(["list", "--all-workspaces"]).ok();
    let header: Vec<&str> = run.stdout.split_whitespace().take(2).collect();
    assert_eq!(header, ["WORKSPACE", "NAME"]);
}

#[test]
fn one_workspace_beside_all_of_them_is_refused() {
    let sandbox = two_workspaces();
    for words in [
        &["list", "-A", "-w", "shop"][..],
        &["-w", "shop", "list", "--all-workspaces"],
        &["show", "cart", "-A", "-w", "shop"],
        &["usage", "-wshop", "-A"],
        &["check", "--never-used", "-A", "-w", "shop"],
        &["prune", "-A", "-w", "shop"],
        &["--workspace", "shop", "audit", "list", "-A"],
    ] {
        let error = sandbox.keyward(words).refused(2, "usage");
        let said = text(&error, "message");
        let expected = "'--all-workspaces' cannot be used with '--workspace <NAME>'";
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}

#[test]
fn all_is_about_dead_keys_alone() {
    let sandbox = two_workspaces();
    let revoke = ["revoke", "cart", "-w", "shop", "--yes"];
    sandbox.keyward(revoke).ok();
    assert_eq!(listed(&sandbox, &[]), ["worker", "twin", "twin"]);
    assert_eq!(listed(&sandbox, &["--all"]).len(), 4);
    sandbox.refuses(&["check", "--never-used", "--all"], 2, "usage");
    sandbox.refuses(&["prune", "--all"], 2, "usage");
    sandbox.refuses(&["prune", "-a"], 2, "usage");
}

#[test]
fn show_finds_a_name_in_any_workspace_and_lists_those_that_share_it() {
    let sandbox = two_workspaces();
    let shown = sandbox.keyward(["show", "cart", "-A"]).answer();
    assert_eq!(text(&shown, "workspace"), "shop");
    let error = sandbox.keyward(["show", "twin", "-A"]);
    let said = text(&error.refused(4, "ambiguous"), "message");
    assert!(said.contains("acme/live twin") && said.contains("shop/live twin"), "{said}");
    sandbox.refuses(&["show", "nothing", "-A"], 3, "key_not_found");
    let id = text(&shown, "id");
    let again = sandbox.keyward(["show", &id, "-A"]).answer();
    assert_eq!(again["name"], "cart");
}

#[test]
fn usage_has_the_keys_of_every_workspace() {
    let sandbox = two_workspaces();
    for (name, workspace) in [("new", "acme"), ("other", "shop")] {
        let secret = sandbox.mint_with(name, &["-w", workspace]);
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let answer = sandbox.keyward(["usage", "--by", "key"]).answer();
    assert_eq!(names(&answer["usage"]), ["new"]);
    let answer = sandbox.keyward(["usage", "-A", "--by", "key"]).answer();
    assert_eq!(names(&answer["usage"]), ["new", "other"]);
    let answer = sandbox.keyward(["usage", "other", "-A"]).answer();
    assert_eq!(names(&answer["usage"]), ["other"]);
}

#[test]
fn a_calling_key_keeps_to_its_own_workspace() {
    let sandbox = two_workspaces();
    sandbox.workspace("sw", &["--preset", "scrapewise"]);
    let reader = sandbox.mint_with("reader", &["-w", "sw", "--scope", "LLM_READ"]);
    let reader = sandbox.file("reader", &reader).display().to_string();
    let own = ["--as", &reader];
    assert_eq!(listed(&sandbox, &own), ["reader"]);
    let run = |words: &[&str]| sandbox.keyward(words).args(["-A"]).args(own);
    run(&["show", "cart"]).refused(3, "key_not_found");
    let shown = run(&["show", "reader"]).answer();
    assert_eq!(text(&shown, "workspace"), "sw");
    let usage = run(&["usage", "--by", "workspace"]).answer();
    let elsewhere = |row: &Value| row["workspace"] != "sw";
    let mut rows = usage["usage"].as_array().expect("rows").iter();
    assert!(!rows.any(elsewhere), "{usage:#}");
}
