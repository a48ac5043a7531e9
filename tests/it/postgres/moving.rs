//! Records that move from a file to a server and back.

use super::sandbox;
use crate::support::Sandbox;

fn export(sandbox: &Sandbox) -> String {
    sandbox.keyward(["store", "export"]).ok().stdout
}

#[test]
fn a_store_moves_either_way_and_every_secret_verifies_alike() {
    let Some(server) = sandbox() else { return };
    let file = Sandbox::new();
    file.workspace("acme", &["--preset", "amazonscraperapi"]);
    let mut secrets = Vec::new();
    for (name, flags) in [
        ("plain", &[][..]),
        ("bound", &["--allow", "192.0.2.0/24"]),
        ("owned", &["--owner", "ops", "--label", "team=core", "--expires", "90d"]),
        ("paused", &[]),
        ("gone", &[]),
        ("old", &[]),
    ] {
        secrets.push(file.mint_with(name, &[&["-w", "acme"], flags].concat()));
    }
    file.keyward(["disable", "paused", "-w", "acme"]).ok();
    file.keyward(["revoke", "gone", "-w", "acme", "--yes"]).ok();
    secrets.push(file.keyward(["rotate", "old", "-w", "acme"]).ok().line());
    let lines = export(&file);
    server.keyward(["store", "import", "-"]).stdin(&lines).ok();
    assert_eq!(export(&server), lines);
    let back = Sandbox::new();
    back.keyward(["store", "import", "-"]).stdin(export(&server)).ok();
    assert_eq!(export(&back), lines);
    for secret in &secrets {
        let code = |sandbox: &Sandbox| {
            let run = sandbox.keyward(["--json", "verify", "--no-record"]).stdin(secret).run();
            (run.status, run.json()["code"].clone())
        };
        assert_eq!(code(&server), code(&file));
        assert_eq!(code(&back), code(&file));
    }
    server.keyward(["store", "check"]).ok();
    // Again is not a change.
    let again = server.keyward(["store", "import", "-"]).stdin(&lines).answer();
    let results = again["results"].as_array().expect("a list");
    assert!(results.iter().all(|result| result["code"] == "unchanged"), "{again:#}");
}
