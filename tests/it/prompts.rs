//! Questions asked on a real pseudo-terminal, what each answer does, and that nothing is asked without one.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtyPair, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{KEYWARD, Sandbox, text, tool, variable};

/// The longest that anything on a terminal may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bits of a terminal's local modes, as Linux and the BSDs have them.
const ECHO: u32 = 0o10;
const ICANON: u32 = if cfg!(target_os = "linux") {
    0o2
} else {
    0x100
};

/// A program on a pseudo-terminal of 80 columns.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Held so that the terminal's modes can be looked at after the program has ended.
    _pair: Box<dyn portable_pty::SlavePty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    /// The local modes it had before the program started.
    first_modes: u32,
}

impl Terminal {
    /// Starts keyward on a terminal, in an environment like [`Sandbox::keyward`]'s but with a TERM that can do things.
    pub fn keyward(sandbox: &Sandbox, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start(sandbox, KEYWARD, arguments, environment)
    }

    /// Starts a program on a terminal.
    pub fn start(
        sandbox: &Sandbox,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let PtyPair { slave, master } = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal can be made");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("PATH", variable("PATH").unwrap_or_default());
        command.env("HOME", sandbox.home());
        command.env("TERM", "xterm");
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(sandbox.home());
        let first_modes = local_modes(&*master);
        let child = slave.spawn_command(command).expect("it can be started");
        let mut reader = master.try_clone_reader().expect("a terminal can be read");
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux the end of a terminal is an error rather than an end of file.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let writer = master.take_writer().expect("a terminal can be written");
        Self {
            master,
            _pair: slave,
            child,
            writer,
            output,
            seen: Vec::new(),
            first_modes,
        }
    }

    /// Everything the terminal has shown.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Waits until the terminal shows this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen().contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(_) => panic!("the terminal never shows {text:?}, but\n{}", self.seen()),
            }
        }
    }

    /// Waits for a prompt that shows nothing of what is typed; it may stand there a moment before the echo is off.
    #[track_caller]
    fn wait_until_hidden(&mut self) {
        self.wait_for(":");
        let begun = Instant::now();
        while self.modes() & ECHO != 0 {
            assert!(begun.elapsed() < PATIENCE, "the echo stays on");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types on the keyboard.
    pub fn types(&mut self, keys: &str) {
        self.writer
            .write_all(keys.as_bytes())
            .and_then(|()| self.writer.flush())
            .expect("a terminal can be written");
    }

    /// Sends the program a signal.
    fn signals(&self, signal: Signal) {
        let pid = self.child.process_id().expect("it is running");
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("it is running");
    }

    /// The terminal's local modes.
    fn modes(&self) -> u32 {
        local_modes(&*self.master)
    }

    /// Waits for the program's end; returns its exit status (128 + N when signal N ended it) and all that was shown.
    pub fn end(&mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("it does not end; the terminal shows\n{}", self.seen());
            }
        };
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(50)) {
            self.seen.extend(bytes);
        }
        let code = match status.signal() {
            // The word for a signal is the system's; only one is expected here.
            Some(_) => 130,
            None => i32::try_from(status.exit_code()).expect("an exit status is a byte"),
        };
        (code, self.seen())
    }
}

/// A terminal's local modes.
fn local_modes(master: &dyn MasterPty) -> u32 {
    let modes = master.get_termios().expect("a terminal has modes");
    modes.local_flags.bits()
}

/// Starts keyward on a terminal and waits for its question.
fn ask(sandbox: &Sandbox, arguments: &[&str]) -> Terminal {
    let mut terminal = Terminal::keyward(sandbox, arguments, &[]);
    terminal.wait_for("?");
    terminal
}

#[test]
fn revoke_asks_with_the_name_the_hint_and_the_last_use() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.mint("unused");
    let hint = text(&sandbox.show("ci"), "keyHint");
    let mut terminal = ask(&sandbox, &["revoke", "ci"]);
    terminal.wait_for("last used");
    terminal.types("n");
    let (_, seen) = terminal.end();
    for part in ["ci", &hint, "last used", "ago", "for ever"] {
        let is_said = seen.contains(part) || (part == "ago" && seen.contains("now"));
        assert!(is_said, "the question does not say {part}:\n{seen}");
    }
    assert!(!seen.contains(&secret), "the question tells the secret");
    let mut terminal = ask(&sandbox, &["revoke", "unused"]);
    terminal.wait_for("never");
    terminal.types("n");
    terminal.end();
}

