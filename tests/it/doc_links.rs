//! Every link from one Markdown file of the repository to another leads somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::docs::PAGES;
use crate::support::files::names_in;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The repository's Markdown files.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in ["", "docs", "fuzz", "tests/vectors"] {
        for name in names_in(repository().join(folder)) {
            if name.ends_with(".md") {
                pages.push(Path::new(folder).join(name));
            }
        }
    }
    pages
}

/// The lines of a page that are in no code block.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let anchor = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// What the links of a page name: a path, if it is another file, and an anchor, if there is one.
fn targets(text: &str) -> Vec<(String, Option<String>)> {
    let mut targets = Vec::new();
    // A link's text may be broken over two lines.
    let text = prose(text).collect::<Vec<_>>().join("\n");
    for (at, _) in text.match_indices("](") {
        let target = text[at + 2..].split(')').next().unwrap_or_default();
        if !target.contains("://") {
            let (path, anchor) = match target.split_once('#') {
                Some((path, anchor)) => (path, Some(anchor.to_owned())),
                None => (target, None),
            };
            targets.push((path.to_owned(), anchor));
        }
    }
    targets
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    let mut count = 0;
    for page in pages() {
        let read = |path: &Path| fs::read_to_string(repository().join(path)).unwrap_or_default();
        let text = read(&page);
        for (path, anchor) in targets(&text) {
            count += 1;
            let file = match path.as_str() {
                "" => page.clone(),
                path => page.with_file_name("").join(path),
            };
            let is_known = |anchor: &String| anchors(&read(&file)).contains(anchor);
            if !repository().join(&file).exists() || !anchor.as_ref().is_none_or(is_known) {
                broken.push(format!("{}: {path}#{anchor:?}", page.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
    assert!(count > 40, "only {count} links were found");
}

#[test]
fn every_page_of_docs_is_run_and_named_in_the_readme() {
    let readme = PAGES[0];
    for name in names_in(repository().join("docs")) {
        let path = format!("docs/{name}");
        assert!(PAGES.iter().any(|page| page.path == path), "{path}");
        assert!(readme.text.contains(&format!("({path})")), "{path}");
    }
}

/// Names in backticks that begin with a folder of the repository; a module's short name does not.
#[test]
fn every_file_that_a_page_names_exists() {
    let (mut missing, mut count) = (Vec::new(), 0);
    for page in ["CONTRIBUTING.md", "SECURITY.md", "docs/design.md"] {
        let text = fs::read_to_string(repository().join(page)).expect("it is a page");
        let roots = ["src/", "tests/", "docs/", "fuzz/", "examples/", "release/"];
        let named = text.split('`').skip(1).step_by(2);
        let is_file = |name: &&str| roots.iter().any(|root| name.starts_with(root));
        for name in named.filter(is_file) {
            let name = name.split(' ').next().unwrap_or_default();
            count += 1;
            if !repository().join(name).exists() && !name.contains("VERB") {
                missing.push(format!("{page}: {name}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(count > 60, "only {count} names were found");
}

#[test]
fn an_anchor_is_made_as_github_makes_it() {
    let page =
        "# A\n## A repository's secret\n```\n# none\n```\n## Every quarter, by cron\n### Node.js\n";
    let expected = ["a", "a-repositorys-secret", "every-quarter-by-cron", "nodejs"];
    assert_eq!(anchors(page), expected);
}
