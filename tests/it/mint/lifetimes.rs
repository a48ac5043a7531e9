//! `keyward mint`: expiry by flag and by policy.

use serde_json::Value;

use crate::support::time::{DAY, HOUR, SECOND};
use crate::support::{Sandbox, moment};

#[test]
fn an_expiry_may_be_a_time_a_date_or_never() {
    let sandbox = Sandbox::new();
    let forms = [
        ("2101-02-03T04:05:06Z", "2101-02-03T04:05:06.000Z"),
        ("2101-02-03T04:05:06.789+02:00", "2101-02-03T02:05:06.789Z"),
        ("2101-02-03", "2101-02-03T00:00:00.000Z"),
    ];
    for (place, (when, expected)) in forms.into_iter().enumerate() {
        let key = sandbox.keyward(["mint", &format!("key {place}"), "--expires", when]).answer();
        assert_eq!(key["expiresAt"], expected, "--expires {when}");
    }
    let key = sandbox.keyward(["mint", "for ever", "--expires", "never"]).answer();
    assert_eq!(key["expiresAt"], Value::Null);
}

#[test]
fn an_expiry_may_be_a_duration() {
    let sandbox = Sandbox::new();
    let forms = [
        ("45s", 45 * SECOND..=45 * SECOND),
        ("30m", HOUR / 2..=HOUR / 2),
        ("24h", DAY..=DAY),
        ("7d", 7 * DAY..=7 * DAY),
        ("90d", 90 * DAY..=90 * DAY),
        ("1w", 7 * DAY..=7 * DAY),
        ("1mo", 28 * DAY..=31 * DAY),
        ("1y", 365 * DAY..=366 * DAY),
        ("1d12h", 36 * HOUR..=36 * HOUR),
        ("1w2d3h", 9 * DAY + 3 * HOUR..=9 * DAY + 3 * HOUR),
    ];
    for (when, expected) in forms {
        let key = sandbox.keyward(["mint", when, "--expires", when]).answer();
        let lifetime = moment(&key, "expiresAt") - moment(&key, "createdAt");
        assert!(expected.contains(&lifetime), "--expires {when} made a lifetime of {lifetime} ms");
    }
}

#[test]
fn an_expiry_in_the_past_is_refused_and_an_unreadable_one_is_a_usage_error() {
    let sandbox = Sandbox::with_keys(&["first"]);
    for when in ["2001-02-03", "2001-02-03T04:05:06Z"] {
        sandbox.refuses(&["mint", "ci", "--expires", when], 5, "invalid_expiry");
    }
    for when in ["", "90", "1.5d", "90D", "2027-13-01", "tomorrow", "1d 1x"] {
        sandbox.refuses(&["mint", "ci", "--expires", when], 2, "usage");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["first"]);
}

#[test]
fn the_policy_gives_a_default_lifetime_and_a_maximum() {
    let sandbox = Sandbox::with_workspace(
        "acme",
        &["--default-lifetime", "30d", "--maximum-lifetime", "60d"],
    );
    let key = sandbox.keyward(["mint", "default"]).answer();
    assert_eq!(moment(&key, "expiresAt") - moment(&key, "createdAt"), 30 * DAY);
    let key = sandbox.keyward(["mint", "longest", "--expires", "60d"]).answer();
    assert_eq!(moment(&key, "expiresAt") - moment(&key, "createdAt"), 60 * DAY);
    for when in ["61d", "never", "2101-01-01"] {
        sandbox.refuses(&["mint", "ci", "--expires", when], 5, "invalid_expiry");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["default", "longest"]);
}

#[test]
fn a_maximum_lifetime_holds_when_no_expiry_is_given() {
    let sandbox = Sandbox::with_workspace("acme", &["--maximum-lifetime", "60d"]);
    // Refusing and giving the longest allowed lifetime both keep the policy's word; a key without an expiry does not.
    let output = sandbox.keyward(["mint", "ci"]).run();
    if output.status == 0 {
        let key = sandbox.show("ci");
        assert!(moment(&key, "expiresAt") - moment(&key, "createdAt") <= 60 * DAY, "{key:#}");
    } else {
        assert_eq!(output.status, 5, "{}", output.transcript());
    }
}