#[test]
fn yes_revokes() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut terminal = ask(&sandbox, &["revoke", "ci"]);
    terminal.types("y");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn anything_but_yes_changes_nothing_and_exits_130() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let before = sandbox.show("ci");
    for (keys, what) in [
        ("n", "no"),
        ("\r", "the default"),
        ("\u{1b}", "Esc"),
        ("\u{3}", "^C"),
        ("x\rn", "another key"),
    ] {
        let mut terminal = Terminal::keyward(&sandbox, &["revoke", "ci"], &[]);
        let modes = terminal.first_modes;
        assert_eq!(modes & (ECHO | ICANON), ECHO | ICANON);
        terminal.wait_for("?");
        terminal.types(keys);
        let (status, seen) = terminal.end();
        assert_eq!(status, 130, "{what}: {seen}");
        assert_eq!(
            terminal.modes(),
            modes,
            "{what}: the terminal is left changed"
        );
        assert_eq!(sandbox.show("ci"), before, "{what}");
    }
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_declined_prompt_is_an_interrupt_under_json_too() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    // Only stderr and stdin are a terminal; stdout is the answer's and goes to a file.
    let script = "\"$0\" --json revoke ci >answer; echo \"status $?\"";
    let mut terminal = Terminal::start(&sandbox, "sh", &["-c", script, KEYWARD], &[]);
    terminal.wait_for("for ever?");
    terminal.types("n");
    let (_, seen) = terminal.end();
    assert!(seen.contains("status 130"), "{seen}");
    assert!(seen.contains("\"interrupted\""), "{seen}");
    let answer = std::fs::read_to_string(sandbox.home().join("answer"));
    assert_eq!(answer.expect("the shell made it"), "");
}

#[test]
fn a_signal_during_a_question_leaves_the_terminal_as_it_was() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (sandbox, secret) = Sandbox::with_key("ci");
        for arguments in [&["revoke", "ci"][..], &["verify"]] {
            let mut terminal = Terminal::keyward(&sandbox, arguments, &[]);
            let modes = terminal.first_modes;
            match arguments {
                ["verify"] => terminal.wait_until_hidden(),
                _ => terminal.wait_for("?"),
            }
            terminal.signals(signal);
            let (status, seen) = terminal.end();
            assert_ne!(status, 0, "{signal:?}: {seen}");
            assert_eq!(terminal.modes(), modes, "{signal:?} {arguments:?}");
        }
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}

#[test]
fn with_yes_nothing_is_asked_on_a_terminal() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut terminal = Terminal::keyward(&sandbox, &["revoke", "ci", "--yes"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(!seen.contains('?'), "{seen}");
}

#[test]
fn revoking_twice_asks_nothing_the_second_time() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let mut terminal = Terminal::keyward(&sandbox, &["revoke", "ci"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("nothing changed"), "{seen}");
}

#[test]
fn several_keys_are_asked_about_in_one_question() {
    let sandbox = Sandbox::with_keys(&["one", "two"]);
    let mut terminal = ask(&sandbox, &["revoke", "one", "two"]);
    terminal.types("y");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("one") && seen.contains("two"), "{seen}");
    assert_eq!(sandbox.listed(&[]), [""; 0]);
}

#[test]
fn revoke_lists_every_key_that_a_name_stands_for_a_line_each() {
    let sandbox = Sandbox::new();
    let mut ids = Vec::new();
    sandbox.mint("ci");
    ids.push(sandbox.id_of("ci"));
    for flags in [&[][..], &["--hold"]] {
        let rotated = sandbox.keyward(["rotate", "ci"]).args(flags).answer();
        ids.push(text(&rotated, "id"));
    }
    sandbox.mint("dead");
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    let dead = sandbox.id_of("dead");
    let mut terminal = ask(&sandbox, &["revoke", "ci", "dead"]);
    terminal.types("n");
    let (status, seen) = terminal.end();
    assert_eq!(status, 130, "{seen}");
    for (id, standing) in ids.iter().zip(["superseded", "active", "pending"]) {
        let mut lines = seen.lines().filter(|line| line.contains(id));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("{id} is not in {seen}"));
        assert!(
            line.contains(standing) && line.contains("last used never"),
            "{seen}"
        );
        assert_eq!(lines.next(), None, "{seen}");
    }
    assert!(
        seen.contains("these 3 keys") && !seen.contains(&dead),
        "{seen}"
    );
    assert_eq!(sandbox.listed(&[]).len(), 3);
    let mut terminal = ask(&sandbox, &["revoke", "ci"]);
    terminal.types("y");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert_eq!(sandbox.listed(&[]), [""; 0]);
}

