//! The five documented systems, each by the steps of its own page.

use serde_json::{Value, json};

use crate::secrecy::holds;
use crate::support::{Sandbox, names, text, token};

/// Mints and returns the key's object, its secret included.
fn mint(sandbox: &Sandbox, name: &str, flags: &[&str]) -> Value {
    sandbox.keyward(["mint", name]).args(flags).answer()
}

#[test]
fn amazonscraperapi_by_its_page() {
    let sandbox = Sandbox::with_workspace("shop", &["--preset", "amazonscraperapi"]);

    // "All keys start with a prefix": asa_live_ and asa_test_.
    let live = mint(&sandbox, "prod", &[]);
    let test = mint(&sandbox, "staging", &["-e", "test"]);
    assert!(text(&live, "key").starts_with("asa_live_"));
    assert!(text(&test, "key").starts_with("asa_test_"));

    // "The 12 characters after the prefix form the shortprefix displayed in the dashboard and in our logs".
    let secret = text(&live, "key");
    assert_eq!(text(&live, "short"), secret["asa_live_".len()..][..12]);
    assert_eq!(text(&live, "prefix"), secret[.."asa_live_".len() + 12]);
    assert_eq!(sandbox.show(&text(&live, "short"))["id"], live["id"]);

    // "The full key is shown exactly once at creation time".
    let shown =
        sandbox.keyward(["show", "prod"]).ok().stdout + &sandbox.keyward(["list"]).ok().stdout;
    assert!(shown.contains(&text(&live, "prefix")));
    assert!(!shown.contains(&secret[secret.len() - 24..]));

    // "Requests without a valid key return 401".
    sandbox.verdict("", &[], 10, "malformed");
    sandbox.verdict("asa_live_YOUR_KEY_HERE", &[], 10, "malformed");

    // "Rotating keys: generate a second key, deploy, revoke the old key."
    let second = text(&mint(&sandbox, "prod 2", &[]), "key");
    sandbox.verdict(&second, &["-e", "live"], 0, "valid");
    sandbox.verdict(&secret, &["-e", "live"], 0, "valid");
    sandbox.keyward(["revoke", "prod", "--yes"]).ok();
    // "Revoked keys return 401 Unauthorized with {"error":"revoked"}": at once here, not within 30 seconds.
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.verdict(&second, &[], 0, "valid");

    // "Restricting a key to a list of egress IPs".
    let fenced = text(&mint(&sandbox, "fenced", &["--allow", "203.0.113.0/28"]), "key");
    sandbox.verdict(&fenced, &["--ip", "203.0.113.3"], 0, "valid");
    sandbox.verdict(&fenced, &["--ip", "203.0.113.30"], 14, "ip_denied");
}

#[test]
fn amazonscraperapi_refuses_the_21st_active_key_and_names_the_longest_unused_one() {
    let sandbox = Sandbox::with_workspace("shop", &["--preset", "amazonscraperapi"]);
    // "You can have up to 20 active keys per workspace", whatever their environment.
    let mut secrets = Vec::new();
    for place in 0..20 {
        let environment = if place % 2 == 0 { "live" } else { "test" };
        secrets.push(sandbox.mint_with(&format!("service-{place:02}"), &["-e", environment]));
    }
    for (place, secret) in secrets.iter().enumerate() {
        if place != 7 {
            sandbox.verdict(secret, &[], 0, "valid");
        }
    }
    let error = sandbox.keyward(["mint", "one more"]).refused(5, "limit_reached").to_string();
    assert!(error.contains("20"), "the error does not name the cap: {error}");
    assert!(error.contains("service-07"), "the error does not name the never used key: {error}");
    assert_eq!(sandbox.listed(&["--all"]).len(), 20);
    // When all were used, it is the one whose last use is the oldest.
    sandbox.verdict(&secrets[7], &[], 0, "valid");
    sandbox
        .tamper("UPDATE usage SET last_used_at = last_used_at - 1000000 WHERE slot % (1 << 40) = (SELECT seq FROM key WHERE name = 'service-13')");
    let error = sandbox.keyward(["mint", "one more"]).refused(5, "limit_reached").to_string();
    assert!(
        error.contains("service-13"),
        "the error does not name the longest unused key: {error}"
    );
    sandbox.keyward(["revoke", "service-13", "--yes"]).ok();
    sandbox.mint("one more");
}

