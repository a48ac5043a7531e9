//! The pages of the documentation and their code blocks, for the tests that run them.

use std::ffi::OsString;
use std::path::Path;

use super::{KEYWARD, variable};

/// A page: its path in the repository, and its text.
#[derive(Clone, Copy)]
pub struct Page {
    pub path: &'static str,
    pub text: &'static str,
}

macro_rules! pages {
    ($($name:ident = $path:literal),*) => {
        $(pub const $name: Page = Page { path: $path, text: include_str!(concat!("../../../", $path)) };)*
        /// Every page of `docs/`, and the README.
        pub const PAGES: &[Page] = &[$($name),*];
    };
}

pages!(
    README = "README.md",
    GUIDE = "docs/guide.md",
    POLICIES = "docs/policies.md",
    RECIPES = "docs/recipes.md",
    SERVICES = "docs/services.md",
    GATEWAYS = "docs/gateways.md",
    POSTGRES = "docs/postgres.md",
    COMING_FROM = "docs/coming-from.md",
    SCRIPTING = "docs/scripting.md",
    LEAKS = "docs/leaks.md",
    DESIGN = "docs/design.md"
);

impl Page {
    /// What stands under a heading, which begins with its `#`s, until the next one of any depth.
    #[must_use]
    pub fn section(self, heading: &str) -> &'static str {
        let section = self.text.split_once(&format!("\n{heading}\n"));
        let section = section.unwrap_or_else(|| panic!("{} has no {heading}", self.path));
        section.1.split("\n#").next().unwrap_or_default()
    }

    /// The first code block of a language under a heading, every line of it ended.
    #[must_use]
    pub fn block(self, heading: &str, language: &str) -> &'static str {
        let opening = format!("\n```{language}\n");
        let opened = self.section(heading).split_once(&opening);
        let code = opened.unwrap_or_else(|| panic!("there is no {language} under {heading}"));
        let end = code.1.find("\n```").expect("the code ends");
        &code.1[..=end]
    }

    /// Every line with the language of the block that it stands in; the fences are in none.
    pub fn lines(self) -> impl Iterator<Item = (Option<&'static str>, &'static str)> {
        let mut language = None;
        self.text.lines().map(move |line| {
            let Some(fence) = line.strip_prefix("```") else {
                return (language, line);
            };
            language = language.is_none().then_some(fence);
            (None, line)
        })
    }
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
