//! `keyward mint`: names that are refused, taken and released, and the cap on live keys.

use crate::support::{Sandbox, text};

#[test]
fn a_name_has_one_to_sixty_four_characters() {
    let sandbox = Sandbox::new();
    let longest = "n".repeat(64);
    let longest_in_greek = "λ".repeat(64);
    sandbox.mint(&longest);
    sandbox.mint(&longest_in_greek);
    sandbox.mint("x");
    for name in ["", &"n".repeat(65), &"λ".repeat(65)] {
        sandbox.refuses(&["mint", name], 2, "invalid_name");
    }
    assert_eq!(sandbox.listed(&["--all"]), [longest, "x".to_owned(), longest_in_greek]);
}

#[test]
fn a_name_has_no_characters_that_deceive_the_eye() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let deceiving = [
        " ci",
        "ci ",
        "\u{3000}ci",
        "c\ti",
        "c\ni",
        "c\ri",
        "c\u{1b}[31mi",
        "c\u{7f}i",
        "c\u{9b}i",
        "c\u{202e}i",
        "c\u{2066}i",
        "c\u{200f}i",
        "c\u{61c}i",
        "c\u{200b}i",
        "c\u{200d}i",
        "c\u{2060}i",
        "\u{feff}ci",
    ];
    for name in deceiving {
        let error = sandbox.keyward(["mint", name]).refused(2, "invalid_name");
        let message = text(&error, "message");
        let is_raw = |character: char| {
            character.is_control() || ('\u{200b}'..='\u{206f}').contains(&character)
        };
        assert!(!message.contains(is_raw), "the error shows the name {name:?} raw: {message:?}");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}

#[test]
fn a_name_is_taken_per_environment() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let error = sandbox.keyward(["mint", "ci"]).refused(4, "name_taken");
    assert!(
        text(&error, "message").contains("ci"),
        "the message does not name the name: {error:#}"
    );
    sandbox.mint_with("ci", &["-e", "test"]);
    assert_eq!(sandbox.listed(&["--all"]), ["ci", "ci"]);
}

#[test]
fn a_name_is_kept_by_a_pending_and_a_disabled_key_and_released_by_a_revoked_one() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("held", &["--hold"]);
    sandbox.mint("paused");
    sandbox.mint("gone");
    sandbox.keyward(["disable", "paused"]).ok();
    sandbox.keyward(["revoke", "gone", "--yes"]).ok();
    sandbox.refuses(&["mint", "held"], 4, "name_taken");
    sandbox.refuses(&["mint", "paused"], 4, "name_taken");
    sandbox.mint("gone");
}

#[test]
fn an_expired_key_releases_its_name() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--expires", "1s"]);
    sandbox.wait_for_verdict(&secret, 12);
    sandbox.mint("ci");
}

#[test]
fn the_cap_counts_active_pending_and_disabled_keys() {
    let sandbox = Sandbox::with_workspace("acme", &["--active-key-cap", "3"]);
    sandbox.mint("active");
    sandbox.mint_with("pending", &["--hold", "-e", "test"]);
    sandbox.mint("disabled");
    sandbox.keyward(["disable", "disabled"]).ok();
    let error = sandbox.keyward(["mint", "more"]).refused(5, "limit_reached");
    assert!(text(&error, "message").contains('3'), "the message does not name the cap: {error:#}");
    assert_eq!(sandbox.listed(&["--all"]), ["active", "disabled", "pending"]);
    sandbox.keyward(["revoke", "pending", "--yes"]).ok();
    sandbox.mint("more");
}