#[test]
fn amser_by_its_page() {
    let sandbox = Sandbox::with_workspace("merchant", &["--preset", "amser"]);

    // "amser API keys use a prefixed format", then lowercase letters and digits alone.
    let live = sandbox.mint("production-server");
    let test = sandbox.mint_with("staging-backend", &["-e", "test"]);
    for (secret, front) in [(&live, "amsr_live_"), (&test, "amsr_test_")] {
        let random = secret.strip_prefix(front).unwrap_or_else(|| panic!("{secret}"));
        assert!(random.chars().all(|character| token::BASE36.contains(character)), "{secret}");
        assert!(random.len() > 21, "{secret} is not longer than the page's");
    }

    // "Requests made with a amsr_test_ key will only access testnet data, and vice versa."
    sandbox.verdict(&live, &["-e", "live"], 0, "valid");
    sandbox.verdict(&test, &["-e", "test"], 0, "valid");
    sandbox.verdict(&test, &["-e", "live"], 14, "wrong_environment");
    sandbox.verdict(&live, &["-e", "test"], 14, "wrong_environment");

    // "API keys are SHA-256 hashed before storage. amser stores only the hash".
    let hashes = sandbox.rows("SELECT hash FROM key").concat();
    assert!(hashes.contains(&token::hash(&live)), "the hash is not in the store");
    let secret = &live.as_bytes()[live.len() - 24..];
    assert!(!holds(&sandbox.settled_bytes(), secret), "the secret is in the store");

    // "Each merchant can have a maximum of 5 active API keys at a time."
    for name in ["three", "four", "five"] {
        sandbox.mint(name);
    }
    sandbox.refuses(&["mint", "six"], 5, "limit_reached");
    // "If you … have reached the limit, revoke an unused key first."
    sandbox.keyward(["revoke", "five", "--yes"]).ok();

    // "Rotation: create a new key, update, verify that requests succeed with the new key, delete the old key."
    let new = sandbox.mint("production-server-2");
    sandbox.verdict(&new, &["-e", "live"], 0, "valid");
    sandbox.verdict(&live, &["-e", "live"], 0, "valid");

    // "Deleting a key immediately invalidates all requests … This action cannot be undone".
    sandbox.keyward(["revoke", "production-server", "--yes"]).ok();
    sandbox.verdict(&live, &["-e", "live"], 11, "revoked");
    for verb in ["enable", "rotate", "disable"] {
        sandbox.refuses(&[verb, "production-server"], 4, "conflict");
    }
    sandbox.keyward(["activate"]).stdin(&live).refused(11, "revoked");
    sandbox.verdict(&live, &["-e", "live"], 11, "revoked");
}

#[test]
fn amser_rotates_by_overlap_and_at_the_cap_at_once() {
    let sandbox = Sandbox::with_workspace("merchant", &["--preset", "amser"]);
    let old = sandbox.mint("production-server");
    for name in ["two", "three", "four"] {
        sandbox.mint(name);
    }
    // "If both keys are valid simultaneously during the transition, there is no interruption."
    let new = sandbox.keyward(["rotate", "production-server"]).ok().line();
    sandbox.verdict(&old, &["-e", "live"], 0, "valid");
    sandbox.verdict(&new, &["-e", "live"], 0, "valid");
    sandbox.refuses(&["rotate", "two"], 5, "limit_reached");
    let newest = sandbox.keyward(["rotate", "two", "--now"]).ok().line();
    sandbox.verdict(&newest, &["-e", "live"], 0, "valid");
}

