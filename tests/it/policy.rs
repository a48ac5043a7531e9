//! Policies that are refused, and the checksum in each alphabet.

use serde_json::json;

use crate::support::{Sandbox, text, token};

/// A whole policy that is accepted; each refusal below differs from it in one line.
const POLICY: &str = r#"token = "{prefix}_{env}_{short:12}{secret:32}{crc}"
alphabet = "base62"
prefix = "acme"
environments = ["live", "test"]
active_key_cap = 20
default_lifetime = "30d"
maximum_lifetime = "90d"
rotation_grace = "24h"
usage_retention = "90d"
revoke_by = "any"
scopes_per_key = { min = 0, max = 1 }

[scopes.read]
manage = ["list"]

[plans.free]
rate = "10/minute"
quota = 100
"#;

/// Creates a workspace of this policy and asserts that it is refused for the policy.
fn assert_refused(policy: &str) {
    let sandbox = Sandbox::new();
    let path = sandbox.file("policy.toml", policy);
    let run = sandbox.keyward(["--json", "workspace", "create", "acme", "--policy"]).args([path]);
    let output = run.run();
    assert_eq!(output.status, 2, "this policy was not refused:\n{policy}\n{}", output.transcript());
    assert_eq!(output.error()["code"], "invalid_policy", "{policy}\n{}", output.transcript());
    assert_eq!(sandbox.keyward(["workspace", "list"]).answer(), json!({ "workspaces": [] }));
}