#[test]
fn a_key_that_is_not_there_is_told_without_asking() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut terminal = Terminal::keyward(&sandbox, &["revoke", "missing"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 3, "{seen}");
}

#[test]
fn on_a_terminal_a_secret_is_read_without_being_shown() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let held = sandbox.mint_with("held", &["--hold"]);
    for (arguments, secret) in [
        (&["verify"][..], &secret),
        (&["activate"], &held),
        (&["whoami", "--as", "-"], &secret),
    ] {
        let mut terminal = Terminal::keyward(&sandbox, arguments, &[]);
        let modes = terminal.first_modes;
        terminal.wait_until_hidden();
        terminal.types(&format!("{secret}\r"));
        let (status, seen) = terminal.end();
        assert_eq!(status, 0, "{arguments:?}: {seen}");
        assert!(!seen.contains(&secret[10..30]), "{arguments:?}: {seen}");
        assert_eq!(terminal.modes(), modes, "{arguments:?}");
    }
    sandbox.verdict(&held, &[], 0, "valid");
}

#[test]
fn a_wrong_secret_typed_on_a_terminal_is_a_verdict() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for keys in ["\r", "nonsense\r"] {
        let mut terminal = Terminal::keyward(&sandbox, &["verify"], &[]);
        terminal.wait_until_hidden();
        terminal.types(keys);
        let (status, seen) = terminal.end();
        assert_eq!(status, 10, "{seen}");
    }
}

#[test]
fn an_interrupt_while_a_secret_is_typed_restores_the_terminal() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut terminal = Terminal::keyward(&sandbox, &["verify"], &[]);
    let modes = terminal.first_modes;
    terminal.wait_until_hidden();
    terminal.types("kw_live_\u{3}");
    let (status, seen) = terminal.end();
    assert_eq!(status, 130, "{seen}");
    assert_eq!(terminal.modes(), modes);
}

