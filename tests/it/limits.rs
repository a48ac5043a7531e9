//! Rates and monthly quotas, as `keyward verify` holds keys to them one call at a time.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::counts::{counts, credits, not_around_midnight};
use crate::support::files::set_mode;
use crate::support::ordinary::Ordinary;
use crate::support::stream::{answers, each};
use crate::support::time::{SECOND, milliseconds, now};
use crate::support::{Sandbox, text};

/// A workspace of the `audioscrape` preset, on this plan or on its default one.
fn audioscrape(sandbox: &Sandbox, plan: Option<&str>) {
    sandbox.workspace("account", &["--preset", "audioscrape"]);
    if let Some(plan) = plan {
        set_plan(sandbox, plan);
    }
}

fn set_plan(sandbox: &Sandbox, plan: &str) {
    sandbox.keyward(["workspace", "set", "--plan", plan]).ok();
}

/// A workspace `acme` whose policy has these plans, of which the first is the default.
fn planned(sandbox: &Sandbox, plans: &[(&str, &str)]) {
    let mut policy = format!(
        "environments = [\"live\", \"test\"]\ndefault_plan = \"{}\"\nscopes_per_key = {{ min = 0, max = 2 }}\n\
         [scopes.read]\nmanage = []\n[scopes.write]\nmanage = []\n",
        plans[0].0
    );
    for (name, limits) in plans {
        policy += &format!("[plans.{name}]\n{limits}\n");
    }
    let policy = sandbox.file("policy.toml", &policy);
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    create.args([policy]).ok();
}

/// Asserts a refusal by a limit and returns its `retryAfter`, which is `null` where waiting is no use.
#[track_caller]
fn limited(verdict: &Value, remaining: u64) -> &Value {
    assert_eq!(verdict["remaining"], remaining, "{verdict:#}");
    assert_eq!(verdict["subject"]["status"], "active", "{verdict:#}");
    &verdict["retryAfter"]
}

/// The seconds that are left of this UTC month.
fn left_of_the_month(today: &str) -> i64 {
    let part = |from: usize, to: usize| today[from..to].parse::<i64>().expect("digits");
    let (year, month) = (part(0, 4), part(5, 7));
    let first = format!("{:04}-{:02}-01", year + month / 12, month % 12 + 1);
    (milliseconds(&format!("{first}T00:00:00.000Z")) - now()) / SECOND
}

#[test]
fn the_eleventh_call_of_a_key_in_a_minute_is_refused_on_the_free_plan() {
    let sandbox = Sandbox::new();
    audioscrape(&sandbox, None);
    let secret = sandbox.mint("app");
    for left in (0..10).rev() {
        let verdict = sandbox.verdict(&secret, &[], 0, "valid");
        assert_eq!(
            (&verdict["remaining"], &verdict["retryAfter"]),
            (&json!(left), &Value::Null),
            "{verdict:#}"
        );
    }
    for _ in 0..3 {
        let verdict = sandbox.verdict(&secret, &[], 15, "rate_limited");
        let wait = limited(&verdict, 0).as_u64().expect("seconds");
        assert!((1..=6).contains(&wait), "{verdict:#}");
        assert_eq!(verdict["recorded"], true, "{verdict:#}");
    }
    let people = sandbox.keyward(["verify"]).stdin(&secret).exit(15);
    assert!(people.stdout.contains("rate_limited"), "{}", people.transcript());
    // A second key has a rate of its own.
    let other = sandbox.mint("other");
    let verdict = sandbox.verdict(&other, &[], 0, "valid");
    assert_eq!(verdict["remaining"], 9);
    let counted = counts(&sandbox, "app");
    assert_eq!((counted.valid, counted.credits), (10, 10));
    assert_eq!(counted.refused["rate_limited"], 4);
    assert_eq!(credits(&sandbox, "account"), 11, "a refusal took credits");
}

