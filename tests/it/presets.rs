//! The shipped policies survive being printed and read again.

use crate::support::{Sandbox, text};

const PRESETS: [&str; 6] =
    ["default", "amazonscraperapi", "azscraper", "audioscrape", "amser", "scrapewise"];

#[test]
fn every_preset_survives_being_printed_and_read_again() {
    for preset in PRESETS {
        let sandbox = Sandbox::with_workspace("original", &["--preset", preset]);
        let printed = sandbox.keyward(["workspace", "show", "original", "--policy"]).ok().stdout;
        let path = sandbox.file("policy.toml", &printed);
        sandbox.keyward(["workspace", "create", "copy", "--policy"]).args([path]).ok();
        assert_eq!(
            sandbox.keyward(["workspace", "show", "copy", "--policy"]).ok().stdout,
            printed,
            "{preset}"
        );
        let policy =
            |name: &str| sandbox.keyward(["workspace", "show", name]).answer()["policy"].clone();
        assert_eq!(policy("copy"), policy("original"), "{preset}");
    }
}

#[test]
fn a_changed_policy_survives_it_too() {
    let sandbox = Sandbox::new();
    let flags = [
        "--preset",
        "scrapewise",
        "--prefix",
        "acme",
        "--environments",
        "live",
        "--active-key-cap",
        "7",
        "--default-lifetime",
        "30d",
        "--maximum-lifetime",
        "1y",
        "--rotation-grace",
        "2h",
        "--usage-retention",
        "1w",
    ];
    sandbox.workspace("original", &flags);
    let printed = sandbox.keyward(["workspace", "show", "original", "--policy"]).ok().stdout;
    for part in ["acme", "7", "30d", "2h"] {
        assert!(printed.contains(part), "no {part} in\n{printed}");
    }
    let path = sandbox.file("policy.toml", &printed);
    sandbox.keyward(["workspace", "set", "original", "--policy"]).args([path]).ok();
    assert_eq!(sandbox.keyward(["workspace", "show", "original", "--policy"]).ok().stdout, printed);
}

#[test]
fn a_workspace_remembers_its_preset() {
    let sandbox = Sandbox::new();
    for preset in PRESETS {
        let workspace =
            sandbox.keyward(["workspace", "create", preset, "--preset", preset]).answer();
        assert_eq!(text(&workspace, "preset"), preset);
    }
}

#[test]
fn no_preset_is_the_default_preset() {
    let sandbox = Sandbox::with_workspace("a", &[]);
    sandbox.workspace("b", &["--preset", "default"]);
    let policy = |name: &str| sandbox.keyward(["workspace", "show", name, "--policy"]).ok().stdout;
    assert_eq!(policy("a"), policy("b"));
    assert!(policy("a").contains("{prefix}_{env}_{short:12}{secret:32}{crc}"));
}

#[test]
fn every_preset_mints_a_key_that_verifies() {
    for preset in PRESETS {
        let sandbox = Sandbox::with_workspace("acme", &["--preset", preset]);
        let flags: &[&str] = if preset == "scrapewise" { &["--scope", "USER"] } else { &[] };
        let secret = sandbox.mint_with("ci", flags);
        let verdict = sandbox.verdict(&secret, &[], 0, "valid");
        assert!(secret.starts_with(&text(&verdict["subject"], "prefix")), "{preset}: {verdict:#}");
    }
}
