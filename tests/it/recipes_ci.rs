//! The recipes for pipelines in `docs/recipes.md`, read as GitHub's and GitLab's runners read them.

use std::collections::BTreeMap;
use std::fs;

use crate::recipes::{Bench, RECIPES};
use crate::support::docs::RECIPES as PAGE;
use crate::support::time::{HOUR, now};

#[test]
fn gitlab_hands_the_key_to_later_jobs_in_a_dotenv_report() {
    let bench = Bench::new();
    let pipeline = PAGE.block(RECIPES[1], "yaml");
    let mut jobs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut job = "";
    for line in pipeline.lines() {
        match line.strip_prefix("    - ") {
            Some(command) => jobs.entry(job).or_default().push(command),
            None if line.starts_with(' ') || line.is_empty() => {}
            None => job = line.trim_end_matches(':'),
        }
    }
    let report = pipeline.lines().find_map(|line| line.strip_prefix("      dotenv: "));
    let report = format!("work/{}", report.expect("a report"));
    let mut variables: BTreeMap<String, String> = [("CI", "true"), ("CI_PIPELINE_ID", "17")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let run = |job: &str, variables: &BTreeMap<String, String>| {
        bench.run(&jobs[job].join("\n"), variables)
    };
    // As GitLab reads it: a name and a value on each line, and neither quotes nor blank lines.
    let reported = || {
        let text = bench.read(&report);
        let (name, value) = text.trim_end_matches('\n').split_once('=').expect("a line");
        assert!(!text.contains(['"', '\'', '#']) && text.lines().count() == 1, "{text}");
        (name.to_owned(), value.to_owned())
    };

    fs::create_dir(bench.path(&report)).expect("a fresh folder");
    assert_eq!(run("key", &variables).status, 16);
    bench.assert_nothing_lives();
    fs::remove_dir(bench.path(&report)).expect("it is empty");

    let log = run("key", &variables);
    let (name, secret) = reported();
    bench.assert_well_kept(&secret, &log);
    assert!(bench.expires_at(&secret) <= now() + HOUR);
    assert_eq!(run("key", &variables).status, 0);
    assert_eq!(reported().1, secret, "a second run in the same folder");
    bench.remove(&report);
    let log = run("key", &variables);
    let secret = reported().1;
    bench.assert_well_kept(&secret, &log);

    bench.stand_in("work/integration-test", "keyward verify --env ACME_KEY --quiet");
    variables.insert(name.clone(), secret.clone());
    assert_eq!(run("integration-test", &variables).status, 0);
    variables.remove(&name);
    assert_eq!(run("end-of-key", &variables).status, 0);
    bench.sandbox.verdict(&secret, &[], 11, "revoked");
}

/// A step of a GitHub Actions job: its fields, and its `env`.
#[derive(Default)]
struct Step {
    fields: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

fn steps(workflow: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in workflow.lines().skip(1).filter(|line| !line.is_empty()) {
        if line.starts_with("  - ") {
            steps.push(Step::default());
        }
        let step = steps.last_mut().expect("fields follow a dash");
        let Some((name, value)) = line[4..].split_once(": ") else {
            assert_eq!(line, "    env:");
            continue;
        };
        match name.strip_prefix("  ") {
            Some(variable) => step.environment.insert(variable.into(), value.into()),
            None => step.fields.insert(name.into(), value.into()),
        };
    }
    steps
}

/// What a step has written into one of the runner's files: `NAME<<DELIMITER`, the value, `DELIMITER`.
fn definitions(text: &str) -> BTreeMap<String, String> {
    let mut lines = text.lines();
    let mut found = BTreeMap::new();
    while let Some(first) = lines.next() {
        let (name, delimiter) = first.split_once("<<").expect("a definition");
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

/// What the runner does: every step in its turn, with its variables, outputs and masks. Returns the log and, of each step,
/// the exit status, where it was run.
fn github(bench: &Bench, is_env_broken: bool) -> (String, Vec<Option<i32>>) {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut environment = BTreeMap::from([
        variable("CI", "true"),
        variable("GITHUB_RUN_ID", "4711"),
        variable("GITHUB_RUN_ATTEMPT", "1"),
    ]);
    let (mut outputs, mut masks) = (BTreeMap::new(), Vec::new());
    let (mut log, mut statuses, mut succeeded) = (String::new(), Vec::new(), Vec::new());
    let mut has_failed = false;
    for (number, step) in steps(PAGE.block(RECIPES[0], "yaml")).into_iter().enumerate() {
        let is_due = match step.fields.get("if") {
            None => !has_failed,
            Some(condition) => {
                let of = condition.strip_prefix("always() && steps.");
                let of = of.and_then(|rest| rest.strip_suffix(".outcome == 'success'"));
                succeeded.contains(&of.expect("a condition this runner knows").to_owned())
            }
        };
        statuses.push(None);
        if !is_due {
            continue;
        }
        let mut variables = environment.clone();
        for (name, value) in &step.environment {
            let output = value.strip_prefix("${{ steps.").and_then(|rest| rest.strip_suffix(" }}"));
            let output: &String = &outputs[output.expect("an output")];
            variables.insert(name.clone(), output.clone());
        }
        let files = ["GITHUB_ENV", "GITHUB_OUTPUT"].map(|name| {
            let file = format!("{name}-{number}");
            match name == "GITHUB_ENV" && is_env_broken {
                true => fs::create_dir(bench.path(&file)).expect("a fresh folder"),
                false => bench.mark(&file),
            }
            let path = bench.path(&file).display().to_string();
            variables.insert(name.to_owned(), path);
            file
        });
        let output = bench.run(&step.fields["run"], &variables);
        for line in output.stdout.lines().chain(output.stderr.lines()) {
            match line.strip_prefix("::add-mask::") {
                Some(mask) => masks.push(mask.to_owned()),
                None => {
                    let hide = |line: String, mask: &String| line.replace(mask, "***");
                    log.push_str(&masks.iter().fold(line.to_owned(), hide));
                    log.push('\n');
                }
            }
        }
        statuses[number] = Some(output.status);
        has_failed |= output.status != 0;
        if output.status == 0 {
            let id = step.fields.get("id").cloned().unwrap_or_default();
            environment.extend(definitions(&bench.read(&files[0])));
            let set = definitions(&bench.read(&files[1])).into_iter();
            outputs.extend(set.map(|(name, value)| (format!("{id}.outputs.{name}"), value)));
            succeeded.push(id);
        }
    }
    assert!(masks.iter().all(|mask| !log.contains(mask)), "{log}");
    (log, statuses)
}

/// A job whose programs say in the log what they were given, which the masks must hide, and keep it.
fn github_job() -> Bench {
    let bench = Bench::new();
    for name in ["integration-test", "deploy"] {
        let body =
            "echo \"authorization: $ACME_KEY\"; printf %s \"$ACME_KEY\" > \"$HOME/${0##*/}.secret\"
            keyward verify --env ACME_KEY --quiet && test ! -e \"$HOME/broken\"";
        bench.stand_in(&format!("work/{name}"), body);
    }
    bench
}

#[test]
fn github_masks_the_keys_of_a_run_and_hands_them_to_its_steps() {
    let bench = github_job();
    let (log, statuses) = github(&bench, false);
    assert_eq!(statuses, [Some(0); 5], "{log}");
    assert_eq!(log.matches("authorization: ***\n").count(), 2, "{log}");
    let test = bench.read("integration-test.secret");
    bench.sandbox.verdict(&test, &[], 11, "revoked");
    let deploy = bench.read("deploy.secret");
    assert!(bench.expires_at(&deploy) <= now() + HOUR);
}

#[test]
fn a_run_of_github_that_fails_leaves_no_key_behind() {
    let bench = github_job();
    bench.mark("broken");
    let (log, statuses) = github(&bench, false);
    assert_eq!(statuses, [Some(0), Some(1), Some(0), None, None], "{log}");
    bench.assert_nothing_lives();
    let test = bench.read("integration-test.secret");
    bench.sandbox.verdict(&test, &[], 11, "revoked");

    let bench = github_job();
    let (log, statuses) = github(&bench, true);
    assert_eq!(statuses, [Some(16), None, None, None, None], "{log}");
    bench.assert_nothing_lives();
}