#[test]
fn the_months_hundred_credits_are_shared_by_the_keys_of_a_free_workspace() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    audioscrape(&sandbox, None);
    let minted = sandbox.keyward(["mint", "app", "--count", "11"]).ok();
    let secrets: Vec<&str> = minted.stdout.lines().collect();
    for (number, secret) in secrets[..10].iter().enumerate() {
        let verdict = sandbox.verdict(secret, &["--cost", "10"], 0, "valid");
        let left = 90 - 10 * number;
        // The rate's nine are the tighter limit until the credits are fewer.
        assert_eq!(verdict["remaining"], left.min(9), "{verdict:#}");
    }
    let today = text(&sandbox.show("app-1"), "lastUsedAt");
    for secret in [secrets[10], secrets[0]] {
        let verdict = sandbox.verdict(secret, &[], 15, "quota_exceeded");
        let wait = limited(&verdict, 0).as_i64().expect("seconds");
        let expected = left_of_the_month(&today);
        assert!((wait - expected).abs() < 30, "{wait} is not about {expected}");
    }
    // What costs nothing can still be had.
    sandbox.verdict(secrets[10], &["--cost", "0"], 0, "valid");
    assert_eq!(credits(&sandbox, "account"), 100);
}

#[test]
fn the_pro_plan_takes_a_hundred_a_minute_and_enterprise_any_number() {
    let sandbox = Sandbox::new();
    audioscrape(&sandbox, Some("pro"));
    let secret = sandbox.mint("app");
    let asked = format!("{secret}\n").repeat(101);
    let dear = json!({"key": secret, "cost": 10_001});
    let verdicts = answers(&sandbox, &[], format!("{asked}{dear}\n"));
    let codes = each(&verdicts, "code");
    assert!(codes[..100].iter().all(|code| code == "valid"), "{codes:?}");
    assert_eq!(codes[100], "rate_limited");
    assert_eq!(verdicts[0]["remaining"], 99);
    assert_eq!(verdicts[100]["retryAfter"], 1);
    assert_eq!(verdicts[101]["code"], "rate_limited", "the rate is asked first");
    assert_eq!(verdicts[101]["retryAfter"], 1);

    set_plan(&sandbox, "enterprise");
    let verdicts = answers(&sandbox, &[], &asked);
    for verdict in &verdicts {
        assert_eq!(verdict["code"], "valid", "{verdict:#}");
        assert_eq!(verdict["remaining"], Value::Null);
        assert_eq!(verdict["retryAfter"], Value::Null);
    }
    let verdict = sandbox.verdict(&secret, &["--cost", "4294967295"], 0, "valid");
    assert_eq!(verdict["remaining"], Value::Null);
}

#[test]
fn a_cost_counts_against_the_quota_and_not_against_the_rate() {
    let sandbox = Sandbox::new();
    planned(&sandbox, &[("only", "rate = \"4/hour\"\nquota = 1000")]);
    let secret = sandbox.mint("ci");
    for left in [3, 2, 1] {
        let verdict = sandbox.verdict(&secret, &["--cost", "300"], 0, "valid");
        assert_eq!(verdict["remaining"], left, "{verdict:#}");
    }
    // 100 credits are left, and the refusal takes none of them, nor of the rate.
    let verdict = sandbox.verdict(&secret, &["--cost", "101"], 15, "quota_exceeded");
    assert_eq!(verdict["remaining"], 1, "the tighter of 1 and 100");
    let verdict = sandbox.verdict(&secret, &["--cost", "100"], 0, "valid");
    assert_eq!(verdict["remaining"], 0);
    sandbox.verdict(&secret, &["--cost", "0"], 15, "rate_limited");
    let counted = counts(&sandbox, "ci");
    assert_eq!((counted.valid, counted.credits), (4, 1000));
    assert_eq!(credits(&sandbox, "acme"), 1000);
}

