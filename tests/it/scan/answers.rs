//! What a scan says: formats, exit statuses, exceptions, and that a clean scan is one that read everything.

use serde_json::json;

use super::{findings, one, plant, scan};
use crate::support::expect_transcript;

#[test]
fn a_session_says_who_leaked_where_and_what_ends_it() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/src/app.py", format!("import os\nKEY = \"{secret}\"\n"));
    let output = sandbox.keyward(["scan", "tree"]).run();
    expect_transcript(
        &output.transcript(),
        "
KIND  NAME  ENV   STATUS  LAST USED  WHERE                REMEDY
live  ci    live  active  never      tree/src/app.py:2:8  keyward revoke <id> --reason compromised
------- stderr -------
scanned 1 file (77 bytes) for 1 key in 1 format: 1 live key
[exit status: 18]
",
    );
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let output = sandbox.keyward(["scan", "tree"]).run();
    assert_eq!(output.status, 0, "a dead key is no alarm: {}", output.transcript());
    assert!(output.stdout.starts_with("KIND"), "{}", output.transcript());
    scan(&sandbox, &["tree", "--fail-on", "any"], 18);
}

#[test]
fn nothing_read_is_not_clean() {
    let (sandbox, _) = one();
    let answer = scan(&sandbox, &["tree"], 7);
    assert_eq!(answer["incomplete"], json!(["nothing was read"]));
    assert_eq!(answer["complete"], false);
    let answer = scan(&sandbox, &["nowhere"], 7);
    assert!(
        answer["incomplete"][0].as_str().is_some_and(|why| why.starts_with("cannot read nowhere"))
    );
    scan(&sandbox, &["nowhere", "--allow-incomplete"], 0);
    scan(&sandbox, &["nowhere", "--fail-on", "never"], 7);
    sandbox.keyward(["scan", "-"]).stdin("text").ok();
    sandbox.keyward(["scan", "-"]).exit(7);
}

#[test]
fn findings_count_more_than_what_was_not_read() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a", &secret);
    let answer = scan(&sandbox, &["tree", "nowhere"], 18);
    assert_eq!(answer["complete"], false);
}

#[test]
fn one_key_is_one_finding_however_many_places_it_has() {
    let (sandbox, secret) = one();
    for number in 0..130 {
        plant(&sandbox, &format!("tree/{number}"), &secret);
    }
    let answer = scan(&sandbox, &["tree"], 18);
    let found = findings(&answer);
    assert_eq!((found.len(), &found[0]["places"]), (1, &json!(130)));
    assert_eq!(found[0]["where"].as_array().map(Vec::len), Some(100));
    assert_eq!(answer["scanned"]["files"], 130);
    let table = sandbox.keyward(["scan", "tree"]).exit(18).stdout;
    assert!(table.contains("and 126 more places"), "{table}");
    assert_eq!(table.lines().count(), 6, "{table}");
}

#[test]
fn a_workspace_or_an_environment_narrows_what_is_reported() {
    let (sandbox, secrets) = super::everything();
    for (preset, secret) in &secrets {
        plant(&sandbox, &format!("tree/{preset}"), secret);
    }
    let found = findings(&scan(&sandbox, &["tree", "-w", "amser"], 18));
    assert_eq!((found.len(), &found[0]["workspace"]), (1, &json!("amser")));
    scan(&sandbox, &["tree", "-w", "amser", "-e", "test"], 0);
    let output = sandbox.keyward(["scan", "tree", "-w", "amser"]).exit(18);
    let said = "1 live key, 5 findings of other workspaces or environments";
    assert!(output.stderr.trim_end().ends_with(said), "{}", output.stderr);
    sandbox.keyward(["scan", "tree", "-w", "nobody"]).refused(3, "workspace_not_found");
}

#[test]
fn an_exception_names_a_key_a_path_and_a_date() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/docs/a.md", &secret);
    let prefix = &secret[..20];
    let except = |line: &str| plant(&sandbox, "tree/.keywardignore", line);
    except(&format!("{prefix} docs/*.md until=2099-01-01 # an example\n"));
    let answer = scan(&sandbox, &["tree"], 0);
    assert_eq!((answer["ignored"].clone(), findings(&answer).len()), (json!(1), 0));
    except(&format!("{prefix} src/*.md until=2099-01-01\n"));
    scan(&sandbox, &["tree"], 18);
    for (line, doubt) in [
        (format!("{prefix} docs/*.md"), "needs until=DATE, because the key is live"),
        (format!("{prefix} docs until=2020-01-01"), "is over"),
    ] {
        except(&line);
        let output = sandbox.keyward(["scan", "tree"]).exit(18);
        assert!(output.stderr.contains(doubt), "{}", output.stderr);
    }
    except("nonsense\n");
    sandbox.keyward(["scan", "tree"]).refused(2, "usage");
    except(&secret);
    let error = sandbox.keyward(["scan", "tree"]).refused(2, "usage");
    assert!(!error.to_string().contains(&secret[20..]), "{error}");
}

#[test]
fn what_git_ignores_and_what_is_excluded_is_left_out() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/ignored.log", &secret);
    plant(&sandbox, "tree/.gitignore", "*.log\n");
    plant(&sandbox, "tree/kept", "text");
    super::shell(&sandbox, "tree", "git init -q .");
    scan(&sandbox, &["tree"], 0);
    scan(&sandbox, &["tree", "--all-files"], 18);
    scan(&sandbox, &["tree", "--all-files", "--exclude", "*.log"], 0);
    scan(&sandbox, &["tree/ignored.log"], 18);
}

#[test]
fn every_line_of_tsv_has_the_same_fields() {
    let (sandbox, secret) = one();
    let foreign = crate::support::Sandbox::with_key("theirs").1;
    plant(&sandbox, "tree/a", format!("{secret}\n{foreign}\n"));
    let output = sandbox.keyward(["scan", "tree", "-o", "tsv", "--header"]).exit(18);
    let widths: Vec<usize> = output.stdout.lines().map(|line| line.split('\t').count()).collect();
    assert_eq!(widths, [14, 14, 14], "{}", output.stdout);
}

#[test]
fn a_calling_key_finds_only_keys_of_its_own_workspace() {
    let (sandbox, secrets) = super::everything();
    for (preset, secret) in &secrets {
        plant(&sandbox, &format!("tree/{preset}"), secret);
    }
    let scrapewise =
        secrets.iter().find(|(preset, _)| *preset == "scrapewise").expect("it is there");
    sandbox.file("caller", &scrapewise.1);
    let run = sandbox.keyward(["--as", "caller", "scan", "tree", "--json"]);
    let found = findings(&run.exit(18).json());
    assert_eq!((found.len(), &found[0]["workspace"]), (1, &json!("scrapewise")));
}
