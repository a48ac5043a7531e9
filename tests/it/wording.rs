//! How keyward speaks: phrases that are not plain English are nowhere in help, manual pages, documents, messages and comments.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Sandbox;

/// What has a plainer word, and that word.
const BANNED: [(&str, &str); 22] = [
    ("for ever ", "permanently"),
    ("nothing changed", "no change"),
    ("is so already", "already has these values"),
    ("is there already", "already exists"),
    ("there is nothing", "no X"),
    ("is no head", "is not a head"),
    ("is no key", "is not a key"),
    ("mends", "fixes"),
    (" anew", "again"),
    ("take it in", "import it"),
    ("took the rotation", "cancelled the rotation"),
    ("put aside", "kept"),
    ("in the place of the present", "replace the current"),
    ("the present store", "the current store"),
    ("believed", "accepted"),
    ("has seen", "has recorded"),
    ("dead key", "revoked or expired key"),
    ("living key", "live key"),
    ("behind keyward's back", "outside keyward"),
    ("and mean it", ""),
    ("whatever else is in", "replacing"),
    ("let pass", "accepted"),
];

/// The same of what users read; in comments these phrases are plain enough.
const BANNED_FROM_USERS: [(&str, &str); 8] = [
    ("judge", "verify"),
    (" whoever ", "anyone who"),
    (" a line each", "one per line"),
    (" object a line", "per line"),
    (" record a line", "per line"),
    (" one a line", "one per line"),
    ("standard input", "stdin"),
    ("this key alone", "only this key"),
];

fn found_in(text: &str, place: &str) -> Vec<String> {
    phrases_in(&BANNED, text, place)
}

/// The same of a text that users read.
fn shown_in(text: &str, place: &str) -> Vec<String> {
    [phrases_in(&BANNED, text, place), phrases_in(&BANNED_FROM_USERS, text, place)].concat()
}

fn phrases_in(banned: &[(&str, &str)], text: &str, place: &str) -> Vec<String> {
    let is_mark = |character: char| matches!(character, ',' | '.' | ';' | ':' | '?' | '!');
    let words = text.split_whitespace().map(|word| word.trim_end_matches(is_mark));
    let text = format!(" {} ", words.collect::<Vec<_>>().join(" ")).to_lowercase();
    banned
        .iter()
        .filter(|(phrase, _)| text.contains(phrase))
        .map(|(phrase, better)| format!("{place}: \"{phrase}\" (rather: {better})"))
        .collect()
}

/// The files below a folder with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found
}

/// The string literals of a source file that have a space in them, its tests left out.
fn literals(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join(" ");
    let texts = code.split('"').skip(1).step_by(2);
    texts.filter(|text| text.contains(' ')).collect::<Vec<_>>().join(" . ")
}

/// The comments of a source file. A file of SQL has its own sign for them.
fn comments(source: &str, sign: &str) -> String {
    let comments = source.lines().filter_map(|line| line.trim_start().strip_prefix(sign));
    let texts = comments.map(|comment| comment.trim_start_matches(['/', '!']));
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn no_banned_phrase_is_in_the_comments_of_the_source_and_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        for file in files(&root.join(folder), "rs") {
            let text = fs::read_to_string(&file).expect("a source file");
            found.extend(found_in(&comments(&text, "//"), &file.display().to_string()));
        }
    }
    // Where nothing is found, the absence is the point.
    found.retain(|found| !found.contains("\"there is nothing\""));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_banned_phrase_is_in_help_pages_documents_or_messages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for page in files(&root.join("man"), "1") {
        let text = fs::read_to_string(&page).expect("a page");
        found.extend(shown_in(&text.replace('\\', ""), &page.display().to_string()));
    }
    for file in ["README.md", "SECURITY.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root.join(file)).expect("a document");
        found.extend(shown_in(&text, file));
    }
    let text = fs::read_to_string(root.join("CONTRIBUTING.md")).expect("a document");
    found.extend(found_in(&text, "CONTRIBUTING.md"));
    for page in files(&root.join("docs"), "md") {
        let text = fs::read_to_string(&page).expect("a document");
        found.extend(shown_in(&text, &page.display().to_string()));
    }
    for file in files(&root.join("src"), "rs") {
        let text = fs::read_to_string(&file).expect("a source file");
        found.extend(shown_in(&literals(&text), &file.display().to_string()));
    }
    let help = Sandbox::new().keyward(["--help"]).ok().stdout;
    found.extend(shown_in(&help, "keyward --help"));
    assert!(found.is_empty(), "{found:#?}");
}
