//! Git: tokens wherever a history has them, and that nothing of a repository runs.

use serde_json::{Value, json};

use super::{findings, places, plant, scan, shell};
use crate::support::Sandbox;

/// A sandbox with a key for each of these names, their secrets in files of their names, and a repository `tree`.
fn repository(names: &[&str], format: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for name in names {
        let secret = sandbox.mint(name);
        plant(&sandbox, &format!("secret/{name}"), secret);
    }
    plant(&sandbox, "tree/a", "text\n");
    let script = format!(
        "git init -q -b main --object-format={format} . && git add a && git commit -qm first"
    );
    shell(&sandbox, "tree", &script);
    sandbox
}

/// What stands where in the history: name, script, and the path that a finding has.
const PLACES: [(&str, &str, Option<&str>); 13] = [
    (
        "deleted",
        "echo k=$T > gone.env; git add .; git commit -qm add; git rm -q gone.env; git commit -qm rm",
        Some("gone.env:1:3"),
    ),
    (
        "renamed",
        "echo k=$T > old.env; git add .; git commit -qm o; git mv old.env new.env; git commit -qm n; git rm -q new.env; git commit -qm d",
        Some("old.env:1:3"),
    ),
    ("message", "git commit -q --allow-empty -m \"fix $T\"", None),
    (
        "amended",
        "git commit -q --allow-empty -m \"oops $T\"; git commit -q --allow-empty --amend -m fine",
        None,
    ),
    ("stashed", "echo s=$T >> a; git stash -q", Some("a:2:3")),
    ("noted", "git notes add -m \"see $T\" HEAD", None),
    ("tagged", "git tag -a v1 -m \"v $T\"", Some("v1:6:3")),
    ("tag-name", "git tag \"t/$T\"", Some("refs/tags/t/[masked]:null:null")),
    ("branch", "git branch \"fix/$T\"", Some("refs/heads/fix/[masked]:null:null")),
    (
        "file-name",
        "echo x > \"f-$T\"; git add .; git commit -qm f; git rm -q \"f-$T\"; git commit -qm g",
        Some("f-[masked]:null:null"),
    ),
    (
        "merge",
        "git checkout -qb side; echo 1 > s; git add s; git commit -qm s; git checkout -q main; echo 2 > m; git add m; git commit -qm m; git merge -q --no-commit side >/dev/null; echo e=$T > evil; git add evil; git commit -qm merged; git rm -q evil; git commit -qm clean",
        Some("evil:1:3"),
    ),
    (
        "dropped",
        "git checkout -q --detach; echo d=$T > d; git add d; git commit -qm d; git checkout -q main",
        Some("d:1:3"),
    ),
    (
        "packed",
        "echo p=$T > p; tar czf p.tgz p; rm p; git add p.tgz; git commit -qm p; git rm -q p.tgz; git commit -qm q; git gc -q",
        Some("p.tgz!p:1:3"),
    ),
];

fn assert_found_everywhere(format: &str) {
    let names = PLACES.map(|(name, ..)| name);
    let sandbox = repository(&names, format);
    for (name, script, _) in PLACES {
        shell(&sandbox, "tree", &format!("T=$(cat ../secret/{name}); {script}"));
    }
    let answer = scan(&sandbox, &["tree", "--history"], 18);
    assert_eq!(answer["complete"], true, "{:#}", answer["incomplete"]);
    for (name, _, path) in PLACES {
        let found = places(&answer, name);
        assert!(!found.is_empty(), "{name} is not found");
        if let Some(path) = path {
            assert!(found.iter().any(|place| place == path), "{name}: {found:?}");
        }
    }
    let of = |name: &str| -> Value {
        let found = findings(&answer);
        let finding = found.iter().find(|finding| finding["name"] == name);
        finding.expect("it is found")["where"][0].clone()
    };
    let log = |script: &str| shell(&sandbox, "tree", script).stdout.trim().to_owned();
    assert_eq!(of("deleted")["commit"], log("git log --format=%H --diff-filter=A -- gone.env"));
    assert_eq!(of("merge")["commit"], log("git log --format=%H --grep=merged -1"));
    assert_eq!(of("message")["commit"], log("git log --format=%H --grep=fix -1"));
    assert_eq!(
        of("deleted")["object"],
        log("git rev-parse $(git log --format=%H --diff-filter=A -- gone.env):gone.env")
    );
}

#[test]
fn a_token_is_found_wherever_a_history_has_it() {
    assert_found_everywhere("sha1");
}