#[test]
fn scrapewise_by_its_page() {
    let sandbox = Sandbox::with_workspace("customer", &["--preset", "scrapewise"]);
    let user = mint(&sandbox, "my-laptop", &["--scope", "USER"]);
    let user_file = sandbox.file("user.key", &text(&user, "key"));
    let as_user = |arguments: &[&str]| sandbox.keyward(["--as"]).args([&user_file]).args(arguments);

    // "PUT /api/key/generate": {id, prefix, name, scope, key: "sw_live_abc1234.<long-secret>", createdAt}.
    let agent = as_user(&["mint", "my-new-key", "--scope", "LLM_READ"]).answer();
    let secret = text(&agent, "key");
    let (front, long) = secret.split_once('.').unwrap_or_else(|| panic!("{secret} has no dot"));
    assert_eq!(front, format!("sw_live_{}", text(&agent, "short")));
    assert_eq!(text(&agent, "short").len(), 7);
    assert!(long.len() >= 26 && !long.contains('.'), "{secret}");
    assert!(text(&agent, "id").starts_with("key_"));
    assert_eq!(agent["scopes"], json!(["LLM_READ"]));
    assert_eq!(agent["createdBy"], format!("key:{}", text(&user, "id")));
    let agent_file = sandbox.file("agent.key", &secret);
    let as_agent =
        |arguments: &[&str]| sandbox.keyward(["--as"]).args([&agent_file]).args(arguments);

    // "GET /api/key/whoami": {customerRef, scope, prefix, name, id, createdAt, lastUsedAt}.
    sandbox.verdict(&secret, &[], 0, "valid");
    let caller = as_agent(&["whoami"]).answer();
    let expected = json!({
        "workspace": "customer", "scopes": ["LLM_READ"], "prefix": front, "name": "my-new-key", "id": agent["id"],
        "createdAt": agent["createdAt"], "lastUsedAt": caller["lastUsedAt"], "kind": "key",
    });
    assert_eq!(caller, expected);
    assert!(caller["lastUsedAt"].is_string());
    // "For Firebase JWT callers, prefix is empty."
    assert_eq!(sandbox.keyward(["whoami"]).answer()["prefix"], "");

    // "LLM_READ / LLM_FULL cannot mint child keys."
    let full = text(&as_user(&["mint", "assistant", "--scope", "LLM_FULL"]).answer(), "key");
    as_agent(&["mint", "child", "--scope", "LLM_READ"]).refused(5, "scope_rejected");
    sandbox
        .keyward(["--as", "-", "mint", "child", "--scope", "USER"])
        .stdin(&full)
        .refused(5, "scope_rejected");

    // "GET /api/key/list … Secrets are never returned."
    let list = as_agent(&["list"]).answer();
    let mut listed = names(&list["keys"]);
    listed.sort();
    assert_eq!(listed, ["assistant", "my-laptop", "my-new-key"]);
    assert!(!list.to_string().contains(long));

    // "The DELETE endpoint expects id, not prefix."
    let id = text(&agent, "id");
    for selector in [front, &text(&agent, "short")] {
        as_agent(&["revoke", selector, "--yes"]).refused(3, "key_not_found");
        as_user(&["revoke", selector, "--yes"]).refused(3, "key_not_found");
    }
    as_agent(&["revoke", "key_0000000000000000", "--yes"]).refused(3, "key_not_found");

    // "A key can revoke other keys in the same customer (including keys with higher scope)."
    as_agent(&["revoke", &text(&user, "id"), "--yes"]).ok();
    sandbox.verdict(&text(&user, "key"), &[], 11, "revoked");
    // "A key can also revoke itself." "Revocation is immediate — the next request with that key returns 401."
    as_agent(&["revoke", &id, "--yes"]).ok();
    as_agent(&["whoami"]).refused(11, "revoked");
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn scrapewise_takes_exactly_one_of_its_three_scopes() {
    let sandbox = Sandbox::with_workspace("customer", &["--preset", "scrapewise"]);
    let wrong: [&[&str]; 5] = [
        &[],
        &["--scope", "ADMIN"],
        &["--scope", "user"],
        &["--scope", "USER", "--scope", "LLM_READ"],
        &["--scope", "USER", "--scope", "ADMIN"],
    ];
    for flags in wrong {
        sandbox.keyward(["mint", "key"]).args(flags).refused(5, "invalid_scope");
    }
    for scope in ["USER", "LLM_READ", "LLM_FULL"] {
        assert_eq!(mint(&sandbox, scope, &["--scope", scope])["scopes"], json!([scope]));
    }
    // "Any non-empty string up to 64 chars."
    for name in ["", &"n".repeat(65)] {
        sandbox.refuses(&["mint", name, "--scope", "USER"], 2, "invalid_name");
    }
}

#[test]
fn scrapewise_keys_of_one_customer_are_unknown_to_another() {
    let sandbox = Sandbox::new();
    for customer in ["one", "two"] {
        sandbox.workspace(customer, &["--preset", "scrapewise"]);
    }
    let foreign = mint(&sandbox, "key", &["--scope", "USER", "-w", "one"]);
    let own = sandbox.mint_with("key", &["--scope", "USER", "-w", "two"]);
    // "404 key_not_found: id doesn't exist for your customer".
    let run = sandbox.keyward(["--as", "-", "revoke", &text(&foreign, "id"), "--yes"]);
    run.stdin(own).refused(3, "key_not_found");
    sandbox.verdict(&text(&foreign, "key"), &[], 0, "valid");
}

#[test]
fn azscraper_by_its_page() {
    let sandbox = Sandbox::with_workspace("project", &["--preset", "azscraper"]);
    sandbox.workspace("other project", &["--preset", "azscraper"]);

    // "Create a key": {id, name, key, createdAt}, the full key only here.
    let key = mint(&sandbox, "ci-pipeline", &["-w", "project"]);
    let secret = text(&key, "key");
    // "keyHint is the last 4 characters of the key, safe to display."
    assert_eq!(text(&key, "keyHint"), secret[secret.len() - 4..]);
    assert!(
        secret
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))
    );
    // "A key authenticates as the user who created it".
    let operator = text(&sandbox.keyward(["whoami"]).answer(), "name");
    assert_eq!(key["createdBy"], format!("operator:{operator}"));

    // "but is locked to the key's project".
    sandbox.verdict(&secret, &["-w", "project"], 0, "valid");
    sandbox.verdict(&secret, &["-w", "other project"], 10, "not_found");
    // No checksum: a typo cannot be told from an unknown key.
    sandbox.verdict(&token::with_typo(&secret, secret.len() - 9), &[], 10, "not_found");

    // "List keys": {id, name, keyHint, createdAt, lastUsedAt}.
    let list = sandbox.keyward(["list", "-w", "project"]).answer();
    let listed = &list["keys"][0];
    for field in ["id", "name", "keyHint", "createdAt"] {
        assert_eq!(listed[field], key[field], "{field}");
    }
    assert!(listed["lastUsedAt"].is_string());

    // "You manage keys from the dashboard session, not with another key."
    let path = sandbox.file("ci.key", &secret);
    let as_key = |arguments: &[&str]| sandbox.keyward(["--as"]).args([&path]).args(arguments);
    let id = text(&key, "id");
    let steps: [&[&str]; 5] = [
        &["list"],
        &["mint", "child"],
        &["rename", &id, "x"],
        &["revoke", &id, "--yes"],
        &["rotate", &id],
    ];
    for arguments in steps {
        as_key(arguments).refused(5, "scope_rejected");
    }
    assert_eq!(as_key(&["whoami"]).answer()["name"], "ci-pipeline");

    // "Rename a key", "Revoke a key … Revoked keys stop working immediately."
    sandbox.keyward(["rename", &id, "new-name"]).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.keyward(["revoke", &id, "--yes"]).ok();
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn audioscrape_by_its_page() {
    let sandbox = Sandbox::new();
    let created =
        sandbox.keyward(["workspace", "create", "account", "--preset", "audioscrape"]).answer();
    assert_eq!(created["preset"], "audioscrape");

    // "Click "Create New Key" and give it a descriptive name. Copy the key: it will only be shown once."
    let secret = sandbox.mint("descriptive name");
    sandbox.verdict(&secret, &[], 0, "valid");
    // "401: missing or invalid API key".
    sandbox.verdict("YOUR_API_KEY", &[], 10, "malformed");
    sandbox.verdict("", &[], 10, "malformed");

    // "API rate limits vary by subscription plan": free 100 and 10/minute, pro 10,000 and 100/minute, enterprise none.
    let policy = sandbox.keyward(["workspace", "show", "account"]).answer()["policy"].clone();
    let plans = &policy["plans"];
    assert_eq!(
        (&plans["free"]["quota"], &plans["free"]["rate"]),
        (&json!(100), &json!("10/minute"))
    );
    assert_eq!(
        (&plans["pro"]["quota"], &plans["pro"]["rate"]),
        (&json!(10_000), &json!("100/minute"))
    );
    assert!(plans["enterprise"].is_object(), "{plans:#}");
    assert_eq!(
        (&plans["enterprise"]["quota"], &plans["enterprise"]["rate"]),
        (&Value::Null, &Value::Null)
    );
    let changed = sandbox.keyward(["workspace", "set", "account", "--plan", "pro"]).answer();
    assert_eq!(changed["plan"], "pro");
    assert_ne!(sandbox.keyward(["workspace", "set", "account", "--plan", "gold"]).run().status, 0);
    assert_eq!(sandbox.keyward(["workspace", "show", "account"]).answer()["plan"], "pro");
    let enterprise = sandbox.keyward([
        "workspace",
        "create",
        "big",
        "--preset",
        "audioscrape",
        "--plan",
        "enterprise",
    ]);
    assert_eq!(enterprise.answer()["plan"], "enterprise");

    // "Rotate your API keys periodically. Delete unused API keys from your account."
    let new = sandbox.keyward(["rotate", "descriptive name", "--now", "-w", "account"]).ok().line();
    sandbox.verdict(&secret, &[], 11, "revoked");
    sandbox.verdict(&new, &[], 0, "valid");
}