/// Replaces the line that sets this field; asserts that there is one.
fn with(field: &str, line: &str) -> String {
    assert!(POLICY.lines().any(|old| old.starts_with(field)), "the policy has no {field}");
    let lines =
        POLICY.lines().map(|old| if old.starts_with(&format!("{field} =")) { line } else { old });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_whole_policy_is_accepted() {
    let sandbox = Sandbox::new();
    let path = sandbox.file("policy.toml", POLICY);
    sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([path]).ok();
    let secret = sandbox.mint("ci");
    let parts = token::parts(&secret, "acme_live_");
    assert_eq!(parts.checksum, token::checksum(parts.body, token::BASE62));
}

#[test]
fn a_field_nobody_knows_is_refused() {
    assert_refused(&format!("colour = \"blue\"\n{POLICY}"));
    assert_refused(&POLICY.replace("prefix =", "Prefix ="));
    assert_refused(&format!("{POLICY}burst = 3\n"));
    assert_refused(&POLICY.replace("manage =", "manages ="));
    assert_refused(&POLICY.replace("max = 1 }", "max = 1, most = 2 }"));
}

#[test]
fn what_is_no_toml_is_refused() {
    assert_refused("token = ");
    assert_refused(&format!("{POLICY}\n[scopes.read]\nmanage = []\n"));
    assert_refused(&with("active_key_cap", "active_key_cap = \"many\""));
    assert_refused(&with("environments", "environments = \"live\""));
}

#[test]
fn a_secret_part_under_128_bits_beside_its_hint_is_refused() {
    // The 4 characters of the hint are known: 128 bits must be left in the others.
    for (alphabet, least) in [("base62", 26), ("base58", 26), ("base36", 29), ("hex", 36)] {
        let policy = |length: usize| {
            with(
                "token",
                &format!("token = \"{{prefix}}_{{env}}_{{short:12}}{{secret:{length}}}\""),
            )
            .replace("\"base62\"", &format!("\"{alphabet}\""))
        };
        assert_refused(&policy(least - 1));
        let sandbox = Sandbox::new();
        let path = sandbox.file("policy.toml", &policy(least));
        sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([path]).ok();
        let secret = sandbox.mint("ci");
        assert_eq!(secret.len(), "acme_live_".len() + 12 + least);
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}

#[test]
fn a_template_that_mixes_up_environments_is_refused() {
    let without_environment = with("token", "token = \"{prefix}_{short:12}{secret:32}{crc}\"");
    assert_refused(&without_environment);
    let sandbox = Sandbox::new();
    let one_environment = without_environment
        .replace("environments = [\"live\", \"test\"]", "environments = [\"live\"]");
    let path = sandbox.file("policy.toml", &one_environment);
    sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([path]).ok();
    let secret = sandbox.mint("ci");
    assert!(secret.starts_with("acme_") && !secret.contains("live"), "{secret}");
}

#[test]
fn a_template_that_cannot_be_read_is_refused() {
    let templates = [
        "",
        "{prefix}_{env}_{short:12}{crc}",
        "{prefix}_{env}_{short:12}{secret:32}{secret:32}",
        "{prefix}_{env}_{short:12}{secret}",
        "{prefix}_{env}_{short:twelve}{secret:32}",
        "{prefix}_{env}_{short:12}{secret:32",
        "{prefix}_{env}_{short:12}{secret:32}}",
        "{prefix}_{env}_{colour}_{short:12}{secret:32}",
        "{prefix} {env} {short:12}{secret:32}",
        "{prefix}/{env}/{short:12}{secret:32}",
        "{prefix}_{env}_{short:12}{secret:0}",
        "{prefix}_{env}_{short:12}{secret:4294967328}",
        "schlüssel_{env}_{short:12}{secret:32}",
        "{prefix}_{env}_{crc}{short:12}{secret:32}",
    ];
    for template in templates {
        assert_refused(&with("token", &format!("token = \"{template}\"")));
    }
}

#[test]
fn fields_that_contradict_each_other_are_refused() {
    assert_refused(&with("scopes_per_key", "scopes_per_key = { min = 2, max = 1 }"));
    assert_refused(&with("scopes_per_key", "scopes_per_key = { min = 2, max = 2 }"));
    assert_refused(&with("environments", "environments = []"));
    assert_refused(&with("environments", "environments = [\"live\", \"live\"]"));
}

#[test]
fn a_default_lifetime_beyond_the_maximum_is_refused() {
    // Every mint without --expires would be refused otherwise.
    assert_refused(&with("default_lifetime", "default_lifetime = \"91d\""));
}

#[test]
fn values_out_of_range_are_refused() {
    assert_refused(&with("alphabet", "alphabet = \"base64\""));
    assert_refused(&with("revoke_by", "revoke_by = \"prefix\""));
    assert_refused(&with("rotation_grace", "rotation_grace = \"soon\""));
    assert_refused(&with("maximum_lifetime", "maximum_lifetime = \"-1d\""));
    assert_refused(&with("active_key_cap", "active_key_cap = -1"));
    assert_refused(&with("environments", "environments = [\"live\", \"te st\"]"));
    assert_refused(&with("prefix", "prefix = \"ac me\""));
    assert_refused(&with("manage", "manage = [\"everything\"]"));
    assert_refused(&with("rate", "rate = \"10/fortnight\""));
    assert_refused(&with("rate", "rate = \"0/minute\""));
    assert_refused(&with("quota", "quota = -1"));
}

#[test]
fn flags_are_held_to_the_same_rules() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    let before = sandbox.keyward(["workspace", "show", "acme"]).answer();
    let wrong: [&[&str]; 4] = [
        &["--token", "{prefix}_{env}_{secret:10}"],
        &["--token", "{prefix}_{short:12}{secret:32}"],
        &["--environments", "live,live"],
        &["--prefix", "ac me"],
    ];
    for flags in wrong {
        sandbox.keyward(["workspace", "set", "acme"]).args(flags).refused(2, "invalid_policy");
        sandbox.keyward(["workspace", "create", "other"]).args(flags).refused(2, "invalid_policy");
    }
    assert_eq!(sandbox.keyward(["workspace", "show", "acme"]).answer(), before);
}

#[test]
fn the_checksum_is_written_in_the_policys_alphabet() {
    // Base58 has no 0, O, I and l, and needs 6 digits for 32 bits like base62.
    let base58: String =
        token::BASE62.chars().filter(|character| !"0OIl".contains(*character)).collect();
    let alphabets = [
        ("base62", token::BASE62),
        ("base36", token::BASE36),
        ("hex", token::HEX),
        ("base58", base58.as_str()),
    ];
    for (name, digits) in alphabets {
        let sandbox = Sandbox::with_workspace(
            "acme",
            &["--alphabet", name, "--token", "{prefix}_{env}_{short:12}{secret:40}{crc}"],
        );
        for place in 0..5 {
            let secret = sandbox.mint(&format!("key {place}"));
            let (_, random) = secret.rsplit_once('_').expect("the template has two of them");
            assert!(
                random.chars().all(|character| digits.contains(character)),
                "{secret} is not {name}"
            );
            let body = &secret[.."kw_live_".len() + 52];
            assert_eq!(secret, format!("{body}{}", token::checksum(body, digits)), "{name}");
        }
    }
}

#[test]
fn a_small_checksum_keeps_its_leading_zeros() {
    // Found by counting up; the CRC-32 of each body is under 62^4, so two zeros lead.
    let sandbox = Sandbox::with_keys(&["ci"]);
    let bodies = (0..200_000_u32).map(|number| format!("kw_live_{number:012}{:032}", 1));
    let small = bodies
        .map(|body| (token::checksum(&body, token::BASE62), body))
        .find(|(sum, _)| sum.starts_with("00"));
    let (sum, body) = small.expect("one in 290 begins with two zeros");
    sandbox.verdict(&format!("{body}{sum}"), &[], 10, "not_found");
    sandbox.verdict(&format!("{body}{}", sum.trim_start_matches('0')), &[], 10, "malformed");
}

#[test]
fn the_policy_printed_for_people_is_the_one_in_force() {
    let sandbox = Sandbox::new();
    let path = sandbox.file("policy.toml", POLICY);
    sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([path]).ok();
    let printed = sandbox.keyward(["workspace", "show", "acme", "--policy"]).ok().stdout;
    let document = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert!(printed.contains(&text(&document["policy"], "token")), "{printed}");
    assert!(printed.contains("10/minute"), "{printed}");
}
