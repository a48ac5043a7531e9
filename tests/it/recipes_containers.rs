//! The recipes of `docs/recipes.md` for containers, and the one for a self-serve page.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use rustix::process::geteuid;

use crate::entropy::root_folder;
use crate::generated::repository;
use crate::recipes::{Bench, RECIPES};
use crate::support::docs::{RECIPES as PAGE, path_with_keyward};
use crate::support::files::set_mode;
use crate::support::{KEYWARD, Sandbox, skipped, tool};

/// The user and the group of the pod.
const USER: u32 = 65532;

/// The value of a field of a YAML flow mapping or of a line.
fn value<'y>(yaml: &'y str, field: &str) -> &'y str {
    let (_, rest) = yaml.split_once(field).unwrap_or_else(|| panic!("no {field} in\n{yaml}"));
    let end = rest.find(['\n', ',', '}']).unwrap_or(rest.len());
    rest[..end].trim()
}

/// The variables that a pod's containers get, with the volume's mount path in the folder that stands for it.
fn pod_environment(pod: &str, volume: &Path) -> Vec<(String, String)> {
    let mount = value(pod, "mountPath: ");
    let variables = pod.lines().filter(|line| line.contains("- { name: KEYWARD_"));
    let read = |line| {
        let path = self::value(line, "value: ");
        let below = path.strip_prefix(mount).expect("a path in the volume");
        let value = format!("{}{below}", volume.display());
        (self::value(line, "name: ").to_owned(), value)
    };
    variables.map(read).collect()
}

#[test]
fn a_pod_finds_the_store_that_its_init_container_made_on_the_volume() {
    if !geteuid().is_root() || !tool("setpriv") {
        return skipped("only root can become another user");
    }
    let pod = PAGE.block(RECIPES[7], "yaml");
    for field in ["runAsUser: ", "runAsGroup: ", "fsGroup: "] {
        assert_eq!(value(pod, field), USER.to_string());
    }
    let bench = Bench::new();
    set_mode(bench.sandbox.home(), 0o755);
    let volume = bench.path("volume");
    fs::create_dir(&volume).expect("a fresh folder");
    chown(&volume, Some(0), Some(USER)).expect("root may give files away");
    set_mode(&volume, 0o2775);
    fs::copy(KEYWARD, bench.path("bin/keyward")).expect("keyward can be copied");
    let variables = pod_environment(pod, &volume);
    assert_eq!(variables.len(), 2, "{variables:?}");
    let container = format!("setpriv --reuid={USER} --regid={USER} --clear-groups");
    let args = pod.lines().find_map(|line| line.trim().strip_prefix("args: "));
    let args: Vec<String> = serde_json::from_str(args.expect("arguments")).expect("a list");
    let init = || {
        let mut run = bench.sandbox.program(bench.path("bin/keyward"), &args);
        for (name, value) in &variables {
            run = run.env(name, value);
        }
        run.through(container.split(' ')).ok();
    };
    init();
    let exec = format!(
        "test \"$1 $2 $3 $4 $5\" = \"exec deploy/acme -c acme --\" || exit 1\nshift 5\nexec {container} env {} \"$@\"",
        variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    );
    bench.stand_in("bin/kubectl", &exec);
    set_mode(bench.path("bin"), 0o755);
    let script = PAGE.block(RECIPES[7], "sh");
    let log = bench.run(script, &BTreeMap::new());
    assert_eq!(log.status, 0, "{}", log.stderr);
    // What kubelet does when the pod starts again.
    for file in ["keyward.db", "keyward.db.reserve"] {
        let file = volume.join(file);
        if file.exists() {
            set_mode(&file, 0o660);
        }
    }
    init();
    let verify = bench.run(
        "kubectl exec deploy/acme -c acme -- keyward verify --quiet < customer-42.key",
        &BTreeMap::new(),
    );
    assert_eq!(verify.status, 0, "{}", verify.stderr);
}

