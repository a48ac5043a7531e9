//! `keyward list`: filters, order and the four output forms.

use serde_json::json;

use crate::support::{Sandbox, text};

/// A sandbox with a key in each state: active, pending, disabled, expired, revoked.
fn one_of_each() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.mint_refused(&[]);
    sandbox.mint("active");
    sandbox
}

#[test]
fn dead_keys_are_hidden_unless_asked_for() {
    let sandbox = one_of_each();
    assert_eq!(sandbox.listed(&[]), ["active", "disabled", "pending"]);
    assert_eq!(sandbox.listed(&["--all"]), ["active", "disabled", "expired", "pending", "revoked"]);
}

#[test]
fn status_selects_keys_in_one_state() {
    let sandbox = one_of_each();
    for status in ["active", "pending", "disabled", "expired", "revoked"] {
        let document = sandbox.keyward(["list", "--status", status]).answer();
        let keys = document["keys"].as_array().expect("an array of keys");
        assert_eq!(keys.len(), 1, "{status}: {document:#}");
        assert_eq!((&keys[0]["name"], &keys[0]["status"]), (&json!(status), &json!(status)));
    }
    sandbox.refuses(&["list", "--status", "gone"], 2, "usage");
}

#[test]
fn filters_narrow_the_list() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--owner", "platform", "--label", "team=core"]);
    sandbox.mint_with("cron", &["--owner", "data", "--label", "team=core", "--label", "tier=1"]);
    sandbox.mint_with("web", &["-e", "test"]);
    assert_eq!(sandbox.listed(&["-e", "test"]), ["web"]);
    assert_eq!(sandbox.listed(&["-e", "live"]), ["ci", "cron"]);
    assert_eq!(sandbox.listed(&["--owner", "platform"]), ["ci"]);
    assert_eq!(sandbox.listed(&["--label", "team=core"]), ["ci", "cron"]);
    assert_eq!(sandbox.listed(&["--label", "team=core", "--owner", "data"]), ["cron"]);
    assert_eq!(sandbox.listed(&["--owner", "nobody"]), [""; 0]);
}

#[test]
fn scope_selects_keys_that_have_it() {
    let sandbox = Sandbox::with_workspace("customer", &["--preset", "scrapewise"]);
    sandbox.mint_with("laptop", &["--scope", "USER"]);
    sandbox.mint_with("agent", &["--scope", "LLM_READ"]);
    assert_eq!(sandbox.listed(&["--scope", "LLM_READ"]), ["agent"]);
}

#[test]
fn sort_orders_by_a_field() {
    let sandbox = Sandbox::with_keys(&["b", "c", "a"]);
    let sorted = sandbox.keyward(["list", "--sort", "name"]).answer();
    assert_eq!(crate::support::names(&sorted["keys"]), ["a", "b", "c"]);
    let secret = sandbox.mint_with("d", &["--expires", "7d"]);
    sandbox.mint_with("e", &["--expires", "1d"]);
    sandbox.verdict(&secret, &[], 0, "valid");
    let sorted = |order: &str| {
        let document = sandbox.keyward(["list", "--sort", order]).answer();
        crate::support::names(&document["keys"])
    };
    assert_eq!(sorted("created"), ["b", "c", "a", "d", "e"]);
    // What ends first comes first, and what never ends comes last.
    assert_eq!(sorted("expires")[..2], ["e", "d"]);
    let by_use = sorted("last-used");
    assert!(
        by_use.first().is_some_and(|name| name == "d")
            || by_use.last().is_some_and(|name| name == "d"),
        "the only used key stands among the unused ones: {by_use:?}"
    );
    sandbox.refuses(&["list", "--sort", "colour"], 2, "usage");
}

#[test]
fn json_is_one_document_of_key_objects_without_secrets() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let document = sandbox.keyward(["list"]).answer();
    assert_eq!(document, json!({ "keys": [sandbox.show("ci")] }));
    assert!(document["keys"][0].get("key").is_none(), "the list holds a secret");
}

#[test]
fn jsonl_is_one_object_a_line() {
    let sandbox = Sandbox::with_keys(&["a", "b"]);
    let output = sandbox.keyward(["list", "-o", "jsonl", "--sort", "name"]).ok();
    assert!(output.stdout.is_ascii());
    assert_eq!(output.json_lines(), [sandbox.show("a"), sandbox.show("b")]);
}

