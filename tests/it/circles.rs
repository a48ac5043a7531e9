//! No circle of files in src/: what a file imports never imports that file in turn, directly or by way of others.
//!
//! An arrow goes from a file to the file that defines what it names; a name that a module re-exports belongs to the file
//! below it. A module and the files of its own folder are one thing, so arrows between those two do not count.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust_source::{code, paths, sources};

/// Each file of src/ with the files it takes names from.
fn arrows(sources: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let mentioned: BTreeMap<&str, Vec<String>> =
        sources.iter().map(|(file, text)| (file.as_str(), paths(file, &code(text)))).collect();
    let arrow = |file: &str, path: &str| {
        let target = home_of(path.strip_prefix("crate::")?, &mentioned)?;
        (target != file && !is_module_of(&target, file) && !is_module_of(file, &target))
            .then_some(target)
    };
    mentioned
        .iter()
        .map(|(file, paths)| {
            let targets = paths.iter().filter_map(|path| arrow(file, path));
            ((*file).to_owned(), targets.collect())
        })
        .collect()
}

/// The file that defines what a path from the crate's root names.
fn home_of(path: &str, mentioned: &BTreeMap<&str, Vec<String>>) -> Option<String> {
    let words: Vec<&str> = path.split("::").collect();
    let (length, file) = (1..=words.len()).rev().find_map(|length| {
        let module = words[..length].join("/");
        let files = [format!("{module}.rs"), format!("{module}/mod.rs")];
        let file = files.into_iter().find(|file| mentioned.contains_key(file.as_str()))?;
        Some((length, file))
    })?;
    let Some(name) = words.get(length) else {
        return Some(file);
    };
    // What a module re-exports is a path in it of two words or more that ends with the name.
    let folder = file.strip_suffix("mod.rs").unwrap_or_default();
    let child = mentioned[file.as_str()].iter().find_map(|path| {
        let (front, last) = path.rsplit_once("::")?;
        let child = format!("{folder}{}.rs", front.replace("::", "/"));
        (last == *name && mentioned.contains_key(child.as_str())).then_some(child)
    });
    Some(child.filter(|_| !folder.is_empty()).unwrap_or(file))
}

/// Whether this file is the module that a file lies below.
fn is_module_of(module: &str, file: &str) -> bool {
    module
        .strip_suffix("mod.rs")
        .is_some_and(|folder| !folder.is_empty() && file.starts_with(folder))
}

/// A circle, if there is one: each file takes from the next, and the last is the first.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn follow<'a>(
        file: &'a str,
        arrows: &'a BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|before| *before == file) {
            let circle = way[start..].iter().chain([&file]);
            return Some(circle.map(|file| (*file).to_owned()).collect());
        }
        if done.contains(file) {
            return None;
        }
        way.push(file);
        let found = arrows
            .get(file)
            .into_iter()
            .flatten()
            .find_map(|target| follow(target, arrows, way, done));
        way.pop();
        done.insert(file);
        found
    }
    let (mut way, mut done) = (Vec::new(), BTreeSet::new());
    arrows.keys().find_map(|file| follow(file, arrows, &mut way, &mut done))
}

#[test]
fn no_file_takes_from_one_that_takes_from_it() {
    let arrows = arrows(&sources());
    let count: usize = arrows.values().map(BTreeSet::len).sum();
    assert!(count > 500, "only {count} arrows were read");
    assert_eq!(circle(&arrows), None);
}

#[test]
fn a_planted_circle_is_found() {
    let file = |name: &str, text: &str| (name.to_owned(), format!("//! A file.\n\n{text}\n"));
    let found = |files: &[(String, String)]| circle(&arrows(files));
    let direct = [
        file("a.rs", "use crate::b::B;"),
        file("b.rs", "use crate::{a::A, c::C};"),
        file("c.rs", ""),
    ];
    assert_eq!(found(&direct), Some(vec!["a.rs".into(), "b.rs".into(), "a.rs".into()]));
    // By way of a module's re-export, and by `super`.
    let around = [
        file("room/mod.rs", "mod a;\nmod b;\npub use b::{B, Other};"),
        file("room/a.rs", "use super::B;"),
        file("room/b.rs", "use super::c::C;"),
        file("room/c.rs", "fn f() { crate::room::a::help(); }"),
    ];
    assert!(found(&around).is_some_and(|circle| circle.len() == 4));
    // A module with its own files, and names in comments and unit tests, make none.
    let harmless = [
        file("room/mod.rs", "mod a;\nuse a::Field;\npub struct Room(Field);"),
        file("room/a.rs", "use super::Room;\n// crate::b::B\n"),
        file(
            "b.rs",
            "use crate::room::Room;\n\n#[cfg(test)]\nmod tests {\n    use crate::c::C;\n}",
        ),
        file("c.rs", "use crate::b::B;"),
    ];
    assert_eq!(found(&harmless), None);
}
