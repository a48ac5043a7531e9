//! Source files as the walls see them.
//!
//! The source is read as text. Comments, the content of literals and unit tests do not count; a `use` counts with every
//! path in its braces, and `super` with the module it means.

use std::fs;
use std::path::Path;

/// Where the unit tests at a file's end begin.
pub fn tests_at(source: &str) -> usize {
    ["\n#[cfg(test)]\nmod ", "\n#[cfg(test)]\npub(crate) mod "]
        .iter()
        .filter_map(|front| source.find(front))
        .min()
        .unwrap_or(source.len())
}

/// The source without comments, the content of literals, and the unit tests at its end.
pub fn code(source: &str) -> String {
    let source = &source[..tests_at(source)];
    let characters: Vec<char> = source.chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or('\0');
    let mut code = String::new();
    let mut index = 0;
    while index < characters.len() {
        let is_word =
            code.chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_');
        match (at(index), at(index + 1)) {
            ('/', '/') => {
                while index < characters.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            ('/', '*') => {
                index += 2;
                while index < characters.len() && (at(index), at(index + 1)) != ('*', '/') {
                    index += 1;
                }
                index += 2;
            }
            ('r', '"' | '#') if !is_word && raw_hashes(&characters[index + 1..]).is_some() => {
                let hashes = raw_hashes(&characters[index + 1..]).unwrap_or_default();
                index += hashes + 2;
                let ends = |index: usize| {
                    at(index) == '"' && (1..=hashes).all(|offset| at(index + offset) == '#')
                };
                while index < characters.len() && !ends(index) {
                    index += 1;
                }
                index += hashes + 1;
                code.push_str("\"\"");
            }
            ('"', _) => {
                index += 1;
                while index < characters.len() && at(index) != '"' {
                    index += if at(index) == '\\' { 2 } else { 1 };
                }
                index += 1;
                code.push_str("\"\"");
            }
            ('\'', '\\') => {
                index += 3;
                while index < characters.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
                code.push_str("''");
            }
            // A quote that no other closes two places on is a lifetime's.
            ('\'', _) if at(index + 2) == '\'' => {
                index += 3;
                code.push_str("''");
            }
            (character, _) => {
                code.push(character);
                index += 1;
            }
        }
    }
    code
}

/// How many hashes stand before the quote of a raw string, if this is the rest of one's opening.
fn raw_hashes(rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().take_while(|character| **character == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(hashes)
}

/// Every path the code mentions, from the crate's root where it can be told.
pub fn paths(file: &str, code: &str) -> Vec<String> {
    let words = words(code);
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        if words[index] == "use" {
            let end = words[index..]
                .iter()
                .position(|word| word == ";")
                .map_or(words.len(), |length| index + length);
            expand("", &words[index + 1..end], &mut found);
            index = end;
        } else if is_name(&words[index]) {
            let mut path = words[index].clone();
            while words.get(index + 1).is_some_and(|word| word == "::")
                && words.get(index + 2).is_some_and(|word| is_name(word))
            {
                path = format!("{path}::{}", words[index + 2]);
                index += 2;
            }
            if words.get(index + 1).is_some_and(|word| word == "!") {
                let name = path.rsplit("::").next().unwrap_or_default();
                found.push(format!("{name}!"));
            }
            found.push(path);
        }
        index += 1;
    }
    found.into_iter().map(|path| from_the_root(file, &path)).collect()
}

/// Names, `::` and single other characters.
fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut characters = code.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_alphanumeric() || character == '_' {
            let mut word = character.to_string();
            while let Some(next) = characters.next_if(|next| next.is_alphanumeric() || *next == '_')
            {
                word.push(next);
            }
            words.push(word);
        } else if character == ':' && characters.next_if_eq(&':').is_some() {
            words.push("::".to_owned());
        } else if !character.is_whitespace() {
            words.push(character.to_string());
        }
    }
    words
}

fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
}

/// Adds every path of a `use` tree.
fn expand(front: &str, tree: &[String], found: &mut Vec<String>) {
    let mut depth = 0;
    let branches = tree.split(|word| {
        match word.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        word == "," && depth == 0
    });
    for branch in branches {
        let open = branch.iter().position(|word| word == "{");
        let head = &branch[..open.unwrap_or(branch.len())];
        let head = head.iter().take_while(|word| *word != "as").filter(|word| *word != "::");
        let mut path = front.to_owned();
        for word in head.filter(|word| is_name(word) || *word == "*") {
            if !path.is_empty() {
                path.push_str("::");
            }
            path.push_str(word);
        }
        match open {
            Some(open) => expand(&path, &branch[open + 1..branch.len() - 1], found),
            None if path.is_empty() => {}
            None => found.push(path),
        }
    }
}

/// A path with its leading `self` and `super` replaced by the modules they mean.
fn from_the_root(file: &str, path: &str) -> String {
    let mut modules: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if modules.last() == Some(&"mod") {
        modules.pop();
    }
    let mut rest: Vec<&str> = path.split("::").collect();
    if !matches!(rest.first(), Some(&("self" | "super"))) {
        return path.trim_end_matches("::self").to_owned();
    }
    while matches!(rest.first(), Some(&("self" | "super"))) {
        if rest.remove(0) == "super" {
            modules.pop();
        }
    }
    let mut whole = vec!["crate"];
    whole.append(&mut modules);
    whole.append(&mut rest);
    whole.join("::")
}

/// Every Rust file of src/: its path from there, and its text.
pub fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of src/ can be read") {
            let path = entry.expect("a folder entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let file = path.strip_prefix(&root).expect("the file is in src/");
                let text = fs::read_to_string(&path).expect("a source file can be read");
                sources.push((file.to_string_lossy().into_owned(), text));
            }
        }
    }
    assert!(sources.len() > 50, "only {} files in src/", sources.len());
    sources.sort();
    sources
}
