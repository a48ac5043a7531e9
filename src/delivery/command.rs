//! Another program's standard input as the sink: `-- CMD ARGS…`.
//!
//! This module never puts a secret in the program's arguments or environment.

use std::ffi::OsString;
use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio, ioctl_fionread, write};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::low_level::signal_name;

use super::{failed, undelivered};
use crate::domain::SafePath;
use crate::error::{Error, Result};
use crate::signals::Interrupts;

/// How long at most until the program's end or an interrupt is noticed.
const ATTENTION: Duration = Duration::from_millis(20);

/// How long an interrupted program may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A program that reads the secret; its own output goes to standard error.
#[derive(Debug, Clone)]
pub struct CommandSink {
    /// The program, looked up in `PATH` unless it has a slash.
    pub program: OsString,
    pub arguments: Vec<OsString>,
    /// The folder it runs in, and to which its path is relative if it has a slash; by default the current one.
    pub folder: Option<PathBuf>,
}

impl CommandSink {
    pub(super) fn check(&self) -> Result<()> {
        if self.program.is_empty() {
            return Err(Error::usage("the command after -- is empty"));
        }
        Ok(())
    }

    /// Succeeds only if the program read everything and ended with exit status 0.
    pub(super) fn deliver(&self, text: &[u8], interrupts: &Interrupts) -> Result<()> {
        let (reader, writer) = io::pipe().map_err(|error| failed("cannot make a pipe", error))?;
        // A second descriptor for the reading end: in the end it shows what the program left unread.
        let unread = reader.try_clone().map_err(|error| failed("cannot make a pipe", error))?;
        // Only this end: the program's own reads block as it expects.
        ioctl_fionbio(&writer, true).map_err(|error| failed("cannot make a pipe", error))?;
        let mut running = Running(self.spawn(reader)?);
        let (status, unwritten) = self.feed(&mut running, text, writer, interrupts)?;
        let name = self.name();
        if !status.success() {
            return Err(undelivered(format!("{name} {}", ending(status))));
        }
        // A line's reader may leave the last line feed.
        let negligible = u64::from(text.ends_with(b"\n"));
        let unread = ioctl_fionread(&unread)
            .map_err(|error| failed(format!("cannot tell what {name} has read"), error))?;
        if unwritten > 0 || unread > negligible {
            let message = format!("{name} ended without reading the whole secret on its stdin");
            return Err(undelivered(message));
        }
        interrupts.heed()
    }

    fn spawn(&self, reader: PipeReader) -> Result<Child> {
        let mut command = match &self.folder {
            Some(folder) if self.program.as_bytes().contains(&b'/') => {
                let absolute = std::path::absolute(folder.join(&self.program));
                Command::new(absolute.unwrap_or_else(|_| PathBuf::from(&self.program)))
            }
            _ => Command::new(&self.program),
        };
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if cfg!(feature = "postgres") {
            // SECURITY: the password of the store is for keyward only.
            command.env_remove("PGPASSWORD");
        }
        command
            .args(&self.arguments)
            .stdin(Stdio::from(reader))
            .stdout(Stdio::from(io::stderr()))
            .spawn()
            .map_err(|error| failed(format!("cannot run {}", self.name()), error))
    }

    /// Writes while there is room and waits for the end. Returns the exit status and how many bytes were not written.
    fn feed(
        &self,
        running: &mut Running,
        text: &[u8],
        writer: PipeWriter,
        interrupts: &Interrupts,
    ) -> Result<(ExitStatus, usize)> {
        let broken =
            |error: io::Error| failed(format!("cannot hand the secret to {}", self.name()), error);
        let (mut rest, mut writer) = (text, Some(writer));
        let mut pause = Duration::from_millis(1);
        loop {
            interrupts.heed()?;
            if let Some(open) = &writer {
                match write(open, rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    Err(error) => return Err(broken(error.into())),
                }
            }
            if rest.is_empty() {
                // Closed: the program sees the end of its input.
                writer = None;
            }
            if let Some(status) = running.0.try_wait().map_err(broken)? {
                return Ok((status, rest.len()));
            }
            match &writer {
                Some(open) => wait_for_room(open).map_err(broken)?,
                None => thread::sleep(pause),
            }
            pause = (pause * 2).min(ATTENTION);
        }
    }