/// The root of the container has keyward, and the libraries that the binary that ships has inside.
#[test]
fn the_container_image_needs_nothing_but_the_binary() {
    if !geteuid().is_root() || !tool("chroot") || !tool("ldd") {
        return skipped("no other root can be had here");
    }
    let shown = PAGE.block(RECIPES[8], "dockerfile");
    let read = |name| fs::read_to_string(repository(name)).expect("it is there");
    let file = read("Dockerfile");
    assert_eq!(file.split_once('\n').map(|(_, lines)| lines), Some(shown), "below its comment");
    let lines: Vec<&str> = shown.lines().collect();
    let after = |instruction: &str| {
        let mut found = lines.iter().filter_map(|line| line.strip_prefix(instruction));
        found.next().unwrap_or_else(|| panic!("no {instruction}"))
    };
    let store = after("ENV ");
    assert_eq!(lines[0], "FROM scratch");
    let copied = after("COPY ").replace("${ARCHITECTURE}", after("ARG ARCHITECTURE="));
    assert_eq!(copied, "target/dist/keyward-*-x86_64-unknown-linux-gnu /keyward");
    assert_eq!(after("ENTRYPOINT "), "[\"/keyward\"]");
    assert!(read("release/build").contains("name=keyward-$version-$target\n"));
    assert!(read(".dockerignore").contains("*\n!target/dist/keyward-*\n"));

    let bench = Bench::new();
    let root = root_folder(&bench.sandbox, "image");
    fs::create_dir(root.join("data")).expect("a fresh folder");
    set_mode(root.join("data"), 0o700);
    symlink(root.join("data"), bench.path("work/keys")).expect("a fresh link");
    let docker = format!(
        "[ \"$*\" != 'build --quiet . --tag keyward' ] || exit 0\n\
        test \"$1 $2 $3 $5 $7\" = 'run --rm --user --volume keyward' || exit 1\n\
        test \"$(readlink -f \"${{6%:*}}\"):${{6##*:}}\" = \"$HOME/image/data:/data\" || exit 1\n\
        user=$4; shift 7; exec env -i {store} \"$(command -v chroot)\" --userspec=\"$user\" \"$HOME/image\" /keyward \"$@\""
    );
    bench.stand_in("bin/docker", &docker);
    let log = bench.run(PAGE.block(RECIPES[8], "sh"), &BTreeMap::new());
    assert_eq!(log.status, 0, "{}", log.stderr);
    let store = root.join("data/keyward.db");
    let verify = bench.sandbox.keyward(["verify", "--file", "work/ci.key", "--store"]);
    verify.args([store]).ok();

    // Without --user it is the image's own, to whom the volume then belongs.
    let (uid, gid) = after("USER ").split_once(':').expect("a group");
    let own = root.join("own");
    fs::create_dir(&own).expect("a fresh folder");
    let number = |text: &str| Some(text.parse().expect("a number"));
    chown(&own, number(uid), number(gid)).expect("root may give files away");
    set_mode(&own, 0o700);
    for folder in [bench.sandbox.home(), &root] {
        set_mode(folder, 0o755);
    }
    let run = bench.sandbox.program("/keyward", ["mint", "ci", "--store", "/own/keyward.db"]);
    let user = format!("--userspec={uid}:{gid}");
    let secret = run.through(["chroot", &user, root.to_str().expect("UTF-8")]).cwd("/").ok().line();
    let verify = bench.sandbox.program("/keyward", ["verify", "--store", "/own/keyward.db"]);
    let verify = verify.through(["chroot", &user, root.to_str().expect("UTF-8")]).cwd("/");
    verify.stdin(secret).ok();
}

/// What two customers do on the page.
const CUSTOMERS: &str = r#"
def attempt(action, *arguments):
    try: return action(*arguments)
    except Refused as refused: print(*refused.args[:2])

key = create("alice", "laptop")
open("secret", "w").write(key["key"])
print([key["name"] for key in keys_of("alice")], keys_of("bob"))
attempt(create, "bob", "laptop")
attempt(create, "bob", "")
for option in ["--hold", "--owner=alice", "-wother"]: attempt(create, "bob", option)
attempt(revoke, "bob", key["id"])
attempt(revoke, "bob", "--all")
print(len(keys_of("alice")))
revoke("alice", key["id"])
print(keys_of("alice"))
"#;

#[test]
fn a_customer_of_the_self_serve_page_reaches_their_own_keys_only() {
    if !tool("python3") {
        return;
    }
    let sandbox = Sandbox::new();
    let code = PAGE.block(RECIPES[9], "python");
    let script = sandbox.file("page.py", &format!("{code}\n{CUSTOMERS}"));
    let run = sandbox.program("python3", [script]);
    let output = run.env("PATH", path_with_keyward()).ok();
    assert_eq!(
        output.stdout,
        "['laptop'] []\n409 name_taken\n422 invalid_name\n422 usage\n422 usage\n422 usage\n\
        404 key_not_found\n404 key_not_found\n1\n[]\n",
        "{}",
        output.stderr
    );
    let secret = fs::read_to_string(sandbox.home().join("secret")).expect("it was shown");
    sandbox.verdict(&secret, &[], 11, "revoked");
}
