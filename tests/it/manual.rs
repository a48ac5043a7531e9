//! Manual pages: their sections, on a terminal, and all of them in a folder.

use std::fs;

use crate::generated::repository;
use crate::support::files::{names_in, set_mode};
use crate::support::terminal::Terminal;
use crate::support::{Sandbox, tool};

/// The sections that every page has, in the order of man-pages(7).
const SECTIONS: [&str; 8] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "EXIT STATUS",
    "ENVIRONMENT",
    "FILES",
    "EXAMPLES",
    "SEE ALSO",
];

/// What `man` is on a machine of a test's own: it says what it was asked for and keeps what it was given.
const READER: &str = "#!/bin/sh\necho \"reader $*\"\ncat > ~/page\n";

#[test]
fn every_page_has_every_section_in_the_usual_order() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["man", "--all", "pages"]).ok();
    let pages = names_in(sandbox.home().join("pages"));
    assert!(pages.len() > 25, "only {pages:?}");
    for page in pages {
        let text = sandbox.text(&format!("pages/{page}"));
        let titles = text.lines().filter_map(|line| line.strip_prefix(".SH "));
        let titles: Vec<&str> = titles.map(|title| title.trim_matches('"')).collect();
        let known = titles.iter().filter(|title| SECTIONS.contains(title));
        let known: Vec<&str> = known.copied().collect();
        assert_eq!(known, SECTIONS, "{page}");
        let place = |title| titles.iter().position(|own| *own == title);
        let options = place("OPTIONS").expect("every command has options");
        assert!(
            place("DESCRIPTION") < Some(options) && Some(options) < place("EXIT STATUS"),
            "{page}: {titles:?}"
        );
    }
}

#[test]
fn what_every_page_says_fits_80_columns() {
    /// `man` has two columns of margin, and indents a section's text by seven.
    const ROOM: usize = 80 - 2 - 7;
    for page in names_in(repository("man")) {
        let text = fs::read_to_string(repository("man").join(&page)).expect("a page is text");
        let (_, after) = text.split_once(".SH \"EXIT STATUS\"\n").expect("it has exit statuses");
        let (common, _) = after.split_once(".SH \"EXAMPLES\"").expect("it has examples");
        for line in common.lines() {
            let shown = line.replace("\\-", "-").replace("\\&", "").chars().count();
            assert!(shown <= ROOM, "{page}: {line}");
        }
    }
}

#[test]
fn every_page_refers_to_pages_that_exist() {
    let folder = repository("man");
    for page in names_in(&folder) {
        let text = fs::read_to_string(folder.join(&page)).expect("a page is text");
        let is_root = page == "keyward.1";
        assert!(
            is_root
                || text.contains(
                    "\nThe options that every command has are described in\n.BR keyward (1).\n"
                )
        );
        let (_, refers) = text.split_once(".SH \"SEE ALSO\"\n").expect("it refers to others");
        for line in refers.lines() {
            let name = line.strip_prefix(".BR ").and_then(|line| line.split_once(" (1)"));
            let (name, _) = name.unwrap_or_else(|| panic!("{page}: {line}"));
            let other = folder.join(format!("{}.1", name.replace("\\-", "-")));
            assert!(other.exists(), "{page} refers to {name}");
        }
    }
}

#[test]
fn all_pages_are_written_into_a_folder() {
    let sandbox = Sandbox::new();
    let output = sandbox.keyward(["man", "--all", "new/pages"]).ok();
    let count = names_in(repository("man")).len();
    assert_eq!(output.stdout, "");
    assert_eq!(output.stderr, format!("wrote {count} pages to new/pages\n"));
    for page in names_in(repository("man")) {
        let committed = fs::read_to_string(repository("man").join(&page)).expect("a page is text");
        assert_eq!(sandbox.text(&format!("new/pages/{page}")), committed, "{page}");
    }
    // Once more is not an error, and a file in the way is.
    sandbox.keyward(["man", "--all", "new/pages", "-q"]).ok();
    sandbox.refuses(&["man", "--all", "new/pages/keyward.1"], 7, "io");
    sandbox.refuses(&["man", "mint", "--all", "new/pages"], 2, "usage");
}

#[test]
fn on_a_terminal_a_page_is_shown_by_man() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.home().join("bin")).expect("a folder can be made");
    let reader = sandbox.file("bin/man", READER);
    set_mode(&reader, 0o755);
    let path = format!("{}/bin:/usr/bin:/bin", sandbox.home().display());
    let mut terminal = Terminal::keyward(&sandbox, &["man", "mint"], &[("PATH", &path)]);
    let (status, seen) = terminal.end();
    assert_eq!((status, seen.as_str()), (0, "reader -l -\r\n"));
    let page = fs::read_to_string(repository("man/keyward-mint.1")).expect("a page is text");
    assert_eq!(sandbox.text("page"), page);
    // Off a terminal it is roff, whatever is installed.
    let output = sandbox.keyward(["man", "mint"]).env("PATH", &path).ok();
    assert_eq!(output.stdout, page);
}

#[test]
fn where_no_man_shows_it_a_page_is_written_as_it_is() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.home().join("bin")).expect("a folder can be made");
    let path = format!("{}/bin", sandbox.home().display());
    for fails in [None, Some("#!/bin/sh\nexit 1\n")] {
        if let Some(script) = fails {
            set_mode(sandbox.file("bin/man", script), 0o755);
        }
        let mut terminal = Terminal::keyward(&sandbox, &["man"], &[("PATH", &path)]);
        let (status, seen) = terminal.end();
        assert_eq!(status, 0);
        assert!(seen.contains(".TH KEYWARD 1 "), "{seen}");
    }
}

#[test]
fn the_real_man_shows_a_page_without_a_warning() {
    if !tool("man") {
        return;
    }
    let sandbox = Sandbox::new();
    let variables = [("PAGER", "cat"), ("LANG", "C.UTF-8")];
    let mut terminal = Terminal::keyward(&sandbox, &["man", "store", "backup"], &variables);
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("KEYWARD-STORE-BACKUP(1)"), "{seen}");
    assert!(!seen.contains(".SH"), "{seen}");
    for page in names_in(repository("man")) {
        let page = repository("man").join(page);
        let checked = sandbox.program("man", ["--warnings", "-l"]).args([&page]);
        let output = checked.env("MAN_KEEP_STDERR", "1").env("LANG", "C.UTF-8").ok();
        assert_eq!(output.stderr, "", "{}", page.display());
    }
}
