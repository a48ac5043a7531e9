//! What every black-box test stands on: a sandbox with a HOME of its own, and the keyward in it.

pub mod counts;
pub mod disturb;
pub mod docs;
pub mod files;
pub mod held;
mod invocation;
pub mod ordinary;
pub mod past;
#[cfg(feature = "postgres")]
pub mod server;
pub mod store;
pub mod stream;
pub mod tables;
pub mod terminal;
pub mod time;
pub mod token;
mod transcript;
pub mod unheard;

use crate::forgery::older;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;

pub use invocation::{Invocation, Output};
pub use transcript::expect_transcript;

/// The keyward that is tested: the one cargo has built for this, or the file that `KEYWARD_TESTED` named when the tests
/// were compiled, as `release/build --test` does.
pub const KEYWARD: &str = match option_env!("KEYWARD_TESTED") {
    Some(path) => path,
    None => env!("CARGO_BIN_EXE_keyward"),
};

/// A HOME that exists for one test, and everything keyward keeps under it.
pub struct Sandbox {
    home: PathBuf,
    /// What `KEYWARD_STORE` names, if anything.
    place: Option<String>,
    // Held for its `Drop`, which removes the folder.
    _folder: TempDir,
}

impl Sandbox {
    /// Makes an empty HOME; no store exists in it yet.
    #[must_use]
    pub fn new() -> Self {
        Self::bare().on_other_engine()
    }

    fn bare() -> Self {
        // Set and not left to the umask: keyward refuses a HOME that others could change.
        let folder = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .expect("a temporary folder can be made");
        let home = folder.path().canonicalize().expect("the temporary folder exists");
        Self { home, place: None, _folder: folder }
    }