#[test]
fn tsv_is_one_line_a_key_whatever_its_name() {
    let sandbox = Sandbox::with_keys(&["plain", "planted"]);
    sandbox.rewrite("UPDATE key SET name = 'a\tb\nc\\d' WHERE name = 'planted'");
    let output = sandbox.keyward(["list", "-o", "tsv"]).ok();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "stdout is\n{}", output.stdout);
    let fields = |line: &str| line.split('\t').count();
    assert_eq!(fields(lines[0]), fields(lines[1]), "stdout is\n{}", output.stdout);
    let planted =
        lines.iter().flat_map(|line| line.split('\t')).find(|field| field.starts_with("a\\"));
    assert_eq!(planted, Some(r"a\tb\nc\\d"), "stdout is\n{}", output.stdout);
}

#[test]
fn tsv_has_no_header_and_no_relative_times() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let key = sandbox.show("ci");
    let output = sandbox.keyward(["list", "-o", "tsv"]).ok();
    let line = output.line();
    let fields: Vec<&str> = line.split('\t').collect();
    for field in ["id", "name", "prefix", "status", "createdAt"] {
        assert!(fields.contains(&text(&key, field).as_str()), "no {field} in {line}");
    }
}

#[test]
fn the_table_has_a_header_and_whole_names() {
    let sandbox = Sandbox::new();
    let long = "a name of exactly sixty-four characters is shown in full.......".to_owned() + "!";
    assert_eq!(long.len(), 64);
    sandbox.mint(&long);
    let output = sandbox.keyward(["list"]).ok();
    assert_eq!(output.stdout.lines().count(), 2, "stdout is\n{}", output.stdout);
    let (header, row) = output.stdout.split_once('\n').expect("two lines");
    assert!(header.to_lowercase().contains("name"), "no header in\n{}", output.stdout);
    assert!(row.contains(&long), "the name is cut off in\n{}", output.stdout);
    assert!(!output.stdout.contains('\u{1b}'), "colours without a terminal in\n{}", output.stdout);
}

#[test]
fn an_empty_list_is_an_empty_answer() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    assert_eq!(sandbox.keyward(["list"]).answer(), json!({ "keys": [] }));
    let table = sandbox.keyward(["list"]).ok();
    assert_eq!(table.stdout, "");
    assert!(table.stderr.contains("keyward mint"), "no hint on stderr:\n{}", table.stderr);
    for form in ["tsv", "jsonl"] {
        assert_eq!(sandbox.keyward(["list", "-o", form]).ok().stdout, "", "{form}");
    }
    sandbox.expect_transcripts("$ keyward list -q\n------- stderr -------\n[exit status: 0]\n");
}

#[test]
fn a_store_that_does_not_exist_lists_nothing_and_is_not_made() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.keyward(["list"]).answer(), json!({ "keys": [] }));
    let left = std::fs::read_dir(sandbox.home()).expect("HOME is there").count();
    assert_eq!(left, 0, "listing left something behind");
}

#[test]
fn an_unknown_workspace_is_not_an_empty_list() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.refuses(&["list", "-w", "nowhere"], 3, "workspace_not_found");
}

#[test]
fn among_several_workspaces_one_must_be_chosen() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    let error = sandbox.keyward(["list"]).refused(4, "ambiguous");
    let message = text(&error, "message");
    assert!(
        message.contains("acme") && message.contains("zenith"),
        "the message does not list them: {message}"
    );
    sandbox.mint_with("ci", &["-w", "acme"]);
    assert_eq!(sandbox.listed(&["-w", "acme"]), ["ci"]);
    assert_eq!(sandbox.listed(&["-w", "zenith"]), [""; 0]);
    let by_variable = sandbox.keyward(["list"]).env("KEYWARD_WORKSPACE", "acme").answer();
    assert_eq!(crate::support::names(&by_variable["keys"]), ["ci"]);
}

#[test]
fn a_person_reads_a_table_or_why_there_is_none() {
    let sandbox = Sandbox::with_keys(&["ci", "web"]);
    sandbox.expect_transcripts(
        r#"
$ keyward list
NAME  ENV   STATUS  PREFIX…HINT                LAST USED  EXPIRES
ci    live  active  <prefix>…<hint>  never      never
web   live  active  <prefix>…<hint>  never      never
------- stderr -------
[exit status: 0]
$ keyward revoke web --yes --quiet; keyward list --all
NAME  ENV   STATUS   PREFIX…HINT                LAST USED  EXPIRES
ci    live  active   <prefix>…<hint>  never      never
web   live  revoked  <prefix>…<hint>  never      revoked <now>
------- stderr -------
[exit status: 0]
$ keyward list --name nothing
------- stderr -------
no keys in workspace default with a name that contains nothing
hint: `keyward list --all` lists revoked and expired keys too
[exit status: 0]
$ keyward list -w nowhere
------- stderr -------
error: no workspace "nowhere"
hint: `keyward workspace list` lists all workspaces
[exit status: 3]
"#,
    );
}
