//! A run as one readable text, and the comparison of two such texts.

use super::docs::path_with_keyward;
use super::{Output, Sandbox, token};

/// What stands between stdout and stderr.
const SEPARATOR: &str = "------- stderr -------";

/// Renders both streams and the exit status.
pub(super) fn transcript(output: &Output, home: &str) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| normalise(&text.replace(home, "~")));
    let status = output.status;
    format!("{}{SEPARATOR}\n{}[exit status: {status}]\n", ended(stdout), ended(stderr))
}

/// A missing last LF is part of what a transcript pins, so it is shown rather than added.
fn ended(text: String) -> String {
    if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}<no newline>\n") }
}

/// Replaces secrets, prefixes, their hints, ids, times and who runs the tests by `<secret>`, `<prefix>`, `<hint>`, `<id>`,
/// `<time>`, `<day>` and `<user>`, and what has just been or just been revoked by `<now>`.
fn normalise(text: &str) -> String {
    let is_word = |character: char| character.is_ascii_alphanumeric() || "_-.:".contains(character);
    let mut normalised = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if normalised.ends_with('…') && word.len() == 4 && word != "HINT" {
            normalised.push_str("<hint>");
        } else {
            normalised.push_str(&normalise_word(word));
        }
        let between = after.find(is_word).unwrap_or(after.len());
        normalised.push_str(&after[..between]);
        rest = &after[between..];
    }
    let lines = normalised.split_inclusive('\n');
    lines.map(|line| just_revoked(&just_now(line))).collect()
}

/// The same in a sentence about a revocation.
fn just_revoked(line: &str) -> String {
    let Some((before, rest)) = line.rsplit_once("revoked ") else {
        return line.to_owned();
    };
    let end = rest.find([',', '(', '\n']).unwrap_or(rest.len());
    let ago = rest[..end].trim_end();
    let is_now =
        matches!(ago, "now" | "just now" | "1 second ago") || ago.ends_with(" seconds ago");
    match is_now {
        true => format!("{before}revoked {}", rest.replacen(ago, "<now>", 1)),
        false => line.to_owned(),
    }
}

/// Nobody knows how long a slow machine needs from one command to the next.
fn just_now(line: &str) -> String {
    let (told, time) = line.split_once(" (<time>)").unwrap_or((line, ""));
    let (field, ago) = told.rsplit_once("  ").unwrap_or(("", told));
    match ago == "now" || ago.ends_with("seconds ago") || ago == "1 second ago" {
        true => format!("{field}  <now> (<time>){time}"),
        false => line.to_owned(),
    }
}

fn normalise_word(word: &str) -> String {
    // A sentence may end right behind a secret, and a mask command stand right in front of one.
    let inner = word.rsplit("::").next().unwrap_or(word).trim_matches([':', '.']);
    if word.starts_with("operator:") {
        return "operator:<user>".to_owned();
    }
    let name = if is_id(inner) {
        "<id>"
    } else if has_shape(inner, "0000-00-00T00:00:00.000Z") {
        "<time>"
    } else if has_shape(inner, "0000-00-00") {
        "<day>"
    } else {
        match token::random_part(inner) {
            Some(random) if random.len() >= 26 => "<secret>",
            Some(random) if random.len() >= 7 => "<prefix>",
            _ => return word.to_owned(),
        }
    };
    word.replacen(inner, name, 1)
}

fn is_id(word: &str) -> bool {
    let is_random = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    word.strip_prefix("key_")
        .is_some_and(|random| random.len() == 16 && random.chars().all(is_random))
}

fn has_shape(word: &str, shape: &str) -> bool {
    word.replace(|character: char| character.is_ascii_digit(), "0") == shape
}

/// Asserts that a transcript is the expected one, and shows both line by line when it is not. The expected text may
/// begin with an empty line, so that it can start on a line of its own.
#[track_caller]
pub fn expect_transcript(actual: &str, expected: &str) {
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    assert!(
        actual == expected,
        "the transcript differs (- expected, + actual):\n{}",
        difference(expected, actual)
    );
}

impl Sandbox {
    /// Runs the commands of a session in a shell, in their order, and asserts the transcript of each. A command stands on a line
    /// of its own behind `$ `, in front of its transcript.
    #[track_caller]
    pub fn expect_transcripts(&self, session: &str) {
        let mut actual = String::new();
        for line in session.lines().filter(|line| line.starts_with("$ ")) {
            let run = self.program("sh", ["-c", &line[2..]]);
            let output = run.env("PATH", path_with_keyward()).run();
            actual.push_str(&format!("{line}\n{}", output.transcript()));
        }
        expect_transcript(&actual, session.trim_start_matches('\n'));
    }
}

/// The lines of both texts: common ones indented, the others marked.
fn difference(expected: &str, actual: &str) -> String {
    let old: Vec<&str> = expected.split_inclusive('\n').collect();
    let new: Vec<&str> = actual.split_inclusive('\n').collect();
    // Longest common subsequence; transcripts are short, so the square table does no harm.
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = String::new();
    while i < old.len() || j < new.len() {
        let (mark, line) = if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            (' ', old[i - 1])
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            i += 1;
            ('-', old[i - 1])
        } else {
            j += 1;
            ('+', new[j - 1])
        };
        lines.push_str(&format!("{mark} {}\n", line.trim_end_matches('\n')));
    }
    lines
}

#[test]
fn a_transcript_names_what_differs_from_run_to_run() {
    let text = "id key_0a1b2c3d4e5f6g7h at 2026-11-20T01:02:03.456Z.\n\
        ::add-mask::kw_live_Tq0x4k9Pd8MnABCDEFGHIJKLMNOPQRSTUVWXYZabcdef012345\nkw_live_Tq0x4k9Pd8Mn in default\n";
    assert_eq!(normalise(text), "id <id> at <time>.\n::add-mask::<secret>\n<prefix> in default\n",);
}

#[test]
fn a_difference_shows_common_lines_once() {
    assert_eq!(difference("a\nb\nc\n", "a\nx\nc\n"), "  a\n- b\n+ x\n  c\n");
}
