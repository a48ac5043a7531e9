//! The list of the tests that do not run on the second engine names what exists, and says why of each.

use std::process::Command;

/// The list: on each line the beginning of tests' names, and after it the reason.
const LIST: &str = include_str!("../not-on-a-server");

/// The beginnings and the reasons.
fn listed() -> Vec<(&'static str, &'static str)> {
    let lines = LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap_or((line, ""))).collect()
}

/// The names of all tests.
fn tests() -> Vec<String> {
    let own = std::env::current_exe().expect("the test knows its own binary");
    let listed = Command::new(own).arg("--list").output().expect("it can be started");
    let text = String::from_utf8(listed.stdout).expect("names are text");
    text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

#[test]
fn every_line_of_the_list_names_tests_that_exist_and_says_why() {
    let tests = tests();
    assert!(tests.len() > 1_000, "only {} tests", tests.len());
    for (beginning, reason) in listed() {
        assert!(reason.trim().len() > 8, "{beginning} stands there without a reason");
        let is_only_on_servers = beginning == "postgres::" && !cfg!(feature = "postgres");
        let is_named = tests.iter().any(|name| name.starts_with(beginning));
        assert!(is_named || is_only_on_servers, "no test begins with {beginning}");
    }
}

#[test]
fn a_test_is_left_out_once() {
    let listed = listed();
    for (nth, (one, _)) in listed.iter().enumerate() {
        let twice = listed
            .iter()
            .enumerate()
            .find(|(other, (name, _))| *other != nth && one.starts_with(name));
        assert!(twice.is_none(), "{one} is in {twice:?} already");
    }
}
