//! `keyward show`: what a key's limits leave it, when a pending one lapses, and which key replaced which.

use serde_json::json;

use crate::support::time::{assert_about, milliseconds, now};
use crate::support::{Sandbox, moment, text};

const LIMITED: &str =
    "default_plan = \"free\"\n[plans.free]\nrate = \"3/hour\"\nquota = 100\n[plans.open]\n";

#[test]
fn rate_and_quota_say_what_is_left_and_when_they_are_whole_again() {
    let sandbox = Sandbox::with_policy("acme", LIMITED);
    let secret = sandbox.mint("ci");
    let limits = |sandbox: &Sandbox| sandbox.keyward(["show", "ci"]).answer()["limits"].clone();
    let fresh = limits(&sandbox);
    let rate = json!({ "limit": "3/hour", "remaining": 3, "wholeAt": null });
    assert_eq!(fresh["rate"], rate);
    assert_eq!(
        (&fresh["quota"]["limit"], &fresh["quota"]["remaining"]),
        (&json!(100), &json!(100))
    );
    assert!(milliseconds(&text(&fresh["quota"], "resetsAt")) > now());
    let verdict = sandbox.verdict(&secret, &["--cost", "5"], 0, "valid");
    let used = limits(&sandbox);
    assert_eq!(used["rate"]["remaining"], verdict["remaining"]);
    assert_eq!(used["quota"]["remaining"], 95);
    assert_about(moment(&used["rate"], "wholeAt"), now() + 20 * 60 * 1000);
    let told = sandbox.keyward(["show", "ci"]).ok().stdout;
    assert!(told.contains("3/hour: 2 left, full again in 20 minutes"), "{told}");
    assert!(told.contains("95 of 100 credits left this month; resets in "), "{told}");
    // A rotation inherits what is used.
    sandbox.keyward(["rotate", "ci", "--now"]).ok();
    assert_eq!(limits(&sandbox)["rate"]["remaining"], 2);
    sandbox.keyward(["workspace", "set", "--plan", "open"]).ok();
    assert_eq!(limits(&sandbox), json!({ "rate": null, "quota": null }));
    let told = sandbox.keyward(["show", "ci"]).ok().stdout;
    assert!(!told.contains("left"), "{told}");
}

#[test]
fn a_pending_key_says_when_it_lapses() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("held", &["--hold"]);
    let told = sandbox.keyward(["show", "held"]).ok().stdout;
    let line = told.lines().find(|line| line.starts_with("lapses"));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains("in 24 hours") && line.contains("activated"), "{told}");
    sandbox.mint("live");
    let told = sandbox.keyward(["show", "live"]).ok().stdout;
    assert!(!told.contains("lapses"), "{told}");
}

#[test]
fn each_of_two_rotated_keys_says_what_the_other_is() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci", "--grace", "3h"]).ok();
    let new = sandbox.id_of("ci");
    let line = |id: &str, word: &str| {
        let told = sandbox.keyward(["show", id]).ok().stdout;
        let line = told.lines().find(|line| line.starts_with(word));
        line.unwrap_or_else(|| panic!("no {word}: {told}")).to_owned()
    };
    let replaces = line(&new, "replaces");
    assert!(replaces.ends_with(&format!("{old} (active, expires in 3 hours)")), "{replaces}");
    assert!(line(&old, "replaced by").ends_with(&format!("{new} (active)")));
    sandbox.keyward(["revoke", &old, "--yes"]).ok();
    assert!(line(&new, "replaces").ends_with("(revoked now)"));
    let prune = ["prune", "--dead-for", "0s", "--yes"];
    sandbox.keyward(prune).ok();
    assert!(line(&new, "replaces").ends_with("(no record)"));
}