    /// Makes an empty HOME whose runs use an empty store on a server.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn on_server(server: &server::Server) -> Self {
        let sandbox = Self::in_place(server.place());
        sandbox.keyward(["store", "create"]).ok();
        sandbox
    }

    /// Makes an empty HOME whose runs use the store in this place.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn in_place(place: String) -> Self {
        let mut sandbox = Self::bare();
        sandbox.place = Some(place);
        sandbox
    }

    /// What names the store that runs use: its path, or its URI.
    #[must_use]
    pub fn named(&self) -> PathBuf {
        self.place.as_ref().map_or_else(|| self.store_path(), PathBuf::from)
    }

    /// The store that runs use, if it is not the one in HOME.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The same with a store on a server, where `KEYWARD_TEST_ENGINE` says so.
    #[cfg(feature = "postgres")]
    fn on_other_engine(self) -> Self {
        match variable("KEYWARD_TEST_ENGINE") {
            Some(engine) if engine == "postgres" => {
                Self::on_server(server::Server::shared().expect("PostgreSQL is installed"))
            }
            _ => self,
        }
    }

    #[cfg(not(feature = "postgres"))]
    fn on_other_engine(self) -> Self {
        self
    }

    /// The temporary HOME.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where the store is when nothing says otherwise.
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        self.home.join(".local/share/keyward/keyward.db")
    }

    /// The variables that every run has of the sandbox: HOME, and which store it is if it is not the one in HOME.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        let store = self.place().map(|place| ("KEYWARD_STORE", OsStr::new(place)));
        [("HOME", self.home.as_os_str())].into_iter().chain(store)
    }

    /// Prepares a run of the built keyward with these arguments.
    pub fn keyward<I, S>(&self, arguments: I) -> Invocation
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.invocation(OsStr::new(KEYWARD), arguments)
    }

    /// Runs keyward with these arguments, and asserts the exit status and the code word of its refusal.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str], status: i32, code: &str) {
        self.keyward(arguments).refused(status, code);
    }

    /// Prepares a run of another program in the same environment: a shell, or one that starts keyward in its turn.
    pub fn program<I, S>(&self, program: impl AsRef<OsStr>, arguments: I) -> Invocation
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.invocation(program.as_ref(), arguments)
    }

    fn invocation<I, S>(&self, program: &OsStr, arguments: I) -> Invocation
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let invocation = Invocation::new(&self.home, program, arguments);
        let with = |run: Invocation, (name, value)| run.env(name, value);
        self.variables().fold(invocation, with)
    }

    /// Prepares a run of the command that a hint, a warning or a remedy is or has in its first backticks: in a shell, as a
    /// person who copies it would, and without being asked.
    pub fn follow(&self, said: &str) -> Invocation {
        let is_command = |text: &&str| text.starts_with("keyward ");
        // A remedy is a command as it stands, and a name in it may have a backtick.
        let mut quoted = [said].into_iter().chain(said.split('`').nth(1));
        let command = quoted.find(is_command);
        let line = command.unwrap_or_else(|| panic!("{said} names no command of keyward's"));
        let line = &line["keyward ".len()..];
        let script = format!("\"$0\" --yes {line} \"$@\"");
        self.program("sh", ["-c", &script, KEYWARD])
    }

    /// Mints a key with the flags that follow its name and returns its secret.
    pub fn mint(&self, name: &str) -> String {
        self.mint_with(name, &[])
    }

    /// Mints a key with more flags and returns its secret.
    pub fn mint_with(&self, name: &str, flags: &[&str]) -> String {
        self.keyward(["mint", name]).args(flags).ok().line()
    }

    /// The key's object, as `show` has it beside what is left of its limits.
    #[must_use]
    pub fn show(&self, key: &str) -> Value {
        let mut shown = self.keyward(["show", key]).answer();
        let limits = shown.as_object_mut().map(|shown| shown.remove("limits"));
        limits.flatten().expect("limits");
        shown
    }

    /// The id of the key of this name.
    #[must_use]
    pub fn id_of(&self, name: &str) -> String {
        text(&self.show(name), "id")
    }

    /// The names in `list --json` with these flags, sorted, for comparisons that are not about order.
    #[must_use]
    pub fn listed(&self, flags: &[&str]) -> Vec<String> {
        let mut names = names(&self.keyward(["list"]).args(flags).answer()["keys"]);
        names.sort();
        names
    }

    /// Sends a secret to `verify --json`, asserts the exit status, the code and what follows from them, and returns
    /// the verdict.
    pub fn verdict(&self, secret: &str, flags: &[&str], exit: i32, code: &str) -> Value {
        let output = self.keyward(["--json", "verify"]).args(flags).stdin(secret).exit(exit);
        let verdict = output.json();
        let status = match exit {
            0 => 200,
            14 => 403,
            15 => 429,
            _ => 401,
        };
        assert_eq!(verdict["code"], code, "wrong code in {verdict:#}");
        assert_eq!(verdict["valid"], exit == 0, "wrong valid in {verdict:#}");
        assert_eq!(verdict["status"], status, "wrong HTTP status in {verdict:#}");
        verdict
    }

    /// Makes a workspace with these flags.
    pub fn workspace(&self, name: &str, flags: &[&str]) {
        self.keyward(["workspace", "create", name]).args(flags).ok();
    }

    /// Writes a file of mode 0600 into HOME and returns its path.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.join(name);
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .expect("a file can be made in the sandbox");
        file.write_all(content.as_bytes()).expect("a file in the sandbox can be written");
        path
    }

    /// The store's tables, for planting what no command can produce. Close it before keyward runs again.
    #[must_use]
    pub fn sqlite(&self) -> Connection {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        Connection::open_with_flags(self.store_path(), flags).expect("the store is a SQLite file")
    }

    /// Alters the store outside keyward: triggers that would forbid it are dropped and made again.
    pub fn tamper(&self, sql: &str) {
        if self.tamper_on_server(sql) {
            return;
        }
        let connection = self.sqlite();
        let triggers: Vec<(String, String)> = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .and_then(|mut rows| {
                rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .expect("the schema can be read");
        for (name, _) in &triggers {
            connection
                .execute_batch(&format!("DROP TRIGGER \"{name}\""))
                .expect("a trigger can be dropped");
        }
        connection.execute_batch(sql).expect("the planted change is accepted");
        for (_, definition) in &triggers {
            connection.execute_batch(definition).expect("the trigger can be put back");
        }
        connection.close().expect("the store can be closed");
    }

    /// Alters the store as somebody would who wrote its whole history again: nothing in the file tells, and keyward
    /// takes it as it stands. The trail begins with it; that of a store on a server goes on.
    pub fn rewrite(&self, sql: &str) {
        if self.tamper_on_server(sql) {
            return self.confirm_records();
        }
        self.tamper(&format!("{sql}; DELETE FROM audit; {}", older()));
        self.keyward(["store", "info"]).ok();
        let kept = format!("{}.schema-3", self.store_path().display());
        fs::remove_file(kept).expect("the store was kept as it was");
    }

    /// Presents a secret to `verify` until its verdict has this exit status, for expiries of a second.
    pub fn wait_for_verdict(&self, secret: &str, exit: i32) {
        let start = std::time::Instant::now();
        while self.keyward(["verify", "--no-record"]).stdin(secret).run().status != exit {
            assert!(
                start.elapsed().as_secs() < 20,
                "no verdict with exit status {exit} within 20 seconds"
            );
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// Whether a program the test needs is installed. Where it is not, says so and the test returns early; in CI
/// everything is installed, so there it is a failure.
#[must_use]
pub fn tool(name: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    let is_installed = std::env::split_paths(&path).any(|folder| {
        fs::metadata(folder.join(name))
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    });
    if !is_installed {
        assert!(
            variable("CI").is_none(),
            "{name} is not installed, and CI must not skip its tests"
        );
        skipped(&format!("{name} is not installed"));
    }
    is_installed
}

/// Says why a test looks at less than it could.
pub fn skipped(why: &str) {
    writeln!(std::io::stderr(), "skipped: {why}").expect("stderr can be written");
}

/// Whether the long forms of tests are asked for.
#[must_use]
pub fn is_thorough() -> bool {
    variable("KEYWARD_THOROUGH").is_some()
}

/// A variable of the environment the tests themselves run in.
#[expect(
    clippy::disallowed_methods,
    reason = "where programs are and whether this is CI is known to the environment of the tests alone"
)]
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A field that must be a string.
#[must_use]
pub fn text(object: &Value, field: &str) -> String {
    let value = object[field].as_str();
    value.unwrap_or_else(|| panic!("{field} is not a string in {object:#}")).to_owned()
}

/// A field that must be a time, in milliseconds since 1970.
#[must_use]
pub fn moment(object: &Value, field: &str) -> i64 {
    time::milliseconds(&text(object, field))
}

/// The names of an array of objects, in its order.
#[must_use]
pub fn names(objects: &Value) -> Vec<String> {
    let objects = objects.as_array().unwrap_or_else(|| panic!("not an array: {objects:#}"));
    objects.iter().map(|object| text(object, "name")).collect()
}

/// The names of an object's fields, sorted.
#[must_use]
pub fn fields(object: &Value) -> Vec<&str> {
    let object = object.as_object().unwrap_or_else(|| panic!("not an object: {object:#}"));
    let mut fields: Vec<&str> = object.keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}
