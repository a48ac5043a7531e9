//! Passwords, service files and TLS: where they come from, and what is refused.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::sandbox;
use crate::support::server::Server;
use crate::support::{Sandbox, text, tool};

const PASSWORD: &str = "correct horse 100%";

/// A sandbox whose store's role logs in by a password, which it has not got.
fn by_password() -> Option<(Sandbox, String)> {
    let owner = sandbox()?;
    owner.mint("pay");
    let server = Server::shared()?;
    if server.psql("SELECT count(*) FROM pg_roles WHERE rolname = 'by_password'") == "0" {
        // Another test may be first.
        let made = format!("CREATE ROLE by_password LOGIN SUPERUSER PASSWORD '{PASSWORD}'");
        let _ = server.psql_as("owner", &made);
    }
    let place = owner.place().expect("on a server").replace("user=owner", "user=by_password");
    Some((Sandbox::in_place(place.clone()), place))
}

#[test]
fn a_password_in_the_arguments_or_a_variable_is_refused_and_never_repeated() {
    let sandbox = Sandbox::new();
    for place in [
        "postgres://alice:hunter2@db/keys",
        "postgresql://alice:hunter2@db/keys",
        "postgres:///keys?user=alice&password=hunter2",
        "postgres:///keys?p%61ssword=hunter2",
    ] {
        let runs = [
            sandbox.keyward(["list", "--store", place]),
            sandbox.keyward([&format!("--store={place}"), "mint", "x"]),
            sandbox.keyward(["show", place]),
            sandbox.keyward(["no-such-command", place]),
            sandbox.keyward(["list"]).env("KEYWARD_STORE", place),
        ];
        for run in runs {
            let output = run.exit(2);
            assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
            assert!(output.stderr.contains("password"), "{}", output.stderr);
        }
    }
}

#[test]
fn a_password_comes_from_a_private_file_or_a_variable() {
    let Some((sandbox, place)) = by_password() else { return };
    let list = || sandbox.keyward(["list"]);
    list().refused(8, "permissions");
    list().env("PGPASSWORD", PASSWORD).ok();
    let refusal = list().env("PGPASSWORD", "wrong").refused(8, "permissions");
    assert!(!refusal.to_string().contains("wrong"), "{refusal:#}");
    let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    let file = sandbox.file(
        "passwords",
        &format!("# ours\nelsewhere:*:*:*:nothing\n*:*:postgres:by_password:{escaped}\n"),
    );
    list().env("PGPASSFILE", &file).ok();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("changed");
    let refusal = list().env("PGPASSFILE", &file).refused(8, "permissions");
    assert!(
        refusal["hint"].as_str().is_some_and(|hint| hint.starts_with("chmod 600")),
        "{refusal:#}"
    );
    fs::rename(&file, sandbox.home().join(".pgpass")).expect("moved");
    list().refused(8, "permissions");
    fs::set_permissions(sandbox.home().join(".pgpass"), fs::Permissions::from_mode(0o600))
        .expect("changed");
    list().ok();
    fs::remove_file(sandbox.home().join(".pgpass")).expect("removed");
    let schema = place.rsplit_once("schema=").expect("a schema").1;
    let folder = Server::shared().expect("it is there").socket().display().to_string();
    let service = format!(
        "[other]\nhost=nowhere\n[keys]\nhost={folder}\nuser=by_password\ndbname=postgres\npassword={PASSWORD}\nschema={schema}\n"
    );
    let file = sandbox.file(".pg_service.conf", &service);
    let by_service = || sandbox.keyward(["list", "--store", "postgres://?service=keys"]);
    by_service().ok();
    sandbox.keyward(["list", "--store", "postgres://?service=absent"]).refused(2, "usage");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
    by_service().refused(8, "permissions");
}

#[test]
fn no_delivery_command_inherits_the_password() {
    let Some((sandbox, _)) = by_password() else { return };
    let run = sandbox.keyward(["mint", "x", "--", "sh", "-c", "cat >/dev/null; env > seen"]);
    run.env("PGPASSWORD", PASSWORD).ok();
    let seen = fs::read_to_string(sandbox.home().join("seen")).expect("it ran");
    assert!(seen.contains("HOME=") && !seen.contains("PGPASSWORD"), "{seen}");
}

