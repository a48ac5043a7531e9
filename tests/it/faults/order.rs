//! The order of writes and syncs, which no killed process can show: what it has written, the system keeps. A power failure
//! would not.
//!
//! The key is on disk before the first byte of its secret leaves, the secret is on disk before its key becomes active, and
//! that is on disk before anybody is told.

use super::injection::TRACE;
use super::scene::Scene;
use super::scenes::SCENES;
use super::sink::Sink;
use crate::support::Sandbox;
use crate::support::disturb::can_disturb;

/// One call of keyward that matters here.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// The store's log was written.
    Logged,
    /// The store's log was synced.
    LogSynced,
    /// A secret was written there.
    Handed { secret: String, to: String },
    /// Another file or folder was synced.
    Synced(String),
    /// A file got another name.
    Renamed { from: String },
    /// The command that got the secret has ended well.
    Ended,
    /// Something was said on stdout or stderr.
    Told,
}

/// Runs a scene's command undisturbed, and returns what it did and the secrets that are in its sinks.
fn traced(scene: &Scene) -> (Vec<Event>, Vec<String>, String) {
    let sandbox = Sandbox::new();
    (scene.prepare)(&sandbox);
    let calls = "trace=write,pwrite64,fsync,fdatasync,?rename,?renameat,?renameat2,wait4";
    let words = ["strace", "-f", "-q", "-y", "-s", "5000", "-o", TRACE, "-e", calls];
    let output = scene.run(&sandbox).through(words).ok();
    let sinks = scene.sinks.iter();
    let secrets: Vec<String> = sinks
        .map(|sink| sink.secret(&sandbox, &output.stdout))
        .map(|secret| secret.unwrap_or_else(|| panic!("{}: no secret", scene.name)))
        .collect();
    let trace = sandbox.text(TRACE);
    let process = trace.split_whitespace().next().unwrap_or_default();
    let own = trace.lines().filter_map(|line| line.strip_prefix(process)?.strip_prefix(' '));
    let events = whole(own).iter().filter_map(|call| event(call, &secrets)).collect();
    (events, secrets, trace)
}

/// The calls of one process, each on one line: strace cuts a call in two where another process is heard of during it.
fn whole<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut begun = String::new();
    let mut calls = Vec::new();
    for line in lines.map(str::trim_start) {
        if let Some(beginning) = line.strip_suffix("<unfinished ...>") {
            begun = beginning.to_owned();
        } else if let Some((_, rest)) =
            line.strip_prefix("<... ").and_then(|line| line.split_once(" resumed>"))
        {
            calls.push(std::mem::take(&mut begun) + rest);
        } else {
            calls.push(line.to_owned());
        }
    }
    calls
}

/// What a line of the trace says, if it matters.
fn event(call: &str, secrets: &[String]) -> Option<Event> {
    let (name, arguments) = call.split_once('(')?;
    let file = || {
        let (descriptor, rest) = arguments.split_once('<')?;
        Some((descriptor, rest.split_once('>')?.0.to_owned()))
    };
    match name {
        "write" | "pwrite64" => {
            let (descriptor, to) = file()?;
            let secret = secrets.iter().find(|secret| arguments.contains(*secret));
            match secret {
                _ if to.ends_with("keyward.db-wal") => Some(Event::Logged),
                Some(secret) => Some(Event::Handed { secret: secret.clone(), to }),
                None if matches!(descriptor, "1" | "2") => Some(Event::Told),
                None => None,
            }
        }
        "fsync" | "fdatasync" => {
            let (_, path) = file()?;
            match path.ends_with("keyward.db-wal") {
                true => Some(Event::LogSynced),
                false => Some(Event::Synced(path)),
            }
        }
        "wait4" => arguments.contains("WEXITSTATUS(s) == 0").then_some(Event::Ended),
        _ if name.starts_with("rename") => {
            let from = arguments.split('"').nth(1)?.to_owned();
            Some(Event::Renamed { from })
        }
        _ => None,
    }
}

