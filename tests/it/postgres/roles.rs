//! What each role may do, and what whoever owns the server cannot hide.

use super::{sandbox, schema};
use crate::support::server::Server;
use crate::support::{Sandbox, text};

/// Makes the roles that `store roles` prints, and one of each to log in as. Returns a sandbox of the store for it.
fn logged_in(owner: &Sandbox, server: &Server, role: &str) -> (Sandbox, String) {
    let schema = schema(owner);
    let roles = text(&owner.keyward(["store", "roles"]).answer(), "sql");
    if server.psql(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{schema}_admin'"))
        == "0"
    {
        server.psql(&roles);
    }
    let login = format!("{schema}_{role}_login");
    server.psql(&format!("CREATE ROLE {login} LOGIN IN ROLE {schema}_{role}"));
    let place = owner.place().expect("on a server").replace("user=owner", &format!("user={login}"));
    (Sandbox::in_place(place), login)
}

#[test]
fn the_verifier_role_verifies_and_counts_and_changes_nothing() {
    let Some(owner) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    owner.workspace("plans", &["--preset", "audioscrape", "--plan", "free"]);
    let limited = owner.mint_with("limited", &["-w", "plans"]);
    let secret = owner.mint_with("pay", &["-w", "plans"]);
    let (verifier, login) = logged_in(&owner, server, "verifier");
    assert_eq!(verifier.verdict(&secret, &[], 0, "valid")["recorded"], true);
    for _ in 0..10 {
        verifier.verdict(&limited, &[], 0, "valid");
    }
    verifier.verdict(&limited, &[], 15, "rate_limited");
    owner.keyward(["revoke", "pay", "-w", "plans", "--yes"]).ok();
    // The event of a revoked key's use is left out, and nothing is said of it.
    let events = || owner.keyward(["audit", "head"]).answer()["seq"].clone();
    let before = events();
    assert_eq!(verifier.keyward(["verify"]).stdin(&secret).exit(11).stderr, "");
    assert_eq!(events(), before);
    assert_eq!(verifier.listed(&["-w", "plans"]), ["limited"]);
    for command in [
        &["mint", "x", "-w", "plans"][..],
        &["revoke", "limited", "-w", "plans"],
        &["disable", "limited", "-w", "plans"],
        &["rename", "limited", "x", "-w", "plans"],
        &["workspace", "create", "x"],
        &["prune", "-w", "plans"],
    ] {
        let run = verifier.keyward(["--yes"]).args(command).run();
        let is_nothing_to_prune = command[0] == "prune" && run.status == 0;
        assert!(run.status == 8 || is_nothing_to_prune, "{}", run.transcript());
    }
    let schema = schema(&owner);
    for write in [
        "UPDATE {}.key SET state = 'active', revoked_at = NULL",
        "UPDATE {}.key SET scopes = '[]'",
        "INSERT INTO {}.ended VALUES (decode(repeat('00', 32), 'hex'))",
        "DELETE FROM {}.ended",
        "DELETE FROM {}.key",
        "UPDATE {}.workspace SET policy = ''",
        "INSERT INTO {}.setting VALUES ('a', 'b')",
        "UPDATE {}.head SET seq = 0",
        "SELECT 1 FROM {}.head FOR UPDATE",
        "UPDATE {}.clock SET seen = 0",
        "DELETE FROM {}.audit",
        "UPDATE {}.audit SET actor = 'x'",
        "TRUNCATE {}.usage",
        "DELETE FROM {}.meter",
        "INSERT INTO {}.revision VALUES (1, 1)",
        "CREATE TABLE {}.mine (x int)",
    ] {
        let (ok, said) = server.psql_as(&login, &write.replace("{}", &schema));
        assert!(!ok && (said.contains("permission denied")), "{write}: {said}");
    }
}

#[test]
fn the_admin_role_does_everything_but_edit_the_trail() {
    let Some(owner) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let (admin, login) = logged_in(&owner, server, "admin");
    let secret = admin.mint("pay");
    admin.verdict(&secret, &[], 0, "valid");
    admin.keyward(["rotate", "pay", "--now"]).ok();
    admin.keyward(["revoke", "pay", "--yes"]).ok();
    admin.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    admin.workspace("other", &[]);
    admin.keyward(["workspace", "delete", "other", "--yes"]).ok();
    admin.keyward(["store", "check"]).ok();
    let schema = schema(&owner);
    for write in [
        "UPDATE {}.audit SET actor = 'x'",
        "DELETE FROM {}.audit",
        "TRUNCATE {}.audit",
        "DELETE FROM {}.ended",
        "UPDATE {}.ended SET hash = hash",
        "DROP TABLE {}.audit",
        "ALTER TABLE {}.key ADD COLUMN x int",
    ] {
        let (ok, said) = server.psql_as(&login, &write.replace("{}", &schema));
        assert!(!ok, "{write}: {said}");
    }
}

#[test]
fn a_role_that_was_granted_nothing_is_exit_8() {
    let Some(owner) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    owner.mint("pay");
    let login = format!("{}_nobody", schema(&owner));
    server.psql(&format!("CREATE ROLE {login} LOGIN"));
    let place = owner.place().expect("on a server").replace("user=owner", &format!("user={login}"));
    let nobody = Sandbox::in_place(place);
    nobody.refuses(&["list"], 8, "permissions");
    nobody.refuses(&["mint", "x"], 8, "permissions");
}

#[test]
fn what_the_servers_owner_edits_is_damage() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let (pay, other) = (sandbox.mint("pay"), sandbox.mint("other"));
    sandbox.keyward(["revoke", "pay", "--yes"]).ok();
    let schema = schema(&sandbox);
    let mut stream = crate::support::stream::Stream::start(&sandbox, &[]);
    stream.expect(&pay, "revoked");
    server.psql(&format!(
        "UPDATE {schema}.key SET state = 'active', revoked_at = NULL WHERE name = 'pay'"
    ));
    sandbox.keyward(["verify"]).stdin(&pay).refused(9, "damaged");
    sandbox.refuses(&["show", "pay"], 9, "damaged");
    sandbox.keyward(["store", "check"]).exit(9);
    sandbox.verdict(&other, &[], 0, "valid");
    // Nor does it help to say that the key was never revoked.
    server.psql(&format!("DELETE FROM {schema}.ended"));
    sandbox.keyward(["verify"]).stdin(&pay).refused(9, "damaged");
    server.psql(&format!("DELETE FROM {schema}.audit WHERE action = 'key.revoke'"));
    sandbox.keyward(["store", "check"]).exit(9);
    sandbox.keyward(["audit", "verify"]).exit(9);
}

#[test]
fn no_secret_is_in_any_table() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let secret = sandbox.mint("pay");
    sandbox.verdict(&secret, &[], 0, "valid");
    let schema = schema(&sandbox);
    let tables = server.psql(&format!("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = '{schema}'::regnamespace"));
    assert!(tables.lines().count() > 10);
    let hidden = &secret[secret.len() - 30..];
    for table in tables.lines() {
        let rows = server.psql(&format!("SELECT * FROM {schema}.{table}"));
        assert!(!rows.contains(hidden), "{table}");
    }
}
