//! The README's code blocks, for the tests that run them, so that they cannot rot.

use std::ffi::OsString;
use std::path::Path;

use super::{KEYWARD, variable};

/// The README.
pub const README: &str = include_str!("../../../README.md");

/// What stands under a heading, which begins with its `#`s, until the next one of any depth.
#[must_use]
pub fn section(heading: &str) -> &'static str {
    let section = README.split_once(&format!("\n{heading}\n"));
    let section = section.unwrap_or_else(|| panic!("the README has no {heading}"));
    section.1.split("\n#").next().unwrap_or_default()
}

/// The first code block of a language under a heading, every line of it ended.
#[must_use]
pub fn block(heading: &str, language: &str) -> &'static str {
    let opening = format!("\n```{language}\n");
    let opened = section(heading).split_once(&opening);
    let code = opened.unwrap_or_else(|| panic!("there is no {language} under {heading}"));
    let end = code.1.find("\n```").expect("the code ends");
    &code.1[..=end]
}

/// The tests' PATH with the folder of the built keyward in front.
#[must_use]
pub fn path_with_keyward() -> OsString {
    let folder = Path::new(KEYWARD).parent().expect("a folder");
    let path = variable("PATH").expect("a PATH");
    let folders = std::env::split_paths(&path);
    std::env::join_paths([folder.to_owned()].into_iter().chain(folders))
        .expect("folders without colons")
}
