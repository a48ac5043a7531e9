//! Files and folders that are not what they seem, and names that want to be obeyed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Instant;

use super::{one, places, plant, scan, shell};
use crate::support::{token, tool};

#[test]
fn pipes_sockets_devices_and_links_hold_no_scan_up() {
    let (sandbox, secret) = one();
    plant(&sandbox, "outside/secret", &secret);
    plant(&sandbox, "tree/a", "text");
    shell(
        &sandbox,
        "tree",
        "mkfifo pipe; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'; mkdir -p loop/in; ln -s .. loop/in/up; ln -s ../outside out; ln -s ../outside/secret file; ln -s /dev/zero zero; ln -s loop loop2",
    );
    let start = Instant::now();
    scan(&sandbox, &["tree"], 0);
    for named in ["tree/pipe", "tree/zero", "/dev/zero"] {
        scan(&sandbox, &[named], 7);
    }
    assert!(start.elapsed().as_secs() < 20);
    // What was named may be a link.
    scan(&sandbox, &["tree/file"], 18);
    scan(&sandbox, &["tree/out"], 18);
}

#[test]
fn a_pipe_that_git_would_wait_for_is_named() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a", &secret);
    shell(&sandbox, "tree", "git init -q . && git add a && git commit -qm first");
    for name in ["packed-refs", "shallow", "index", "info/exclude"] {
        let script = format!("mv .git/{name} kept || :; mkfifo .git/{name}");
        shell(&sandbox, "tree", &script);
        let refused =
            sandbox.keyward(["scan", "tree", "--history"]).refused(7, "io")["message"].to_string();
        assert!(refused.contains(name) && refused.contains("is not a file"), "{refused}");
        shell(&sandbox, "tree", &format!("rm .git/{name}; mv kept .git/{name} || :"));
    }
    scan(&sandbox, &["tree", "--history"], 18);
}

#[test]
fn no_connection_is_made() {
    if !tool("strace") {
        return;
    }
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a", &secret);
    shell(
        &sandbox,
        "tree",
        "git init -q . && git add a && git commit -qm a && git remote add origin https://example.invalid/a",
    );
    for arguments in
        [&["scan", "tree"][..], &["scan", "tree", "--history"], &["scan", "tree", "--staged"]]
    {
        let run = sandbox.keyward(arguments);
        let _ = run
            .through(["strace", "-f", "-qq", "-e", "trace=socket,connect,bind", "-o", "trace"])
            .run();
        let trace = fs::read_to_string(sandbox.home().join("trace")).expect("a trace");
        assert!(!trace.contains("socket("), "{trace}");
    }
}

#[test]
fn a_links_target_is_text() {
    let (sandbox, secret) = one();
    symlink(format!("/nowhere/{secret}"), sandbox.home().join("tree/link")).expect("a link");
    assert_eq!(places(&scan(&sandbox, &["tree"], 18), "ci"), ["tree/link:1:10"]);
}

#[test]
fn names_are_never_obeyed() {
    let (sandbox, secret) = one();
    let names: [&[u8]; 5] = [
        b"a\nb",
        b"::set-output name=x::y",
        b"##[error]x",
        "bi\u{202e}di".as_bytes(),
        b"no\xffutf8",
    ];
    for name in names {
        let path = sandbox.home().join("tree").join(std::ffi::OsStr::from_bytes(name));
        fs::write(path, &secret).expect("a file can be written");
    }
    for format in [&[][..], &["--json"], &["-o", "tsv"], &["--format", "sarif"]] {
        let output = sandbox.keyward(["scan", "tree"]).args(format).exit(18);
        for stream in [&output.stdout, &output.stderr] {
            assert!(!stream.lines().any(|line| line.trim_start().starts_with("::")), "{stream}");
            assert!(!stream.contains("##[") && !stream.contains('\u{202e}'), "{stream}");
        }
    }
    assert_eq!(places(&scan(&sandbox, &["tree"], 18), "ci").len(), 5);
}

#[test]
fn what_cannot_be_read_is_named() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let (sandbox, _) = one();
    plant(&sandbox, "tree/open", "text");
    plant(&sandbox, "tree/closed", "text");
    let closed = sandbox.home().join("tree/closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("a mode can be set");
    let answer = scan(&sandbox, &["tree"], 7);
    assert_eq!(answer["incomplete"][0], "cannot read tree/closed: Permission denied (os error 13)");
}

