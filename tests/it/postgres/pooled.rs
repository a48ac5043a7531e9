//! A pooler in transaction mode between keyward and the server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{sandbox, schema};
use crate::support::server::{Server, as_unprivileged, unprivileged};
use crate::support::stream::Stream;
use crate::support::{Sandbox, tool};

/// A PgBouncer in front of a server. It is killed when it is dropped.
pub struct Pooler {
    folder: tempfile::TempDir,
    child: Child,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    pub fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (socket, data) = (server.socket().display(), folder.path().display());
        let config = format!(
            "[databases]\n* = host={socket} port=5432\n[pgbouncer]\npool_mode = transaction\nunix_socket_dir = {data}\nlisten_port = 5432\n\
            auth_type = trust\nauth_file = {data}/users\ndefault_pool_size = 2\nlogfile =\n"
        );
        for (name, text) in [("config", config.as_str()), ("users", "\"owner\" \"\"\n")] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("changed");
        if rustix::process::geteuid().is_root() {
            let (user, group) = unprivileged();
            chown(folder.path(), Some(user), Some(group)).expect("given away");
        }
        let child = as_unprivileged("pgbouncer".as_ref())
            .arg(folder.path().join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let start = Instant::now();
        while !folder.path().join(".s.PGSQL.5432").exists() {
            assert!(start.elapsed() < Duration::from_secs(10), "the pooler does not start");
            thread::sleep(Duration::from_millis(20));
        }
        Self { folder, child }
    }

    /// The store of a sandbox through the pooler.
    pub fn sandbox(&self, direct: &Sandbox) -> Sandbox {
        let folder = self.folder.path().display();
        let schema = schema(direct);
        Sandbox::in_place(format!("postgres:///postgres?host={folder}&user=owner&schema={schema}"))
    }
}

#[test]
fn a_pooler_in_transaction_mode_changes_nothing() {
    if !tool("pgbouncer") {
        return;
    }
    let Some(direct) = sandbox() else { return };
    let pooler = Pooler::start(Server::shared().expect("it is there"));
    let pooled = pooler.sandbox(&direct);
    pooled.mint("first");
    let mut streams: Vec<Stream> = (0..4).map(|_| Stream::start(&pooled, &[])).collect();
    for round in 0..8 {
        let secret = pooled.mint(&format!("key-{round}"));
        for stream in &mut streams {
            stream.expect(&secret, "valid");
            stream.expect(&secret, "valid");
        }
        // One in two goes past the pooler.
        let by = if round % 2 == 0 { &pooled } else { &direct };
        by.keyward(["revoke", &format!("key-{round}"), "--yes"]).ok();
        for stream in &mut streams {
            stream.expect(&secret, "revoked");
        }
    }
    pooled.keyward(["ensure", "worker", "--out", "worker.key"]).ok();
    pooled.keyward(["list", "--all"]).ok();
    pooled.keyward(["store", "check"]).ok();
}