#[test]
fn what_costs_more_than_the_whole_quota_never_passes_and_says_so() {
    let sandbox = Sandbox::new();
    planned(&sandbox, &[("only", "quota = 10")]);
    let secret = sandbox.mint("ci");
    let verdict = sandbox.verdict(&secret, &["--cost", "11"], 15, "quota_exceeded");
    assert_eq!(limited(&verdict, 10), &Value::Null);
    let verdict = sandbox.verdict(&secret, &["--cost", "10"], 0, "valid");
    assert_eq!(verdict["remaining"], 0);
    let verdict = sandbox.verdict(&secret, &["--cost", "10"], 15, "quota_exceeded");
    assert!(limited(&verdict, 0).as_u64() > Some(0), "{verdict:#}");
    let verdict = sandbox.verdict(&secret, &["--cost", "4294967295"], 15, "quota_exceeded");
    assert_eq!(limited(&verdict, 0), &Value::Null);
    for wrong in ["-1", "1.5", "4294967296", "much"] {
        sandbox.keyward(["verify", &format!("--cost={wrong}")]).stdin(&secret).refused(2, "usage");
    }
}

#[test]
fn every_other_reason_comes_before_the_rate_and_the_rate_before_the_quota() {
    let sandbox = Sandbox::new();
    planned(&sandbox, &[("only", "rate = \"1/day\"\nquota = 1")]);
    let flags = ["--scope", "read", "--allow", "203.0.113.0/24"];
    let secret = sandbox.mint_with("ci", &flags);
    let other = sandbox.mint_with("other", &flags);
    let at = ["--ip", "203.0.113.7"];
    sandbox.verdict(&secret, &at, 0, "valid");
    // The first key has neither left, the second only the rate.
    let verdict = sandbox.verdict(&secret, &at, 15, "rate_limited");
    assert!(verdict["retryAfter"].as_u64() > Some(86_000), "{verdict:#}");
    sandbox.verdict(&other, &at, 15, "quota_exceeded");
    let scope = [&at[..], &["--require", "write"]].concat();
    sandbox.verdict(&secret, &scope, 14, "insufficient_scope");
    sandbox.verdict(&secret, &[], 14, "ip_denied");
    sandbox.verdict(&secret, &["-e", "test"], 14, "wrong_environment");
    sandbox.keyward(["set", "ci", "--expires", "1s"]).ok();
    sandbox.wait_for_verdict(&secret, 12);
    sandbox.verdict(&secret, &at, 12, "expired");
    sandbox.keyward(["disable", "other"]).ok();
    sandbox.verdict(&other, &at, 13, "disabled");
    sandbox.keyward(["revoke", "other", "--yes"]).ok();
    sandbox.verdict(&other, &at, 11, "revoked");
    assert_eq!(credits(&sandbox, "acme"), 1);
}

#[test]
fn a_refused_request_costs_nothing_of_a_limit() {
    let sandbox = Sandbox::new();
    planned(&sandbox, &[("only", "rate = \"2/hour\"\nquota = 5")]);
    let secret = sandbox.mint("ci");
    for _ in 0..6 {
        sandbox.verdict(&secret, &["-e", "test"], 14, "wrong_environment");
        sandbox.verdict(&secret, &["--require", "read"], 14, "insufficient_scope");
    }
    sandbox.keyward(["disable", "ci"]).ok();
    sandbox.verdict(&secret, &[], 13, "disabled");
    sandbox.keyward(["enable", "ci"]).ok();
    assert_eq!(credits(&sandbox, "acme"), 0);
    let verdict = sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(verdict["remaining"], 1);
    let counted = counts(&sandbox, "ci");
    assert_eq!(counted.valid, 1);
    let expected = [("disabled", 1), ("insufficient_scope", 6), ("wrong_environment", 6)];
    let expected = expected.map(|(code, count)| (code.to_owned(), count));
    assert_eq!(counted.refused, expected.into());
}

