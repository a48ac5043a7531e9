//! Deliveries by root into a folder that somebody else swaps meanwhile: nothing outside is touched, and no live key lacks
//! its secret.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use crate::support::files::{names_in, set_mode};
use crate::support::{Sandbox, is_thorough, skipped};

/// A user that owns the folder.
const SERVICE: u32 = 1500;

/// What must not change: name, content, owner, mode and the time of the last change of everything in a folder.
fn all_in(folder: &Path) -> Vec<(String, Vec<u8>, u32, u32, i64, i64)> {
    let names = names_in(folder).into_iter();
    let files = names.map(|name| {
        let path = folder.join(&name);
        let found = fs::symlink_metadata(&path).expect("it is there");
        let content = fs::read(&path).expect("a file of root's");
        let (time, nanoseconds) = (found.ctime(), found.ctime_nsec());
        (name, content, found.uid(), found.mode(), time, nanoseconds)
    });
    files.collect()
}

/// Swaps the folder `app` with a link to `outside`, and its drafts with links to files there, until it is told to stop. Leaves
/// the folder in its place.
fn swap(service: &Path, stop: &AtomicBool, round: &str) {
    // Only this thread becomes that user.
    set_thread_groups(&[]).expect("root may");
    set_thread_gid(Gid::from_raw(SERVICE)).expect("root may");
    set_thread_uid(Uid::from_raw(SERVICE)).expect("root may");
    let (app, aside) = (service.join("app"), service.join("aside"));
    let mut pause = 1;
    while !stop.load(Ordering::Relaxed) {
        let drafts = [format!(".{round}.key.keyward-draft"), ".env.keyward-draft".into()];
        for draft in drafts {
            // In the place of a draft that is being written.
            if fs::rename(app.join(&draft), app.join("stolen")).is_ok() {
                let _ = symlink("../../outside/victim", app.join(&draft));
            }
        }
        fs::rename(&app, &aside).expect("it is theirs");
        symlink("../outside", &app).expect("it is theirs");
        thread::sleep(Duration::from_micros(pause % 400));
        fs::remove_file(&app).expect("it is theirs");
        fs::rename(&aside, &app).expect("it is theirs");
        thread::sleep(Duration::from_micros(pause * 7 % 4000));
        pause += 13;
    }
}

#[test]
fn a_folder_that_is_swapped_while_root_delivers_leads_nothing_astray() {
    if !geteuid().is_root() {
        skipped("only root delivers to another user's folder");
        return;
    }
    let rounds = if is_thorough() { 300 } else { 40 };
    let sandbox = Sandbox::new();
    // The service passes through it.
    set_mode(sandbox.home(), 0o711);
    sandbox.mint("first");
    let make = |name: &str, owner| -> PathBuf {
        let path = sandbox.home().join(name);
        fs::create_dir(&path).expect("a folder can be made");
        set_mode(&path, 0o755);
        chown(&path, Some(owner), Some(owner)).expect("root may give files away");
        path
    };
    let outside = make("outside", 0);
    for name in ["victim", ".env", "1.key", "2.key"] {
        let path = sandbox.file(&format!("outside/{name}"), "KEY_0=root's\n");
        set_mode(&path, 0o600);
    }
    let service = make("service", SERVICE);
    let app = make("service/app", SERVICE);
    let env = sandbox.file("service/app/.env", "MINE=1\n");
    chown(&env, Some(SERVICE), Some(SERVICE)).expect("root may give files away");
    let before = all_in(&outside);
    let mut ended = [0; 3];
    for round in 0..rounds {
        let (name, variable) = (format!("k{round}"), format!("KEY_{round}"));
        let file = format!("service/app/{round}.key");
        let sink: &[&str] = match round % 2 {
            0 => &["--out", &file],
            _ => &["--dotenv", "service/app/.env", "--var", &variable],
        };
        let stop = AtomicBool::new(false);
        let output = thread::scope(|scope| {
            let swapping = scope.spawn(|| swap(&service, &stop, &round.to_string()));
            let output = sandbox.keyward(["mint", &name]).args(sink).run();
            stop.store(true, Ordering::Relaxed);
            swapping.join().expect("the swapping goes on until it is told");
            output
        });
        let place = [0, 8, 16].iter().position(|status| *status == output.status);
        ended[place.unwrap_or_else(|| panic!("{}", output.transcript()))] += 1;
        let is_live = sandbox.listed(&[]).contains(&name);
        assert_eq!(is_live, output.status == 0, "{}", output.transcript());
        // A draft that was taken away holds no secret: it is empty, or it was never keyward's.
        for name in names_in(&app) {
            let is_draft = name.ends_with("keyward-draft") || name == "stolen";
            let path = app.join(&name);
            if is_draft && !path.is_symlink() {
                let left = fs::read_to_string(&path).expect("root reads it");
                assert!(!left.contains("kw_live_"), "{name}: {left:?}");
            }
            if is_draft {
                fs::remove_file(path).expect("root removes it");
            }
        }
        if is_live {
            let text = match round % 2 {
                0 => fs::read_to_string(app.join(format!("{round}.key"))).expect("delivered"),
                _ => {
                    let text = fs::read_to_string(&env).expect("delivered");
                    let line = text.lines().find(|line| line.starts_with(&variable));
                    line.unwrap_or_else(|| panic!("{variable}: {text}")).to_owned()
                }
            };
            let secret = text.trim_end().rsplit('=').next().expect("a line");
            let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
            assert_eq!(verdict["subject"]["name"], name);
        }
        assert_eq!(all_in(&outside), before, "{}", output.transcript());
    }
    let text = fs::read_to_string(&env).expect("it is there");
    assert!(text.starts_with("MINE=1\n"), "{text}");
    let owner = fs::metadata(&env).expect("it is there").uid();
    assert_eq!(owner, SERVICE);
    sandbox.assert_whole();
    let [delivered, refused, void] = ended;
    writeln!(
        std::io::stderr(),
        "swapped folder: {rounds} rounds, {delivered} delivered, {refused} refused beforehand, {void} void"
    )
    .expect("stderr can be written");
    assert!(delivered > 0, "nothing was ever delivered");
}