#[test]
fn holes_take_no_time_and_move_no_place() {
    let (sandbox, secret) = one();
    shell(
        &sandbox,
        "tree",
        &format!(
            "truncate -s 20G sparse; printf 'a\\n{secret}' | dd of=sparse bs=1 seek=10737418240 conv=notrunc 2>/dev/null"
        ),
    );
    let start = Instant::now();
    let answer = scan(&sandbox, &["tree"], 18);
    assert!(start.elapsed().as_secs() < 20);
    assert_eq!(super::findings(&answer)[0]["where"][0]["offset"], 10_737_418_242_u64);
}

#[test]
fn deep_folders_are_walked() {
    if !tool("python3") {
        return;
    }
    let (sandbox, secret) = one();
    let script = "import os,sys
for number in range(1500): os.mkdir('folder-%d' % number); os.chdir('folder-%d' % number)
open('leaf', 'w').write(sys.argv[1])";
    let run = sandbox.program("python3", ["-c", script, &secret]);
    run.cwd(sandbox.home().join("tree")).ok();
    let answer = scan(&sandbox, &["tree"], 18);
    assert_eq!(answer["complete"], true, "{:#}", answer["incomplete"]);
    assert_eq!(places(&answer, "ci").len(), 1);
}

#[test]
fn a_file_with_two_names_is_read_once() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a", &secret);
    shell(&sandbox, "tree", "ln a b");
    assert_eq!(places(&scan(&sandbox, &["tree"], 18), "ci"), ["tree/a:1:1"]);
}

/// A scan's largest resident set in MiB, and its exit status.
fn memory(sandbox: &crate::support::Sandbox, arguments: &[&str]) -> (u64, i32) {
    let script = "import os, resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, status)";
    let words = [&["-c", script, crate::support::KEYWARD, "scan"], arguments].concat();
    let output = sandbox.program("python3", words).ok().stdout;
    let numbers: Vec<i64> =
        output.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    (numbers[0] as u64, numbers[1] as i32)
}

/// However much somebody packs, or writes that looks like tokens, a scan needs no more memory than it says.
#[test]
fn nothing_that_is_read_takes_much_memory() {
    if !tool("python3") || !tool("zip") || !tool("zstd") {
        return;
    }
    let (sandbox, _) = one();
    shell(
        &sandbox,
        "tree",
        "python3 -c \"
import struct
# A directory of 240 MB of names.
name = b'n' * 60000
record = struct.pack('<4sHHHHHHIIIHHHHHII', b'PK\\x01\\x02', 20, 20, 0, 0, 0, 0, 0, 0, 0, 60000, 0, 0, 0, 0, 0, 0)
with open('names.zip', 'wb') as file:
    file.write(b'PK\\x03\\x04' + bytes(26))
    for _ in range(4000): file.write(record + name)
    size = 4000 * len(record + name)
    file.write(struct.pack('<4sHHHHIIH', b'PK\\x05\\x06', 0, 0, 4000, 4000, size, 30, 0))
\"
        head -c 40000000 /dev/zero | zstd -q -19 > zeros.zst; truncate -s 20G sparse
        printf '\\050\\265\\057\\375\\000\\250\\001\\000\\000' > window.zst
        head -c 50000000 /dev/zero | tr '\\0' a > a; zip -q0 ../1.zip a; cd ..
        zip -q0 2.zip 1.zip; zip -q0 3.zip 2.zip; zip -q0 4.zip 3.zip; rm tree/a",
    );
    let (most, _) = memory(&sandbox, &["tree"]);
    assert!(most <= 64, "{most} MiB");
    let (most, exit) = memory(&sandbox, &["4.zip", "--max-bytes", "400M"]);
    assert!(most <= 192 && [0, 7].contains(&exit), "{most} MiB, {exit}");
}

/// Anybody can write a million texts whose checksum is right.
#[test]
fn of_tokens_that_no_key_has_so_many_are_listed_and_the_rest_is_said() {
    let (sandbox, secret) = one();
    let mut forged = String::new();
    for number in 0..10_002 {
        let body = format!("kw_live_{number:044}");
        let checksum = token::checksum(&body, token::BASE62);
        forged += &format!("{body}{checksum}\n");
    }
    plant(&sandbox, "tree/forged", format!("{forged}{secret}\n"));
    let answer = scan(&sandbox, &["tree"], 18);
    let found = super::findings(&answer);
    assert_eq!((found.len(), &found[0]["name"]), (10_001, &serde_json::json!("ci")));
    let why = "there are more than 10000 tokens that no key has; the others are not listed";
    assert_eq!(answer["incomplete"], serde_json::json!([why]));
}