#[test]
fn the_password_is_in_no_process_arguments_nor_in_what_is_said() {
    let Some((sandbox, _)) = by_password() else { return };
    for command in [
        &["store", "info", "--json"][..],
        &["store", "info"],
        &["mint", "pay"],
        &["show", "nothing"],
    ] {
        let output = sandbox.keyward(command).env("PGPASSWORD", PASSWORD).run();
        assert!(!format!("{}{}", output.stdout, output.stderr).contains(PASSWORD));
    }
}

/// Makes an authority and a certificate for this name of it, in the sandbox. Returns the texts of certificate and key.
fn certificate(sandbox: &Sandbox, authority: &str, name: &str) -> [String; 2] {
    let script = format!(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN={authority} -keyout {authority}.key -out {authority}.crt
        openssl req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr
        printf 'subjectAltName=DNS:{name}' > {name}.ext
        openssl x509 -req -in {name}.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial -days 9 -extfile {name}.ext -out {name}.crt"
    );
    sandbox.program("sh", ["-e", "-c", &script]).ok();
    [format!("{name}.crt"), format!("{name}.key")]
        .map(|file| fs::read_to_string(sandbox.home().join(file)).expect("made"))
}

#[test]
fn over_a_network_the_certificate_and_its_name_are_verified() {
    if !tool("openssl") {
        return;
    }
    let files = Sandbox::new();
    let [certificate_of_host, key] = certificate(&files, "ours", "localhost");
    certificate(&files, "theirs", "elsewhere");
    // Free a moment ago, which is as much as can be known.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let settings = "ssl = on\nssl_cert_file = 'own.crt'\nssl_key_file = 'own.key'\nlisten_addresses = '127.0.0.1'\n";
    let own = [("own.crt", certificate_of_host.as_str()), ("own.key", key.as_str())];
    let Some(server) = Server::start_at(port, settings, &own) else { return };
    server.psql(&format!("CREATE ROLE by_password LOGIN SUPERUSER PASSWORD '{PASSWORD}'"));
    let place = |host: &str, more: &str| {
        format!("postgres://by_password@{host}:{port}/postgres?schema=s{more}")
    };
    let run = |place: String, command: &[&str]| {
        files.keyward(command).args(["--store", &place]).env("PGPASSWORD", PASSWORD)
    };
    let ours = format!("&sslrootcert={}", files.home().join("ours.crt").display());
    let theirs = format!("&sslrootcert={}", files.home().join("theirs.crt").display());
    run(place("localhost", &ours), &["store", "create"]).ok();
    run(place("localhost", &ours), &["list"]).ok();
    let is_tls = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'by_password'";
    let mut held =
        files.keyward(["mint", "x", "--store", &place("localhost", &ours), "--", "sleep", "1"]);
    held = held.env("PGPASSWORD", PASSWORD);
    std::thread::scope(|scope| {
        let minting = scope.spawn(|| held.run());
        std::thread::sleep(std::time::Duration::from_millis(600));
        assert_eq!(server.psql(is_tls), "t");
        drop(minting.join());
    });
    // Nobody vouches for it, somebody else does, or it is for another name.
    run(place("localhost", ""), &["list"]).refused(7, "io");
    run(place("localhost", &theirs), &["list"]).refused(7, "io");
    run(place("127.0.0.1", &ours), &["list"]).refused(7, "io");
    // Less is for whoever says so.
    run(place("127.0.0.1", &format!("{ours}&sslmode=verify-ca")), &["list"]).ok();
    run(place("127.0.0.1", &format!("{theirs}&sslmode=verify-ca")), &["list"]).refused(7, "io");
    run(place("127.0.0.1", "&sslmode=require"), &["list"]).ok();
    run(place("127.0.0.1", "&sslmode=disable"), &["list"]).ok();
    run(place("127.0.0.1", "&sslmode=what"), &["list"]).refused(2, "usage");
    // A server that has no TLS is not spoken to without.
    server.psql("ALTER SYSTEM SET ssl = off");
    server.psql("SELECT pg_reload_conf()");
    let start = std::time::Instant::now();
    while run(place("localhost", &ours), &["list"]).run().status != 7 {
        assert!(start.elapsed().as_secs() < 10, "it was spoken to without TLS");
    }
    // That is the reason, whether or not there is a password.
    let refused = files.keyward(["list", "--store", &place("localhost", "")]).refused(7, "io");
    assert!(text(&refused, "message").contains("does not support TLS"), "{refused}");
    assert!(text(&refused, "hint").contains("sslmode=disable"), "{refused}");
    run(place("localhost", "&sslmode=disable"), &["list"]).ok();
}
