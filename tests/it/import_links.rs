//! The links between a key and the one that replaces it: which of them `keyward store import` takes, what `keyward store check`
//! finds, and that no command follows one into another workspace.

use serde_json::{Value, json};

use crate::import_differs::{lines, records};
use crate::support::{Sandbox, text};
use crate::transfer::{foreign, import, line};

/// An id that ends in this letter.
fn id(letter: char) -> String {
    format!("key_{}", letter.to_string().repeat(16))
}

/// A line of the workspace `acme` for the key of this letter.
fn key(letter: char, more: &Value) -> String {
    let mut fields = json!({"id": id(letter), "workspace": "acme", "environment": "live"});
    let all = fields.as_object_mut().expect("an object");
    all.extend(more.as_object().cloned().unwrap_or_default());
    line("ci", &foreign(letter as usize), &fields)
}

/// A pending key that waits to replace another without a grace.
fn waiting(letter: char, old: char) -> String {
    let more = json!({"status": "pending", "replaces": id(old), "graceMillis": 0});
    key(letter, &more)
}

/// The two lines of a rotation whose grace goes on: of the old key and of the new.
fn rotation(old: char, new: char) -> [String; 2] {
    let more = json!({"replacedBy": id(new), "expiresAt": "2999-01-01"});
    let newer = json!({"replaces": id(old), "graceMillis": 1000});
    [key(old, &more), key(new, &newer)]
}

fn in_place(line: &str, field: &str, value: &str) -> String {
    let mut line: Value = serde_json::from_str(line).expect("a line");
    line[field] = json!(value);
    line.to_string() + "\n"
}

/// A store with two workspaces, which have the environments `live` and `test`.
fn with_two_workspaces() -> Sandbox {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("other", &[]);
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    sandbox
}

#[test]
fn links_hold_in_whatever_order_their_lines_come() {
    let [old, new] = rotation('a', 'b');
    let pending = key('a', &json!({})) + &waiting('b', 'a');
    let reversed = waiting('b', 'a') + &key('a', &json!({}));
    for all in [
        old.clone() + &new,
        new.clone() + &old,
        pending,
        reversed,
        // What it names was pruned, or is in no line.
        old.clone(),
        new.clone(),
        waiting('b', 'a'),
    ] {
        let sandbox = with_two_workspaces();
        import(&sandbox, &all).ok();
        let again = import(&sandbox, &all).answer();
        assert!(again.to_string().contains("unchanged"), "{again:#}");
        sandbox.keyward(["store", "check"]).ok();
        let other = Sandbox::new();
        import(&other, &lines(&records(&sandbox))).ok();
        assert_eq!(records(&other), records(&sandbox));
    }
}

#[test]
fn a_link_out_of_its_workspace_or_environment_or_in_a_circle_is_refused() {
    let [old, new] = rotation('a', 'b');
    let alone = key('a', &json!({}));
    let elsewhere = |line: &str| in_place(line, "workspace", "other");
    let another_environment = |line: &str| in_place(line, "environment", "test");
    let circle = |letter, next| {
        let more = json!({"replaces": id(next), "replacedBy": id(next)});
        key(letter, &more)
    };
    let (ahead, back) = (circle('a', 'b'), circle('b', 'a'));
    let dead = |letter, next| {
        let more = json!({"status": "revoked", "replaces": id(next)});
        key(letter, &more)
    };
    let own = key('a', &json!({"status": "revoked", "replaces": id('a')}));
    for (first, second, field, why) in [
        (&alone, &elsewhere(&waiting('b', 'a')), "replaces", "another workspace"),
        (&elsewhere(&waiting('b', 'a')), &alone, "replaces", "another workspace"),
        (&old, &elsewhere(&new), "replaces", "another workspace"),
        (&elsewhere(&new), &old, "replacedBy", "another workspace"),
        (&alone, &another_environment(&waiting('b', 'a')), "replaces", "another environment"),
        (&old, &another_environment(&new), "replaces", "another environment"),
        (&old, &in_place(&new, "replaces", &id('c')), "replacedBy", "does not replace it"),
        (&in_place(&new, "replaces", &id('c')), &old, "replacedBy", "does not replace it"),
        (&alone, &new, "replaces", "is not replaced by it"),
        (&new, &alone, "replaces", "is not replaced by it"),
        (&in_place(&old, "replacedBy", &id('c')), &new, "replaces", "is replaced by another key"),
        (
            &in_place(&old, "replacedBy", &id('c')),
            &waiting('b', 'a'),
            "replaces",
            "is replaced by another key",
        ),
        (&ahead, &back, "replaces", "replaces it in turn"),
        (&(dead('a', 'b') + &dead('b', 'c')), &dead('c', 'a'), "replaces", "replaces it in turn"),
        (&String::new(), &own, "replaces", "replaces it in turn"),
    ] {
        let sandbox = with_two_workspaces();
        let before = sandbox.settled_bytes();
        let both = first.clone() + second;
        let number = both.lines().count();
        let error = import(&sandbox, &both).refused(4, "conflict");
        let message = text(&error, "message");
        assert!(
            message.contains(&format!("line {number} (conflict)"))
                && message.contains(&format!("the field {field} names"))
                && message.contains(why),
            "{both}{message}"
        );
        assert!(sandbox.settled_bytes() == before, "it was written");
        // Also where the other record was there before.
        import(&sandbox, first).ok();
        import(&sandbox, second).refused(4, "conflict");
        sandbox.keyward(["store", "check"]).ok();
        sandbox.assert_whole();
    }
}