#[test]
fn deleting_a_workspace_asks_only_when_records_would_go() {
    let sandbox = Sandbox::with_workspace("empty", &[]);
    sandbox.workspace("used", &[]);
    sandbox.workspace("living", &[]);
    sandbox.mint_with("ci", &["-w", "used"]);
    sandbox
        .keyward(["revoke", "ci", "-w", "used", "--yes"])
        .ok();
    sandbox.mint_with("ci", &["-w", "living"]);

    let mut terminal = Terminal::keyward(&sandbox, &["workspace", "delete", "empty"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(!seen.contains('?'), "{seen}");

    let mut terminal = Terminal::keyward(&sandbox, &["workspace", "delete", "living"], &[]);
    let (status, seen) = terminal.end();
    assert_eq!(status, 4, "{seen}");

    let error = sandbox
        .keyward(["workspace", "delete", "used"])
        .refused(2, "usage");
    assert!(text(&error, "hint").contains("--yes"), "{error:#}");

    let mut terminal = ask(&sandbox, &["workspace", "delete", "used"]);
    terminal.types("n");
    let (status, seen) = terminal.end();
    assert_eq!(status, 130, "{seen}");
    assert!(seen.contains("used"), "{seen}");
    sandbox.keyward(["workspace", "show", "used"]).ok();

    let mut terminal = ask(&sandbox, &["workspace", "delete", "used"]);
    terminal.types("y");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    sandbox.keyward(["workspace", "show", "used"]).exit(3);
}

#[test]
fn without_a_terminal_revoke_says_so_at_once() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let wrappers: [&[&str]; 3] = [
        &[],
        &["setsid", "--wait"],
        &[
            "sh",
            "-c",
            "\"$0\" \"$@\" </dev/null >answer 2>&1 || { s=$?; cat answer; exit $s; }",
        ],
    ];
    for wrapper in wrappers {
        if wrapper.first().is_some_and(|program| !tool(program)) {
            continue;
        }
        for arguments in [&["revoke", "ci"][..], &["revoke", "missing"]] {
            let begun = Instant::now();
            let output = sandbox.keyward(arguments).through(wrapper).exit(2);
            assert!(begun.elapsed() < Duration::from_secs(3), "{wrapper:?}");
            let said = output.stdout + &output.stderr;
            assert!(said.contains("--yes"), "{wrapper:?}: {said}");
        }
    }
    let error = sandbox.keyward(["revoke", "ci"]).refused(2, "usage");
    assert!(text(&error, "hint").contains("--yes"), "{error:#}");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn an_answer_on_stdin_is_no_terminal() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["revoke", "ci"]).stdin("y\n").exit(2);
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn on_a_terminal_nothing_is_asked_where_asking_is_forbidden() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 4] = [
        (&["revoke", "ci"], &[("CI", "true")]),
        (&["revoke", "ci"], &[("CI", "1")]),
        (&["revoke", "ci", "--no-input"], &[]),
        (&["--no-input", "revoke", "ci"], &[]),
    ];
    for (arguments, environment) in cases {
        let mut terminal = Terminal::keyward(&sandbox, arguments, environment);
        let (status, seen) = terminal.end();
        assert_eq!(status, 2, "{arguments:?} {environment:?}: {seen}");
        assert!(seen.contains("--yes"), "{seen}");
    }
    for environment in [&[("CI", "true")][..], &[]] {
        let flags: &[&str] = match environment {
            [] => &["verify", "--no-input"],
            _ => &["verify"],
        };
        let mut terminal = Terminal::keyward(&sandbox, flags, environment);
        let (status, seen) = terminal.end();
        assert_eq!(status, 2, "{flags:?}: {seen}");
    }
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn a_terminal_behind_a_redirection_is_not_opened() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for redirection in [
        "</dev/null",
        "2>said",
        "</dev/null 2>said",
        "</dev/null >said 2>&1",
    ] {
        let script = format!("\"$0\" revoke ci {redirection}; echo \"status $?\"");
        let mut terminal = Terminal::start(&sandbox, "sh", &["-c", &script, KEYWARD], &[]);
        let (_, seen) = terminal.end();
        assert!(seen.contains("status 2"), "{redirection}: {seen}");
    }
    let script = "printf '%s' \"$1\" | \"$0\" verify; echo \"status $?\"";
    let mut terminal = Terminal::start(&sandbox, "sh", &["-c", script, KEYWARD, &secret], &[]);
    let (_, seen) = terminal.end();
    assert!(seen.contains("status 0"), "{seen}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let commands = [
        &["list"][..],
        &["show", "missing"],
        &["--help"],
        &["--wrong"],
    ];
    let coloured_on_a_terminal = |flags: &[&str], environment: &[(&str, &str)]| {
        let is_coloured = |command: &&[&str]| {
            let arguments = [flags, command].concat();
            let (_, shown) = Terminal::keyward(&sandbox, &arguments, environment).end();
            assert!(!shown.is_empty());
            shown.contains('\u{1b}')
        };
        let commands = commands.iter().copied();
        commands.filter(is_coloured).collect::<Vec<_>>()
    };
    assert_eq!(coloured_on_a_terminal(&[], &[]), commands);
    assert_eq!(coloured_on_a_terminal(&[], &[("NO_COLOR", "")]), commands);
    let none: [&[&str]; 0] = [];
    assert_eq!(coloured_on_a_terminal(&[], &[("NO_COLOR", "1")]), none);
    assert_eq!(coloured_on_a_terminal(&[], &[("TERM", "dumb")]), none);
    assert_eq!(coloured_on_a_terminal(&["--color=never"], &[]), none);
    assert_eq!(coloured_on_a_terminal(&["--color", "never"], &[]), none);
    for command in commands {
        for (flags, is_coloured) in [(&[][..], false), (&["--color", "always"], true)] {
            let output = sandbox.keyward(flags).args(command).run();
            let has_escape = (output.stdout + &output.stderr).contains('\u{1b}');
            assert_eq!(has_escape, is_coloured, "{flags:?} {command:?}");
        }
    }
}

#[test]
fn a_stream_that_is_no_terminal_gets_no_colour_beside_one_that_is() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let script = "\"$0\" list >list; \"$0\" show missing 2>error; true";
    let (status, _) = Terminal::start(&sandbox, "sh", &["-c", script, KEYWARD], &[]).end();
    assert_eq!(status, 0);
    for file in ["list", "error"] {
        let content = std::fs::read_to_string(sandbox.home().join(file));
        let content = content.expect("the shell made it");
        assert!(
            !content.is_empty() && !content.contains('\u{1b}'),
            "{content}"
        );
    }
}
