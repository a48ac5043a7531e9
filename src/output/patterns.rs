//! Scanners' rules for a store's tokens, in each scanner's own form.
//!
//! All that is written here are ids, fronts and regular expressions, which need no escaping in TOML's and YAML's literal strings.

use serde_json::{Value, json};

use crate::domain::pattern::Pattern;

/// Lines of a file: a head, and what each pattern adds.
fn file(head: &str, patterns: &[Pattern], rule: impl Fn(&Pattern) -> String) -> String {
    head.to_owned() + &patterns.iter().map(rule).collect::<String>()
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("\"{}\"", text.to_lowercase())).collect::<Vec<_>>().join(", ")
}

/// One regular expression a line, for `grep -Ef` and `rg -f`.
pub fn regex(patterns: &[Pattern]) -> String {
    file("", patterns, |pattern| format!("{}\n", pattern.regex))
}

/// `.gitleaks.toml`. Betterleaks reads it as well, and refuses fields that it does not know, as `entropy`. Keywords are compared in lower case.
pub fn gitleaks(patterns: &[Pattern]) -> String {
    let head = "title = \"keyward\"\n\n[extend]\nuseDefault = true\n";
    file(head, patterns, |pattern| {
        let Pattern { id, regex, keywords, .. } = pattern;
        let keywords = match keywords.is_empty() {
            true => String::new(),
            false => format!("keywords = [{}]\n", quoted(keywords)),
        };
        format!(
            "\n[[rules]]\nid = \"{id}\"\ndescription = \"API key of keyward\"\nregex = '''{regex}'''\n{keywords}tags = [\"keyward\"]\n"
        )
    })
}

/// Custom detectors of trufflehog's `--config`. Without keywords it would search nothing, so a format without a front has none.
pub fn trufflehog(patterns: &[Pattern]) -> String {
    file("detectors:\n", patterns, |pattern| {
        let Pattern { id, regex, keywords, .. } = pattern;
        let keywords: String =
            keywords.iter().map(|keyword| format!("      - {keyword}\n")).collect();
        format!(
            "  - name: {id}\n    keywords:\n{keywords}    regex:\n      token: '{regex}'\n    entropy: 3.0\n"
        )
    })
}

/// The fields of GitHub's custom patterns, to be pasted.
pub fn github(patterns: &[Pattern]) -> String {
    let rule = |pattern: &Pattern| {
        format!(
            "Pattern name: {}\nSecret format: {}\nBefore secret: \\A|[^0-9A-Za-z]\nAfter secret: \\z|[^0-9A-Za-z]\nMust match: [0-9]\nTest string: {}\n",
            pattern.id, pattern.regex, pattern.example
        )
    };
    patterns.iter().map(rule).collect::<Vec<_>>().join("\n")
}

/// `.gitlab/secret-detection-ruleset.toml`, which takes its rules from the gitleaks file beside it.
pub fn gitlab(_: &[Pattern]) -> String {
    "# The rules: keyward patterns --format gitleaks > .gitleaks.toml\n[secrets]\ndescription = \"keyward\"\n\n[[secrets.passthrough]]\ntype = \"file\"\ntarget = \"gitleaks.toml\"\nvalue = \".gitleaks.toml\"\n".to_owned()
}

pub fn kingfisher(patterns: &[Pattern]) -> String {
    file("rules:\n", patterns, |pattern| {
        let Pattern { id, regex, example, .. } = pattern;
        format!(
            "  - name: {id}\n    id: {}\n    pattern: '({regex})'\n    min_entropy: 3.0\n    confidence: high\n    examples:\n      - '{example}'\n",
            id.replacen('-', ".", 1)
        )
    })
}

/// `.secretlintrc.json` for secretlint's rule of patterns.
pub fn secretlint(patterns: &[Pattern]) -> String {
    let rules: Vec<Value> = patterns
        .iter()
        .map(|pattern| {
            json!({ "name": pattern.id, "patterns": [format!("/\\b{}\\b/", pattern.regex)] })
        })
        .collect();
    let document = json!({ "rules": [{
        "id": "@secretlint/secretlint-rule-pattern",
        "options": { "patterns": rules },
    }] });
    pretty(&document)
}

pub fn semgrep(patterns: &[Pattern]) -> String {
    file("rules:\n", patterns, |pattern| {
        let Pattern { id, regex, .. } = pattern;
        format!(
            "  - id: {id}\n    languages: [generic]\n    severity: ERROR\n    message: An API key of keyward\n    pattern-regex: '{regex}'\n"
        )
    })
}

/// `.pre-commit-config.yaml`.
pub fn pre_commit() -> String {
    "repos:\n  - repo: local\n    hooks:\n      - id: keyward\n        name: keyward scan\n        entry: keyward scan --staged\n        language: system\n        pass_filenames: false\n        always_run: true\n        stages: [pre-commit]\n".to_owned()
}

/// A document over several lines.
pub fn pretty(document: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(document).expect("documents are JSON");
    let text = serde_json::to_string_pretty(&value).expect("documents are JSON");
    let ascii: String = text
        .chars()
        .map(|character| match character.is_ascii() {
            true => character.to_string(),
            false => {
                let mut units = [0; 2];
                let units = character.encode_utf16(&mut units).iter();
                units.map(|unit| format!("\\u{unit:04x}")).collect()
            }
        })
        .collect();
    ascii + "\n"
}