    fn name(&self) -> String {
        format!("\"{}\"", SafePath(self.program.as_ref()))
    }
}

fn wait_for_room(writer: &PipeWriter) -> io::Result<()> {
    let attention = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let mut polled = [PollFd::new(writer, PollFlags::OUT)];
    match poll(&mut polled, Some(&attention)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How a program that failed has ended.
fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, Some(signal)) => match signal_name(signal) {
            Some(name) => format!("was killed by {name}"),
            None => format!("was killed by signal {signal}"),
        },
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

/// A program that does not outlive the delivery: asked to end, then killed, and reaped in any case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // Failures mean that it has ended meanwhile.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(ATTENTION);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn deliver(arguments: &[&str], text: &[u8], interrupts: &Interrupts) -> Result<()> {
        let sink = CommandSink {
            program: OsString::from(arguments[0]),
            arguments: arguments[1..].iter().map(OsString::from).collect(),
            folder: None,
        };
        sink.check().and_then(|()| sink.deliver(text, interrupts))
    }

    fn run(script: &str, text: &[u8]) -> Result<()> {
        deliver(&["sh", "-c", script], text, &Interrupts::simulated(false))
    }

    fn failure(result: Result<()>) -> String {
        let error = result.expect_err("failed");
        assert_eq!(error.kind(), Kind::DeliveryFailed);
        error.to_string()
    }

    #[test]
    fn a_program_that_reads_everything_and_ends_well_has_the_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("got");
        let script = format!("cat >'{}'", path.display());
        run(&script, b"secret\n").expect("delivered");
        assert_eq!(std::fs::read(&path).expect("read"), b"secret\n");
        let bulk = [b'k'; 300_000];
        run(&format!("sleep 0.1; {script}"), &bulk).expect("delivered");
        assert_eq!(std::fs::read(&path).expect("read"), bulk);
        run("read -r secret; test \"$secret\" = kw_live_1", b"kw_live_1\n").expect("delivered");
        run("head -c 4 >/dev/null", b"abcd\n").expect("all but the line feed is all");
    }

    #[test]
    fn a_program_that_leaves_the_secret_unread_has_not_got_it() {
        let unread = "ended without reading the whole secret on its stdin";
        assert!(failure(run("exit 0", b"secret\n")).ends_with(unread));
        assert!(
            failure(deliver(&["true"], b"secret\n", &Interrupts::simulated(false)))
                .ends_with(unread)
        );
        assert!(failure(run("exec <&-; exit 0", &[b'k'; 300_000])).ends_with(unread));
        assert!(failure(run("read -r first", b"first\nsecond\n")).ends_with(unread));
    }

    #[test]
    fn a_program_that_fails_is_named_with_how_it_ended() {
        assert_eq!(
            failure(run("cat >/dev/null; exit 3", b"s\n")),
            "\"sh\" ended with exit status 3"
        );
        assert_eq!(
            failure(run("cat >/dev/null; kill -KILL $$", b"s\n")),
            "\"sh\" was killed by SIGKILL"
        );
        assert!(
            failure(deliver(&["false"], b"s\n", &Interrupts::simulated(false)))
                .starts_with("\"false\" ended")
        );
        let missing = deliver(&["/nonexistent/program"], b"s\n", &Interrupts::simulated(false));
        assert!(failure(missing).starts_with("cannot run \"/nonexistent/program\": "));
        let empty = deliver(&[""], b"s\n", &Interrupts::simulated(false)).expect_err("refused");
        assert_eq!(empty.kind(), Kind::Usage);
    }

    #[test]
    fn an_interrupt_ends_a_program_that_would_go_on() {
        let begun = Instant::now();
        let error = deliver(&["sleep", "60"], b"s\n", &Interrupts::simulated(true))
            .expect_err("interrupted");
        assert_eq!(error.kind(), Kind::Interrupted);
        assert!(begun.elapsed() < GRACE);
    }
}
