//! PostgreSQL servers that the tests make themselves: as an unprivileged user, in a temporary folder, reached through a socket there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{skipped, variable};

/// That of the socket's name; nothing listens there.
const PORT: u16 = 5432;

/// Durability is tested by killing the server, which the operating system outlives.
const SETTINGS: &str = "
listen_addresses = ''
unix_socket_permissions = 0777
fsync = off
full_page_writes = off
recovery_init_sync_method = syncfs
max_connections = 120
shared_buffers = 32MB
max_wal_size = 128MB
log_min_messages = warning
wal_level = replica
max_wal_senders = 4
";

/// Whoever is named so logs in by password; everybody else is let in.
const ACCESS: &str = "
local replication all trust
local all by_password scram-sha-256
local all all trust
hostssl all all 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
";

/// A server, which ends with this.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// The network namespace that it listens in, if it is not that of the tests.
    namespace: Option<String>,
    postmaster: std::sync::Mutex<Option<Child>>,
    stores: AtomicUsize,
    // Ends the server when this process ends, however it does.
    _watch: Child,
}

impl Server {
    /// The server that tests share; nothing where PostgreSQL is not installed.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("")).as_ref()
    }

    /// A server of one's own with these settings more.
    pub fn start(settings: &str) -> Option<Self> {
        Self::start_at(PORT, settings, &[])
    }

    /// A server that listens in this network namespace on every address of it, to whoever comes from there.
    pub fn within(namespace: &str) -> Option<Self> {
        let access = format!("{ACCESS}host all all samenet trust\n");
        let settings = format!("{SETTINGS}listen_addresses = '*'\n");
        let (folder, programs) = Self::made(&[("pg_hba.conf", &access)])?;
        Some(Self::begin(folder, programs, PORT, &settings, Some(namespace.to_owned())))
    }

    /// The same at a port, with these files in its folder of data.
    pub fn start_at(port: u16, settings: &str, files: &[(&str, &str)]) -> Option<Self> {
        let (folder, programs) = Self::made(files)?;
        Some(Self::begin(folder, programs, port, &format!("{SETTINGS}{settings}"), None))
    }

    /// A folder of data with these files in it, and the programs that made it.
    fn made(files: &[(&str, &str)]) -> Option<(TempDir, PathBuf)> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("keyward-postgres-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder can be made");
        if geteuid().is_root() {
            let (user, group) = unprivileged();
            chown(folder.path(), Some(user), Some(group)).expect("a folder can be given away");
        }
        let data = folder.path().join("data");
        let made = as_unprivileged(&programs.join("initdb"))
            .args(["-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "-D"])
            .arg(&data)
            .output()
            .expect("initdb can be started");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(data.join("pg_hba.conf"), ACCESS).expect("written");
        for (name, text) in files {
            let path = data.join(name);
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
            if geteuid().is_root() {
                let (user, group) = unprivileged();
                chown(&path, Some(user), Some(group)).expect("a file can be given away");
            }
        }
        Some((folder, programs))
    }

    fn begin(
        folder: TempDir,
        programs: PathBuf,
        port: u16,
        settings: &str,
        namespace: Option<String>,
    ) -> Self {
        let data = folder.path().join("data");
        let config = data.join("postgresql.conf");
        let socket = format!("unix_socket_directories = '{}'\n", folder.path().display());
        let before = fs::read_to_string(&config).expect("read");
        fs::write(&config, format!("{before}\n{settings}\nport = {port}\n{socket}"))
            .expect("written");
        let script = "cat >/dev/null; pid=$(head -n 1 \"$0/data/postmaster.pid\" 2>/dev/null) && kill -INT \"$pid\"; for i in 1 2 3 4 5 6 7 8 9; do [ -e \"$0/data/postmaster.pid\" ] || break; sleep 0.5; done; rm -rf \"$0\"";
        let watch = Command::new("sh")
            .args(["-c", script])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let server = Self {
            folder,
            programs,
            port,
            namespace,
            postmaster: std::sync::Mutex::new(None),
            stores: AtomicUsize::new(0),
            _watch: watch,
        };
        server.restart();
        server
    }

    /// A standby of this one, which has all that it has.
    pub fn standby(&self) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("keyward-postgres-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder can be made");
        if geteuid().is_root() {
            let (user, group) = unprivileged();
            chown(folder.path(), Some(user), Some(group)).expect("a folder can be given away");
        }
        let copied = as_unprivileged(&self.programs.join("pg_basebackup"))
            .args(["-U", "owner", "-R", "-c", "fast", "-h"])
            .arg(self.socket())
            .arg("-D")
            .arg(folder.path().join("data"))
            .output()
            .expect("pg_basebackup can be started");
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        Self::begin(folder, self.programs.clone(), self.port, "", None)
    }

    /// Makes a standby a server of its own.
    pub fn promote(&self) {
        self.psql("SELECT pg_promote()");
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// The URI of a store that does not exist yet.
    pub fn place(&self) -> String {
        let number = self.stores.fetch_add(1, Ordering::Relaxed);
        self.uri(&format!("store_{number}"))
    }

    /// The URI of the store in a schema.
    pub fn uri(&self, schema: &str) -> String {
        format!("postgres:///postgres?host={}&user=owner&schema={schema}", self.socket().display())
    }

    /// Runs SQL as the owner and returns what it prints.
    pub fn psql(&self, sql: &str) -> String {
        let (ok, text) = self.psql_as("owner", sql);
        assert!(ok, "{sql}\n{text}");
        text
    }

    /// Runs SQL as a role. Says whether it went well, and what it printed.
    pub fn psql_as(&self, role: &str, sql: &str) -> (bool, String) {
        let ran = Command::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                role,
                "-d",
                "postgres",
                "-h",
            ])
            .arg(self.socket())
            .args(["-p", &self.port.to_string(), "-c", sql])
            .output()
            .expect("psql can be started");
        let text = [ran.stdout, ran.stderr].concat();
        (ran.status.success(), String::from_utf8_lossy(&text).trim_end().to_owned())
    }

    /// Kills it at once, with all its processes: those that serve a connection would else answer for a moment more.
    pub fn kill(&self) {
        let postmaster = self.postmaster.lock().expect("one at a time").take();
        let mut postmaster = postmaster.expect("it is running");
        signal(&processes(&postmaster), Signal::KILL);
        postmaster.wait().expect("it ends");
    }

    /// Stops the server and all its processes: they keep their connections, take new ones, and answer nothing, until this is
    /// dropped.
    pub fn pause(&self) -> Paused {
        let postmaster = self.postmaster.lock().expect("one at a time");
        let paused = processes(postmaster.as_ref().expect("it is running"));
        signal(&paused, Signal::STOP);
        Paused(paused)
    }

    /// Starts it, again.
    pub fn restart(&self) {
        let start = Instant::now();
        // Those it leaves behind have to end first.
        while start.elapsed() < Duration::from_secs(30) {
            let mut postgres = as_unprivileged(&self.programs.join("postgres"));
            if let Some(namespace) = &self.namespace {
                let program = postgres.get_program().to_owned();
                let mut within = Command::new("ip");
                within.args(["netns", "exec", namespace]).arg(program).args(postgres.get_args());
                postgres = within;
            }
            let mut postmaster = postgres
                .arg("-D")
                .arg(self.folder.path().join("data"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the server can be started");
            while postmaster.try_wait().expect("asked").is_none() {
                if self.psql_as("owner", "SELECT 1").0 {
                    *self.postmaster.lock().expect("one at a time") = Some(postmaster);
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("the server does not start");
    }

    /// Ends every connection to it but that which says so.
    pub fn cut_all(&self) {
        self.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
    }
}

/// A server's processes, which are stopped.
pub struct Paused(Vec<Pid>);

impl Drop for Paused {
    fn drop(&mut self) {
        signal(&self.0, Signal::CONT);
    }
}

/// A server's processes, that which starts the others in front.
fn processes(postmaster: &Child) -> Vec<Pid> {
    let id = postmaster.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("it runs");
    let children = children.split_ascii_whitespace().map(|id| id.parse().expect("a number"));
    [id as i32].into_iter().chain(children).filter_map(Pid::from_raw).collect()
}

fn signal(processes: &[Pid], signal: Signal) {
    for process in processes {
        // One that has ended does nothing anyway.
        let _ = kill_process(*process, signal);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(Some(postmaster)) = self.postmaster.lock().map(|mut postmaster| postmaster.take())
        {
            // It was made to end fast; one that has ended already is as well.
            let _ = kill_process(Pid::from_child(&postmaster), Signal::INT);
            let mut postmaster = postmaster;
            let _ = postmaster.wait();
        }
    }
}

/// The rows of SQL that is run in the store of this URI by whoever owns it.
pub fn rows_at(place: &str, sql: &str) -> Vec<Vec<String>> {
    let (uri, schema) = place.rsplit_once("&schema=").expect("the schema comes last");
    let programs = programs().expect("PostgreSQL is installed");
    let ran = Command::new(programs.join("psql"))
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-F", "\u{1f}", "-R", "\u{1e}"])
        .args(["-d", uri, "-c", sql])
        .env("PGOPTIONS", format!("-c search_path={schema}"))
        .output()
        .expect("psql can be started");
    assert!(ran.status.success(), "{sql}\n{}", String::from_utf8_lossy(&ran.stderr));
    let text = String::from_utf8(ran.stdout).expect("it is text");
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let rows = text.split('\u{1e}').filter(|row| !row.is_empty());
    rows.map(|row| row.split('\u{1f}').map(str::to_owned).collect()).collect()
}

/// Where PostgreSQL's programs are.
fn programs() -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    let found = folders.into_iter().find(|folder| folder.join("initdb").exists());
    if found.is_none() {
        assert!(
            variable("CI").is_none(),
            "initdb is not installed, and CI must not skip its tests"
        );
        skipped("initdb is not installed");
    }
    found
}

/// A program of PostgreSQL's, which root may not start as root.
pub fn as_unprivileged(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let (user, group) = unprivileged();
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={user}"))
        .arg(format!("--regid={group}"))
        .arg("--clear-groups")
        .arg(program)
        .current_dir("/");
    command
}

/// The user and group of `nobody`.
pub fn unprivileged() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let nobody = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_nobody = fields.next() == Some("nobody");
        let mut numbers = fields.skip(1).map_while(|field| field.parse().ok());
        is_nobody.then(|| numbers.next().zip(numbers.next())).flatten()
    });
    nobody.unwrap_or((65534, 65534))
}