#[test]
fn a_line_with_a_bad_link_is_left_out_and_the_others_come_in() {
    let sandbox = with_two_workspaces();
    let bad = in_place(&waiting('b', 'a'), "workspace", "other");
    let all = key('a', &json!({})) + &bad + &waiting('c', 'a');
    let run = import(&sandbox, &all).args(["--keep-going", "--json"]);
    let answer = run.exit(4).json();
    let codes = answer["results"].as_array().expect("a list").iter();
    let codes: Vec<String> = codes.map(|result| text(result, "code")).collect();
    assert_eq!(codes, ["created", "conflict", "created"]);
    let activate = || sandbox.keyward(["activate"]).stdin(foreign('c' as usize));
    assert_eq!(activate().answer()["replaces"], id('a'));
    sandbox.verdict(&foreign('a' as usize), &[], 11, "revoked");
}

#[test]
fn a_key_whose_predecessor_was_not_imported_is_not_activated() {
    let sandbox = with_two_workspaces();
    import(&sandbox, &waiting('b', 'a')).ok();
    let activate = sandbox.keyward(["activate"]).stdin(foreign('b' as usize));
    let error = activate.refused(4, "conflict");
    assert_eq!(error["hint"], format!("keyward revoke {} -w acme", id('b')));
    sandbox.keyward(["revoke", &id('b'), "--yes"]).ok();
    sandbox.mint("ci");
}

/// A store in which the key `a` of the workspace `acme` is live, and the key `b` of `other` is pending and would replace it: an
/// older keyward took such a line in.
fn with_a_link_between_workspaces() -> Sandbox {
    let sandbox = with_two_workspaces();
    let bad = in_place(&waiting('b', 'c'), "workspace", "other");
    import(&sandbox, &(key('a', &json!({})) + &bad)).ok();
    let (a, b) = (id('a'), id('b'));
    sandbox.rewrite(&format!("UPDATE key SET replaces = '{a}' WHERE id = '{b}'"));
    sandbox
}

#[test]
fn no_command_follows_a_link_into_another_workspace() {
    let sandbox = with_a_link_between_workspaces();
    let (live, pending) = (foreign('a' as usize), foreign('b' as usize));
    let error = sandbox.keyward(["activate"]).stdin(&pending);
    let error = error.refused(4, "conflict");
    assert!(text(&error, "message").contains("another workspace"), "{error:#}");
    let in_other = |words: &[&str]| sandbox.keyward(words).args(["-w", "other"]);
    in_other(&["rotate", &id('b'), "--cancel"]).refused(4, "conflict");
    in_other(&["rename", &id('b'), "renamed"]).ok();
    assert_eq!(sandbox.show(&id('a'))["name"], "ci");
    sandbox.verdict(&live, &[], 0, "valid");
    // Nor does the key of the other workspace stand in this one's way.
    sandbox.refuses(&["rotate", "ci", "--cancel"], 4, "conflict");
    sandbox.keyward(["rename", "ci", "mine"]).ok();
    let shown = in_other(&["show", &id('b')]).answer();
    assert_eq!(shown["name"], "renamed");
    sandbox.keyward(["ensure", "mine", "--", "cat"]).ok();
    let new = sandbox.keyward(["rotate", "mine", "--now"]).ok().line();
    sandbox.verdict(&new, &[], 0, "valid");
    sandbox.verdict(&live, &[], 11, "revoked");
    let prune = ["prune", "--all-workspaces", "--dead-for", "0s", "--yes"];
    sandbox.keyward(prune).ok();
    sandbox.verdict(&live, &[], 10, "malformed");
    in_other(&["show", &id('b')]).answer();
}