/// Says which sync is missing or late.
fn fault_in(scene: &Scene, events: &[Event], secrets: &[String]) -> Option<String> {
    let is_held = scene.command.contains(&"--hold");
    for secret in secrets {
        let hands =
            |event: &Event| matches!(event, Event::Handed { secret: one, .. } if one == secret);
        let Some(first) = events.iter().position(hands) else {
            return Some("a secret got to its sink unseen".to_owned());
        };
        let before = &events[..first];
        match before.iter().rposition(|event| *event == Event::Logged) {
            None => return Some("a secret was handed over before its key was written".to_owned()),
            Some(at) if !before[at..].contains(&Event::LogSynced) => {
                return Some("a secret was handed over before its key was synced".to_owned());
            }
            Some(_) => {}
        }
        let last = events.iter().rposition(hands).unwrap_or(first);
        let after = &events[last..];
        let until = after.iter().position(|event| *event == Event::Logged);
        let until = match until {
            None if !is_held => return Some("a key did not become active".to_owned()),
            None => after.len(),
            Some(until) => until,
        };
        if let Event::Handed { to, .. } = &events[last]
            && let Some(fault) = fault_in_sink(to, &after[..until])
        {
            return Some(fault);
        }
    }
    let last = events.iter().rposition(|event| *event == Event::Logged);
    let after = &events[last.unwrap_or(0)..];
    let synced = after.iter().position(|event| *event == Event::LogSynced);
    let told = after.iter().position(|event| *event == Event::Told);
    match (last, synced, told) {
        (None, ..) => Some("it has changed nothing".to_owned()),
        (_, None, _) => Some("the last change was not synced".to_owned()),
        (_, Some(synced), Some(told)) if told < synced => {
            Some("the last change was told before it was synced".to_owned())
        }
        _ => None,
    }
}

/// The same of what follows the last write of a secret until its key becomes active.
fn fault_in_sink(to: &str, then: &[Event]) -> Option<String> {
    if to.starts_with("pipe:") || to.starts_with("socket:") {
        return None;
    }
    let synced = then.iter().position(|event| *event == Event::Synced(to.to_owned()));
    let Some(synced) = synced else {
        return Some(format!("a key became active before {to} was synced"));
    };
    let Some((folder, draft)) = to.rsplit_once('/') else {
        return Some(format!("{to} is no path"));
    };
    if !draft.ends_with(".keyward-draft") {
        return None;
    }
    let is_named =
        |event: &Event| matches!(event, Event::Renamed { from } if from.ends_with(draft));
    let Some(named) = then.iter().position(is_named) else {
        return Some(format!("a key became active before {to} had its name"));
    };
    if named < synced {
        return Some(format!("{to} got its name before it was synced"));
    }
    let is_kept = then[named..].contains(&Event::Synced(folder.to_owned()));
    (!is_kept).then(|| format!("a key became active before {folder} was synced"))
}

#[test]
fn everything_is_synced_before_what_depends_on_it() {
    if !can_disturb() {
        return;
    }
    for scene in SCENES.iter().filter(|scene| scene.is_logged) {
        let (events, secrets, trace) = traced(scene);
        if let Some(fault) = fault_in(scene, &events, &secrets) {
            panic!("{}: {fault}: {events:#?}\n{trace}", scene.name);
        }
        // What a command has done with the secret when it ends well is its own affair; that it has ended is not.
        let is_command = |sink: &Sink| matches!(sink, Sink::Command(_));
        if scene.sinks.iter().any(is_command) {
            let handed = events.iter().position(|event| matches!(event, Event::Handed { .. }));
            let rest = &events[handed.expect("it was handed over")..];
            let ended = rest.iter().position(|event| *event == Event::Ended);
            let active = rest.iter().position(|event| *event == Event::Logged);
            assert!(
                ended < active && ended.is_some(),
                "{}: the key became active before the command had ended: {events:#?}",
                scene.name
            );
        }
    }
}

#[test]
fn a_call_that_was_reported_in_two_pieces_is_one() {
    let lines = [
        "wait4(7,  <unfinished ...>",
        "<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], WNOHANG, NULL) = 7",
        "fsync(3</folder/keyward.db-wal>) = 0",
    ];
    let events: Vec<Event> =
        whole(lines.into_iter()).iter().filter_map(|call| event(call, &[])).collect();
    assert_eq!(events, [Event::Ended, Event::LogSynced]);
}
