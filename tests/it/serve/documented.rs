//! The documented systems' own clients, read out of their pages.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::client::{Server, ask, bearer, get, path_of, send, token_file};
use crate::support::{Sandbox, fields, text, tool};

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures");
    fs::read_to_string(folder.join(name)).expect("it is there")
}

/// scrapewise's class with its types stripped and another base URL.
fn class(base: &str) -> String {
    let mut class = fixture("scrapewise.ts");
    for (typed, plain) in [
        ("constructor(private bearer: string) {}", "constructor(bearer) { this.bearer = bearer; }"),
        ("private async req", "async req"),
        ("(path: string, init?: RequestInit): Promise<unknown>", "(path, init)"),
        ("(name: string, scope: 'USER' | 'LLM_READ' | 'LLM_FULL')", "(name, scope)"),
        ("(id: string)", "(id)"),
        ("https://portal.scrapewise.ai", base),
    ] {
        assert!(class.contains(typed), "{typed} is not in the class");
        class = class.replace(typed, plain);
    }
    class
}

#[test]
fn scrapewises_own_class_manages_keys() {
    if !tool("node") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.workspace("customer", &["--preset", "scrapewise"]);
    let secret = sandbox.mint_with("first", &["--scope", "USER"]);
    let (file, _) = token_file(&sandbox, "ci");
    let flags = ["--manage", "127.0.0.1:0", "--operator-token-file", path_of(&file)];
    let server = Server::run(&sandbox, &[&flags[..], &["--routes", "scrapewise"]].concat());
    let script = class(&format!("http://{}", server.places[0])) + SCRIPT;
    let script = sandbox.file("script.mjs", &script);
    let output = sandbox.program("node", [path_of(&script), &secret]).ok();
    let answers = output.json();
    let whoami = ["createdAt", "customerRef", "id", "lastUsedAt", "name", "prefix", "scope"];
    assert_eq!(fields(&answers["whoami"]), whoami);
    assert_eq!(answers["whoami"]["customerRef"], "customer");
    let minted = &answers["minted"];
    assert_eq!(fields(minted), ["createdAt", "id", "key", "name", "prefix", "scope"]);
    let (key, prefix) = (text(minted, "key"), text(minted, "prefix"));
    assert!(key.starts_with(&format!("sw_live_{prefix}.")), "{key}");
    assert_eq!(prefix.len(), 7);
    let listed = &answers["listed"]["keys"][1];
    assert_eq!(fields(listed), ["createdAt", "id", "lastUsedAt", "name", "prefix", "scope"]);
    assert_eq!(listed["id"], minted["id"]);
    let said = |what: &str| text(&answers, what);
    assert_eq!(said("child"), "403 {\"error\":\"scope_rejected\"}");
    assert_eq!(said("scope"), "422 {\"error\":\"invalid_scope\"}");
    assert_eq!(said("prefix"), "404 {\"error\":\"key_not_found\"}");
    assert_eq!(said("unknown"), "404 {\"error\":\"key_not_found\"}");
    assert_eq!(said("after"), "401 {\"error\":\"unauthorized\"}");
    assert_eq!(said("own"), "401 {\"error\":\"unauthorized\"}");
    assert_eq!(said("wrong"), "401 {\"error\":\"unauthorized\"}");
    // The paths as the page's headings have them are the same routes; a caller that is not a key has an empty prefix.
    let (_, token) = token_file(&sandbox, "ci");
    let request = get("/api/key/whoami", &bearer(&token));
    let whoami = ask(&server.places[0], request.as_bytes());
    assert_eq!((whoami.status, &whoami.json()["prefix"]), (200, &Value::from("")));
    server.end();
}

const SCRIPT: &str = "
const said = async (call) => { try { return JSON.stringify(await call); } catch (e) { return e.message; } };
const own = new ScrapewiseKeys(process.argv[2]);
const answers = { whoami: await own.whoami() };
answers.minted = await own.mint('second', 'LLM_READ');
answers.listed = await own.list();
const child = new ScrapewiseKeys(answers.minted.key);
answers.child = await said(child.mint('third', 'LLM_READ'));
answers.scope = await said(own.mint('fourth', 'ADMIN'));
answers.prefix = await said(own.revoke(answers.minted.prefix));
answers.unknown = await said(own.revoke('key_0000000000000000'));
await child.revoke(answers.minted.id);
answers.after = await said(child.list());
await own.revoke(answers.whoami.id);
answers.own = await said(own.whoami());
answers.wrong = await said(new ScrapewiseKeys('x').whoami());
console.log(JSON.stringify(answers));
";

#[test]
fn azscrapers_own_curl_lines_manage_keys() {
    if !tool("curl") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.workspace("proj ect", &["--preset", "azscraper"]);
    let key = sandbox.mint("key");
    let (file, token) = token_file(&sandbox, "ci");
    let flags = ["--manage", "127.0.0.1:0", "--operator-token-file", path_of(&file)];
    let server = Server::run(&sandbox, &[&flags[..], &["--routes", "azscraper"]].concat());
    let place = &server.places[0];
    let page = fixture("azscraper.sh");
    let curl = |begin: &str| {
        let line = page.split("curl ").find(|line| line.contains(begin));
        let line = format!("curl {}", line.unwrap_or_else(|| panic!("{begin} is not on the page")));
        let run = sandbox.program("sh", ["-c", &line]).env("TOKEN", &token);
        let run = run.env("API_BASE", format!("http://{place}")).env("PROJECT_ID", "proj%20ect");
        run.ok().json()
    };
    let created = curl("-X POST")["data"].clone();
    assert_eq!(fields(&created), ["createdAt", "id", "key", "name"]);
    assert_eq!(created["name"], "ci-pipeline");
    let listed = curl("api-keys\" \\\n  -H \"Authorization: Bearer $TOKEN\"\n");
    let listed = &listed["data"][1];
    assert_eq!(fields(listed), ["createdAt", "id", "keyHint", "lastUsedAt", "name"]);
    let secret = text(&created, "key");
    assert_eq!(listed["keyHint"], secret[secret.len() - 4..]);
    let item = format!("/private/projects/proj%20ect/api-keys/{}", text(&created, "id"));
    let renamed = send("PATCH", &item, &bearer(&token), "{\"name\":\"new-name\"}");
    assert_eq!(ask(place, renamed.as_bytes()).body, "{\"success\":true}");
    let with_key = send("DELETE", &item, &bearer(&key), "");
    assert_eq!(ask(place, with_key.as_bytes()).body, "{\"error\":\"scope_rejected\"}");
    sandbox.verdict(&secret, &[], 0, "valid");
    let elsewhere = item.replace("proj%20ect", "other");
    let elsewhere = send("DELETE", &elsewhere, &bearer(&token), "");
    assert_eq!(ask(place, elsewhere.as_bytes()).refusal(), (404, "workspace_not_found"));
    let revoked = send("DELETE", &item, &bearer(&token), "");
    assert_eq!(ask(place, revoked.as_bytes()).body, "{\"success\":true}");
    sandbox.verdict(&secret, &[], 11, "revoked");
    server.end();
    // "locked to the key's project": the URL's project is the workspace that is asked for.
    let server = Server::start(&sandbox, &[]);
    for (project, status) in [("proj%20ect", 200), ("other", 401)] {
        let target = format!("/v1/auth?workspace={project}");
        assert_eq!(server.ask(&get(&target, &bearer(&key))).status, status);
    }
    server.end();
}
