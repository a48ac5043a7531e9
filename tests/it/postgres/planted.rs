//! What was planted in a schema is refused before any of it can run.

use super::{sandbox, schema};
use crate::migrations::steps;
use crate::support::server::Server;

#[test]
fn a_planted_object_or_a_changed_table_is_refused_at_open() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let secret = sandbox.mint("pay");
    let schema = schema(&sandbox);
    for (plant, remove, named) in [
        ("CREATE VIEW {}.planted AS SELECT 1", "DROP VIEW {}.planted", "view planted"),
        (
            "CREATE FUNCTION public.f_{}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER planted BEFORE INSERT ON {}.ended FOR EACH ROW EXECUTE FUNCTION public.f_{}()",
            "DROP TRIGGER planted ON {}.ended; DROP FUNCTION public.f_{}()",
            "trigger planted on ended",
        ),
        (
            "CREATE RULE planted AS ON INSERT TO {}.ended DO INSTEAD NOTHING",
            "DROP RULE planted ON {}.ended",
            "rule planted on ended",
        ),
        (
            "CREATE POLICY planted ON {}.key USING (true)",
            "DROP POLICY planted ON {}.key",
            "policy planted on key",
        ),
        (
            "ALTER TABLE {}.key ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE {}.key DISABLE ROW LEVEL SECURITY",
            "table key with row security",
        ),
        ("ALTER TABLE {}.key ADD COLUMN planted int", "", "column key.planted"),
    ] {
        server.psql(&plant.replace("{}", &schema));
        let refusal = sandbox.keyward(["verify"]).stdin(&secret).refused(9, "damaged");
        let said = refusal["message"].as_str().expect("a message");
        assert!(said.contains(named), "{said}");
        for command in [&["mint", "x"][..], &["list"], &["store", "info"]] {
            sandbox.refuses(command, 9, "damaged");
        }
        if remove.is_empty() {
            continue;
        }
        server.psql(&remove.replace("{}", &schema));
        sandbox.verdict(&secret, &["--no-record"], 0, "valid");
    }
}

#[test]
fn an_heir_of_a_table_is_refused_at_open() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let schema = schema(&sandbox);
    server.psql(&format!("CREATE TABLE public.heir_{schema} () INHERITS ({schema}.key)"));
    sandbox.refuses(&["list"], 9, "damaged");
}

#[test]
fn a_missing_or_another_index_is_found_by_store_check() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let schema = schema(&sandbox);
    sandbox.mint("pay");
    server.psql(&format!(
        "DROP INDEX {schema}.key_name; CREATE INDEX key_name ON {schema}.key (name)"
    ));
    let found = sandbox.keyward(["--json", "store", "check"]).exit(9).json();
    assert!(found["problems"].to_string().contains("key_name"), "{found:#}");
    server.psql(&format!("DROP INDEX {schema}.key_name"));
    sandbox.refuses(&["list"], 9, "damaged");
}

#[test]
fn another_programs_schema_is_left_alone() {
    let Some(server) = Server::shared() else { return };
    let sandbox = crate::support::Sandbox::in_place(server.place());
    let schema = schema(&sandbox);
    server.psql(&format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.theirs (x int)"));
    sandbox.refuses(&["list"], 3, "store_not_found");
    sandbox.refuses(&["store", "create"], 9, "foreign");
    assert_eq!(server.psql(&format!("SELECT count(*) FROM {schema}.theirs")), "0");
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let schema = schema(&sandbox);
    server.psql(&format!("COMMENT ON SCHEMA {schema} IS 'keyward store 99'"));
    sandbox.refuses(&["list"], 9, "newer_store");
    sandbox.refuses(&["store", "create"], 9, "newer_store");
    server.psql(&format!("COMMENT ON SCHEMA {schema} IS 'keyward store 0'"));
    let refusal = sandbox.keyward(["list"]).refused(4, "conflict");
    assert!(refusal["hint"].as_str().is_some_and(|hint| hint.contains("store migrate")));
}

#[test]
fn a_store_of_the_first_schema_is_brought_up_to_date_by_its_owner() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let schema = schema(&sandbox);
    let secret = sandbox.mint("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    let steps = steps("postgres").into_iter().skip(1).collect::<String>();
    let added = steps.lines().filter_map(|line| {
        let (table, column) =
            line.strip_prefix("ALTER TABLE keyward.")?.split_once(" ADD COLUMN ")?;
        Some((table, column.split_whitespace().next()?))
    });
    for (table, column) in added {
        server.psql(&format!(
            "ALTER TABLE {schema}.{table} DROP COLUMN {}",
            column.trim_end_matches(';')
        ));
    }
    server.psql(&format!("COMMENT ON SCHEMA {schema} IS 'keyward store 1'"));
    sandbox.refuses(&["list"], 4, "conflict");
    sandbox.keyward(["store", "migrate"]).ok();
    assert_eq!(server.psql(&format!("SELECT furthest >= seen FROM {schema}.clock")), "t");
    sandbox.verdict(&secret, &[], 0, "valid");
}