#[test]
fn no_record_takes_nothing_and_still_says_when_a_key_is_limited() {
    let sandbox = Sandbox::new();
    planned(&sandbox, &[("only", "rate = \"2/hour\"\nquota = 3")]);
    let secret = sandbox.mint("ci");
    for _ in 0..4 {
        let verdict = sandbox.verdict(&secret, &["--no-record"], 0, "valid");
        assert_eq!(verdict["remaining"], 2, "{verdict:#}");
        assert_eq!(verdict["recorded"], false, "{verdict:#}");
    }
    sandbox.verdict(&secret, &["--cost", "2"], 0, "valid");
    let verdict = sandbox.verdict(&secret, &["--no-record", "--cost", "2"], 15, "quota_exceeded");
    assert_eq!(verdict["remaining"], 1);
    let verdict = sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(verdict["remaining"], 0);
    for _ in 0..2 {
        let verdict = sandbox.verdict(&secret, &["--no-record"], 15, "rate_limited");
        assert_eq!(verdict["recorded"], false, "{verdict:#}");
        assert!(limited(&verdict, 0).as_u64() > Some(0), "{verdict:#}");
    }
    let counted = counts(&sandbox, "ci");
    assert_eq!((counted.valid, counted.credits), (2, 3));
    assert!(counted.refused.is_empty(), "{counted:?}");
}

#[test]
fn after_the_seconds_it_was_told_to_wait_a_key_passes_again() {
    let sandbox = Sandbox::new();
    planned(&sandbox, &[("only", "rate = \"2/second\"")]);
    let secret = sandbox.mint("ci");
    for _ in 0..2 {
        // At once, or the rate gives back what is taken: all lines are of one moment.
        let verdicts = answers(&sandbox, &[], format!("{secret}\n").repeat(3));
        assert_eq!(each(&verdicts, "code"), ["valid", "valid", "rate_limited"]);
        let wait = limited(&verdicts[2], 0).as_u64().expect("seconds");
        assert_eq!(wait, 1, "half a second is rounded up");
        thread::sleep(Duration::from_secs(wait));
        let verdict = sandbox.verdict(&secret, &["--no-record"], 0, "valid");
        assert_eq!(verdict["remaining"], 2, "{verdict:#}");
    }
}

#[test]
fn a_plan_of_another_rate_goes_on_with_what_is_used() {
    let sandbox = Sandbox::new();
    planned(
        &sandbox,
        &[
            ("slow", "rate = \"1/hour\""),
            ("fast", "rate = \"3/hour\""),
            ("same", "rate = \"1/hour\"\nquota = 100"),
        ],
    );
    let secret = sandbox.mint("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.verdict(&secret, &[], 15, "rate_limited");
    // The state belongs to the rate, and not to the plan's name.
    set_plan(&sandbox, "same");
    sandbox.verdict(&secret, &[], 15, "rate_limited");
    set_plan(&sandbox, "fast");
    sandbox.verdict(&secret, &[], 15, "rate_limited");
    let other = sandbox.mint("other");
    let verdict = sandbox.verdict(&other, &[], 0, "valid");
    assert_eq!(verdict["remaining"], 2, "{verdict:#}");
}

#[test]
fn a_quota_belongs_to_its_workspace_alone() {
    let sandbox = Sandbox::new();
    planned(&sandbox, &[("only", "quota = 3")]);
    let policy = sandbox.home().join("policy.toml");
    let create = sandbox.keyward(["workspace", "create", "zenith", "--policy"]);
    create.args([policy]).ok();
    let mint = |name, workspace| sandbox.mint_with(name, &["-w", workspace]);
    let (one, two) = (mint("one", "acme"), mint("two", "acme"));
    let far = mint("far", "zenith");
    for (secret, left) in [(&one, 2), (&two, 1), (&one, 0)] {
        let verdict = sandbox.verdict(secret, &[], 0, "valid");
        assert_eq!(verdict["remaining"], left, "{verdict:#}");
    }
    sandbox.verdict(&two, &[], 15, "quota_exceeded");
    let verdict = sandbox.verdict(&far, &[], 0, "valid");
    assert_eq!(verdict["remaining"], 2, "{verdict:#}");
    // A key that is minted later finds what is left, and revoking gives nothing back.
    sandbox.keyward(["revoke", "one", "-w", "acme", "--yes"]).ok();
    sandbox.verdict(&mint("three", "acme"), &[], 15, "quota_exceeded");
}

#[test]
fn credits_spent_on_a_plan_without_a_quota_count_when_it_gets_one() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    audioscrape(&sandbox, Some("enterprise"));
    let secret = sandbox.mint("app");
    for _ in 0..2 {
        sandbox.verdict(&secret, &["--cost", "47"], 0, "valid");
    }
    set_plan(&sandbox, "free");
    let verdict = sandbox.verdict(&secret, &["--no-record"], 0, "valid");
    assert_eq!(verdict["remaining"], 6, "{verdict:#}");
    sandbox.verdict(&secret, &["--cost", "7"], 15, "quota_exceeded");
    sandbox.verdict(&secret, &["--cost", "6"], 0, "valid");
    sandbox.verdict(&secret, &[], 15, "quota_exceeded");
    // More than the quota may have been spent when it comes to hold; what costs nothing still passes then.
    set_plan(&sandbox, "enterprise");
    sandbox.verdict(&secret, &["--cost", "1000"], 0, "valid");
    set_plan(&sandbox, "free");
    let verdict = sandbox.verdict(&secret, &[], 15, "quota_exceeded");
    assert!(limited(&verdict, 0).as_u64() > Some(0), "{verdict:#}");
    sandbox.verdict(&secret, &["--cost", "0"], 0, "valid");
}