#[test]
fn a_repository_of_longer_hashes_is_read_too() {
    assert_found_everywhere("sha256");
}

#[test]
fn a_bare_repository_and_a_linked_work_tree_are_read() {
    let sandbox = repository(&["ci"], "sha1");
    shell(
        &sandbox,
        "tree",
        "cp ../secret/ci k; git add k; git commit -qm k; git rm -q k; git commit -qm r
        git clone -q --bare . ../bare.git; git worktree add -q ../linked",
    );
    for folder in ["bare.git", "linked"] {
        let found = places(&scan(&sandbox, &[folder, "--history"], 18), "ci");
        assert!(found.contains(&"k:1:1".to_owned()), "{folder}: {found:?}");
    }
    let linked = scan(&sandbox, &["linked"], 0);
    assert!(linked["scanned"]["files"].as_u64() > Some(0), "{linked:#}");
}

#[test]
fn a_repository_in_a_repository_is_read_with_its_path() {
    let sandbox = repository(&["ci"], "sha1");
    shell(
        &sandbox,
        "",
        "git init -q -b main inner && cp secret/ci inner/k && cd inner && git add k && git commit -qm k",
    );
    shell(
        &sandbox,
        "tree",
        "git -c protocol.file.allow=always submodule -q add ../inner sub && git commit -qm sub",
    );
    assert_eq!(places(&scan(&sandbox, &["tree"], 18), "ci"), ["tree/sub/k:1:1"]);
}

#[test]
fn a_range_has_only_what_is_new_in_it() {
    let sandbox = repository(&["before", "after"], "sha1");
    shell(
        &sandbox,
        "tree",
        "cp ../secret/before b; git add b; git commit -qm b; git tag here; cp ../secret/after c; git add c; git commit -qm c",
    );
    let found = findings(&scan(&sandbox, &["tree", "--history", "here..HEAD"], 18));
    assert_eq!((found.len(), &found[0]["name"]), (1, &json!("after")));
    assert_eq!(found[0]["where"][0]["path"], "c");
    assert!(found[0]["where"][0]["commit"].is_string());
    sandbox.keyward(["scan", "tree", "--history", "nothing..HEAD"]).refused(2, "usage");
    sandbox.keyward(["scan", "tree", "--history=--all"]).refused(2, "usage");
    sandbox.keyward(["scan", "secret", "--history"]).refused(2, "usage");
}

#[test]
fn a_clone_that_lacks_something_is_not_clean() {
    let sandbox = repository(&["ci"], "sha1");
    shell(
        &sandbox,
        "tree",
        "echo more > b; git add b; git commit -qm second; git config uploadpack.allowFilter true
        git clone -q --depth 1 file://$PWD ../shallow
        git clone -q --no-checkout --filter=blob:none file://$PWD ../partial
        git clone -q . ../damaged; cd ../damaged
        o=$(git rev-parse HEAD:b); rm -f .git/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-)",
    );
    scan(&sandbox, &["tree", "--history"], 0);
    for (folder, why) in
        [("shallow", "shallow clone"), ("partial", "partial clone"), ("damaged", "missing")]
    {
        let answer = scan(&sandbox, &[folder, "--history"], 7);
        let said = answer["incomplete"].to_string();
        assert!(said.contains(why), "{folder}: {said}");
    }
    // Nothing was fetched.
    let partial =
        shell(&sandbox, "partial", "git rev-list --objects --all --missing=print | grep -c '^?'");
    assert_eq!(partial.stdout.trim(), "2");
}

#[test]
fn what_is_staged_is_found_as_it_is_in_the_index() {
    let sandbox = repository(&["ci"], "sha1");
    shell(&sandbox, "tree", "cp ../secret/ci k; git add k; echo clean > k");
    assert_eq!(places(&scan(&sandbox, &["tree", "--staged"], 18), "ci"), ["k:1:1"]);
    shell(&sandbox, "tree", "git add k; cp ../secret/ci unstaged");
    scan(&sandbox, &["tree", "--staged"], 0);
    shell(&sandbox, "tree", "git reset -q --hard");
    // There is nothing to look at, and that is not a lack.
    scan(&sandbox, &["tree", "--staged"], 0);
    shell(&sandbox, "", "git init -q new && cp secret/ci new/k && cd new && git add k");
    assert_eq!(places(&scan(&sandbox, &["new", "--staged"], 18), "ci"), ["k:1:1"]);
}