/// Carries out the remedy of each problem that `store check` finds. Returns the subjects and the problems.
#[track_caller]
fn mend(sandbox: &Sandbox) -> Vec<(String, String)> {
    let found = sandbox.keyward(["--json", "store", "check"]).exit(9).json();
    let problems = found["problems"].as_array().expect("a list").iter();
    let mended = problems.map(|problem| {
        assert_eq!(problem["kind"], "key");
        let remedy = text(problem, "remedy");
        sandbox.follow(&remedy).ok();
        (text(problem, "subject"), text(problem, "problem"))
    });
    mended.collect()
}

#[test]
fn store_check_finds_links_that_no_rotation_makes_and_its_remedies_run() {
    let sandbox = with_a_link_between_workspaces();
    let subjects = mend(&sandbox);
    let problem =
        format!("the field replaces names {}, which belongs to another workspace", id('a'));
    assert_eq!(subjects, [(id('b'), problem)]);
    assert_eq!(mend(&sandbox).len(), 1);
    sandbox.keyward(["store", "check"]).ok();
    sandbox.verdict(&foreign('a' as usize), &[], 0, "valid");

    let [old, new] = rotation('a', 'b');
    let (a, b) = (id('a'), id('b'));
    for (sql, holders) in [
        ("UPDATE key SET environment = 'test' WHERE id = '{b}'", &['a', 'b'][..]),
        (
            "UPDATE key SET replaced_by = '{b}', replaces = '{b}', grace = 0 WHERE id = '{a}'",
            &['a', 'b'],
        ),
        ("UPDATE key SET replaced_by = NULL WHERE id = '{a}'", &['b']),
        ("UPDATE key SET replaces = NULL, grace = NULL WHERE id = '{b}'", &['a']),
    ] {
        let sandbox = with_two_workspaces();
        import(&sandbox, &(old.clone() + &new)).ok();
        sandbox.keyward(["store", "check"]).ok();
        sandbox.rewrite(&sql.replace("{a}", &a).replace("{b}", &b));
        let found = sandbox.keyward(["--json", "store", "check"]).exit(9).json();
        let problems = found["problems"].as_array().expect("a list").iter();
        let subjects: Vec<String> = problems.map(|problem| text(problem, "subject")).collect();
        let expected: Vec<String> = holders.iter().copied().map(id).collect();
        assert_eq!(subjects, expected, "{sql}");
    }
}

#[test]
fn a_backup_with_such_a_link_can_be_restored() {
    let sandbox = with_a_link_between_workspaces();
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    sandbox.keyward(["store", "restore", "b.db", "--yes"]).ok();
    sandbox.verdict(&foreign('a' as usize), &[], 0, "valid");
    sandbox.keyward(["store", "check"]).exit(9);
}

#[test]
fn what_rotations_leave_behind_is_no_bad_link() {
    let sandbox = Sandbox::with_keys(&["cancelled", "ended", "again", "held", "twice"]);
    let rotate = |words: &[&str]| drop(sandbox.keyward(["rotate"]).args(words).ok());
    rotate(&["cancelled", "--grace", "1h"]);
    rotate(&["cancelled", "--cancel"]);
    rotate(&["cancelled", "--grace", "1h"]);
    rotate(&["ended", "--now"]);
    rotate(&["again", "--hold"]);
    rotate(&["again", "--cancel"]);
    rotate(&["again", "--now"]);
    rotate(&["held", "--hold"]);
    rotate(&["twice", "--grace", "1h"]);
    rotate(&["twice", "--grace", "1h"]);
    sandbox.keyward(["revoke", "twice", "--yes"]).ok();
    sandbox.keyward(["store", "check"]).ok();
    let before = sandbox.settled_bytes();
    let exported = lines(&records(&sandbox));
    import(&sandbox, &exported).ok();
    assert!(sandbox.settled_bytes() == before, "it was written");
    let other = Sandbox::new();
    import(&other, &exported).ok();
    assert_eq!(records(&other), records(&sandbox));
    other.keyward(["store", "check"]).ok();
}