/// Asks as the ordinary user and asserts the exit status.
fn asked(user: &Ordinary, secret: &str, exit: i32) -> Value {
    let run = user.keyward(["--json", "verify"]).stdin(secret);
    run.exit(exit).json()
}

#[test]
fn a_store_that_can_only_be_read_answers_for_limited_keys_and_takes_nothing() {
    let Some(user) = Ordinary::new() else { return };
    let create = ["workspace", "create", "account", "--preset", "audioscrape"];
    user.keyward(create).ok();
    let mint = |name| user.keyward(["mint", name]).ok().line();
    let (fresh, spent) = (mint("fresh"), mint("spent"));
    let burst = user.keyward(["verify", "--stream"]);
    burst.stdin(format!("{spent}\n").repeat(10)).ok();
    // A change that is the last to close leaves no log behind, so that nothing is needed beside the file.
    mint("last");
    let store = user.sandbox.store_path();
    let folder = store.parent().expect("the store has a folder");
    for (file_mode, folder_mode) in [(0o400, 0o700), (0o600, 0o500), (0o400, 0o500)] {
        set_mode(&store, file_mode);
        set_mode(folder, folder_mode);
        for _ in 0..3 {
            let verdict = asked(&user, &fresh, 0);
            assert_eq!(verdict["code"], "valid", "{verdict:#}");
            assert_eq!(verdict["recorded"], false, "{verdict:#}");
            assert_eq!(verdict["remaining"], 10, "{verdict:#}");
        }
        let limited = asked(&user, &spent, 15);
        assert_eq!(limited["code"], "rate_limited", "{limited:#}");
        assert_eq!(limited["recorded"], false, "{limited:#}");
        let stream = user.keyward(["verify", "--stream"]);
        let output = stream.stdin(format!("{fresh}\n{spent}\n")).ok();
        let lines: Vec<&str> = output.stdout.lines().collect();
        assert!(lines[0].contains("\"valid\":true"), "{}", lines[0]);
        assert!(lines[1].contains("\"rate_limited\""), "{}", lines[1]);
    }
    set_mode(folder, 0o700);
    set_mode(&store, 0o600);
    let verdict = asked(&user, &fresh, 0);
    assert_eq!(verdict["recorded"], true, "{verdict:#}");
    assert_eq!(verdict["remaining"], 9, "{verdict:#}");
    // That call left its count in the log, where it is found as well.
    set_mode(&store, 0o400);
    set_mode(folder, 0o500);
    let verdict = asked(&user, &fresh, 0);
    assert_eq!(verdict["recorded"], false, "{verdict:#}");
    assert_eq!(verdict["remaining"], 9, "{verdict:#}");
    set_mode(folder, 0o700);
    set_mode(&store, 0o600);
}