/// A hook of one line, as docs/leaks.md has it.
fn hook(sandbox: &Sandbox, folder: &str, name: &str, line: &str) {
    let store = sandbox.store_path();
    let line = line
        .replace("keyward", &format!("{} --store {}", crate::support::KEYWARD, store.display()));
    let script = format!(
        "h=$(git rev-parse --git-path hooks)/{name}; mkdir -p $(dirname $h); printf '#!/bin/sh\\nexec {line}\\n' > $h; chmod +x $h"
    );
    shell(sandbox, folder, &script);
}

#[test]
fn hooks_stop_a_commit_a_push_and_what_is_received() {
    let sandbox = repository(&["ci"], "sha1");
    shell(
        &sandbox,
        "tree",
        "git clone -q --bare . ../remote.git; git remote add origin ../remote.git; git fetch -q",
    );
    let refused = |script: &str| {
        let script = format!("if {script} >../out 2>&1; then exit 1; fi; cat ../out");
        let output = shell(&sandbox, "tree", &script);
        assert!(output.stdout.contains("1 live key"), "{}", output.stdout);
    };
    hook(&sandbox, "tree", "pre-commit", "keyward scan --staged");
    shell(&sandbox, "tree", "echo fine > f; git add f; git commit -qm fine");
    shell(&sandbox, "tree", "cp ../secret/ci k; git add k");
    refused("git commit -qm leak");
    refused("git commit -qm leak k");
    hook(&sandbox, "tree", "pre-push", "keyward scan --pushed");
    shell(
        &sandbox,
        "tree",
        "git reset -q; git push -q origin main; git add k; git commit -q --no-verify -m leak",
    );
    refused("git push -q origin main");
    hook(&sandbox, "remote.git", "pre-receive", "keyward scan --pushed");
    refused("git push -q --no-verify origin main");
    refused("git push -q --no-verify origin main:refs/heads/other");
    shell(
        &sandbox,
        "tree",
        "git reset -q --hard HEAD~1; echo g > g; git add g; git commit -qm g; git push -q origin main",
    );
    shell(&sandbox, "tree", "git push -q origin main:b && git push -q origin :b");
    sandbox.keyward(["scan", "tree", "--pushed"]).stdin("nonsense\n").refused(2, "usage");
}

/// Each of these would leave a file where it ran.
#[test]
fn nothing_of_a_repository_is_run() {
    let sandbox = repository(&["ci"], "sha1");
    let ran = sandbox.home().join("ran");
    shell(
        &sandbox,
        "tree",
        &format!(
            "printf '#!/bin/sh\\ntouch {0}/$(basename $0)\\ncat\\n' > ../canary; chmod +x ../canary; mkdir {0}
            for c in fsmonitor textconv external filter pager ssh hook editor; do cp ../canary ../canary-$c; done
            cp ../secret/ci k.sec; git add k.sec; git commit -qm k
            echo '*.sec diff=x filter=y' > .gitattributes; git add .gitattributes; git commit -qm attributes
            git config core.fsmonitor $PWD/../canary-fsmonitor
            git config diff.x.textconv $PWD/../canary-textconv; git config diff.external $PWD/../canary-external
            git config filter.y.clean $PWD/../canary-filter; git config filter.y.smudge $PWD/../canary-filter
            git config core.pager $PWD/../canary-pager; git config core.sshCommand $PWD/../canary-ssh
            git config core.alternateRefsCommand $PWD/../canary-hook
            mkdir -p h; for n in post-index-change reference-transaction post-checkout; do cp ../canary-hook h/$n; done
            git config core.hooksPath $PWD/h; echo changed >> k.sec
            rm -rf {0}; mkdir {0}",
            ran.display()
        ),
    );
    scan(&sandbox, &["tree"], 18);
    scan(&sandbox, &["tree", "--history"], 18);
    scan(&sandbox, &["tree", "--history", "HEAD~1..HEAD"], 0);
    scan(&sandbox, &["tree", "--staged"], 0);
    let head = shell(&sandbox, "tree", "git -c core.fsmonitor=false rev-parse HEAD").stdout;
    let line = format!("refs/heads/main {} refs/heads/main {}\n", head.trim(), "0".repeat(40));
    let run = sandbox.keyward(["scan", "tree", "--pushed", "--json"]).stdin(line);
    run.exit(18);
    let left: Vec<_> = std::fs::read_dir(&ran).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
}
