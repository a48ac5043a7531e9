//! The published vectors of `tests/vectors/`: keyward's own code judges each as its file says, and so does the second
//! implementation beside them, which shares nothing with it.

use std::fs;
use std::path::{Path, PathBuf};

use keyward::domain::alphabet::Alphabet;
use keyward::domain::audit::{ChainHash, Event};
use keyward::domain::preset;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::domain::token::TokenFormat;
use serde_json::{Value, json};

use crate::support::files::names_in;
use crate::support::{Sandbox, fields, text, tool};

/// What keyward's code says of a case: fields that the file must have with these values.
type Judge = fn(&Value) -> Value;

/// Each family, its judge, and the fields that its files always and sometimes have.
const FAMILIES: [(&str, Judge, &[&str], &[&str]); 4] = [
    ("token", judge_token, &["format", "token"], &[]),
    ("checksum", judge_checksum, &["alphabet", "crc32", "text", "checksum"], &[]),
    ("hash", judge_hash, &["algorithm", "hash", "token"], &[]),
    ("audit", judge_audit, &["firstBad", "rows"], &["expectAgainstHead", "hashed", "head"]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Every case of a family, with its file.
fn cases(family: &str) -> Vec<(String, Value)> {
    let folder = folder().join(family);
    let read = |name: &String| {
        let text = fs::read_to_string(folder.join(name)).expect("a vector can be read");
        assert!(text.is_ascii() && text.ends_with("}\n"), "{name} is not one object in pure ASCII");
        let case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (format!("{family}/{name}"), case)
    };
    names_in(&folder).iter().map(read).collect()
}

fn word(is_so: bool, yes: &str, no: &str) -> Value {
    json!({ "expect": if is_so { yes } else { no } })
}

fn alphabet(of: &Value) -> Alphabet {
    serde_json::from_value(of["alphabet"].clone()).expect("an alphabet keyward knows")
}

fn format_of(case: &Value) -> TokenFormat {
    let format = &case["format"];
    TokenFormat {
        template: text(format, "template").parse().expect("a template"),
        alphabet: alphabet(format),
        prefix: text(format, "prefix"),
        environments: serde_json::from_value(format["environments"].clone()).expect("a list"),
    }
}

fn judge_token(case: &Value) -> Value {
    let is_known = format_of(case).recognises(&text(case, "token"));
    word(is_known, "valid", "malformed")
}

fn judge_checksum(case: &Value) -> Value {
    let body = text(case, "text");
    let is_right = alphabet(case).checksum(&body) == text(case, "checksum");
    let mut judged = word(is_right, "valid", "malformed");
    judged["crc32"] = Alphabet::Hex.checksum(&body).into();
    judged
}

fn judge_hash(case: &Value) -> Value {
    let hash = Secret::new(text(case, "token")).hash();
    let is_right = ChainHash::from_bytes(*hash.as_bytes()).to_string() == text(case, "hash");
    let mut judged = word(is_right, "valid", "not_found");
    judged["algorithm"] = keyward::domain::secret::SecretHash::ALGORITHM.into();
    judged
}

/// The bytes of a text in hex; nothing where they are not 32.
fn link(row: &Value, field: &str) -> Option<[u8; 32]> {
    let text = text(row, field);
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).expect("hex") as u8).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    bytes.try_into().ok()
}

/// A row as keyward reads it; nothing where it could not be one.
fn event(row: &Value) -> Option<Event> {
    let number = |field: &str| row[field].as_i64().expect("64 bits");
    Some(Event {
        seq: number("seq"),
        time: Timestamp::from_millis(number("time")),
        actor: text(row, "actor"),
        action: text(row, "action"),
        subject: text(row, "subject"),
        details: text(row, "details"),
        previous: ChainHash::from_bytes(link(row, "previous")?),
        hash: ChainHash::from_bytes(link(row, "hash")?),
    })
}

fn rows(case: &Value) -> &Vec<Value> {
    case["rows"].as_array().expect("rows are a list")
}

fn judge_audit(case: &Value) -> Value {
    let mut expected = (1, ChainHash::GENESIS);
    let mut ends = vec![(0, ChainHash::GENESIS.to_string())];
    let mut first_bad = None;
    for row in rows(case) {
        match event(row) {
            Some(event) if event.follows(expected.0, expected.1) => {
                expected = (event.seq + 1, event.hash);
                ends.push((event.seq, event.hash.to_string()));
            }
            _ => {
                first_bad = row["seq"].as_i64();
                break;
            }
        }
    }
    let mut judged = word(first_bad.is_none(), "ok", "damaged");
    judged["firstBad"] = first_bad.into();
    let head = &case["head"];
    if !head.is_null() {
        let seq = head["seq"].as_i64().expect("64 bits");
        let is_held = first_bad.is_none() && ends.contains(&(seq, text(head, "hash")));
        judged["expectAgainstHead"] = word(is_held, "ok", "damaged")["expect"].clone();
    }
    judged
}

#[test]
fn keyward_judges_every_vector_as_its_file_says() {
    let mut wrong = Vec::new();
    for (family, judge, always, sometimes) in FAMILIES {
        for (file, case) in cases(family) {
            let judged = judge(&case);
            for (field, value) in judged.as_object().expect("fields") {
                if &case[field] != value {
                    wrong.push(format!("{file}: {field} is {value} here: {case:#}"));
                }
            }
            let mut known = [always, sometimes, &["expect", "says"]].concat();
            known.retain(|field| !sometimes.contains(field) || !case[*field].is_null());
            known.sort_unstable();
            assert_eq!(fields(&case), known, "{file}");
            let sentence = text(&case, "says");
            assert!(sentence.ends_with('.'), "{file} says {sentence}");
            // What is to be compared is compared: no file expects anything that is not judged.
            let expected = fields(&case);
            for field in expected.iter().filter(|field| field.starts_with("expect")) {
                assert!(!judged[*field].is_null(), "{file} has {field} unjudged");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_family_has_a_judge_a_section_and_cases_of_each_outcome() {
    let page = fs::read_to_string(folder().join("README.md")).expect("there is a page");
    let mut known = vec!["README.md".to_owned(), "check.py".to_owned()];
    for (family, _, _, _) in FAMILIES {
        known.push(family.to_owned());
        let (section, row) = (format!("\n## {family}\n"), format!("\n| `{family}` |"));
        assert!(page.contains(&section), "the page is silent on {family}");
        let row = page.split(&row).nth(1).expect("the table has the family");
        let row = row.lines().next().unwrap_or_default();
        let mut outcomes: Vec<String> =
            cases(family).iter().map(|(_, case)| text(case, "expect")).collect();
        outcomes.sort();
        outcomes.dedup();
        assert_eq!(outcomes.len(), 2, "{family}: {outcomes:?}");
        for outcome in outcomes {
            assert!(row.contains(&format!("`{outcome}`")), "{family}: {row}");
        }
    }
    known.sort();
    assert_eq!(names_in(folder()), known, "the folder has what nobody reads");
}

#[test]
fn every_preset_has_a_token_and_its_format_is_still_that() {
    let cases = cases("token");
    for name in preset::names() {
        let policy = preset::load(name).expect("a preset that ships");
        let format = policy.token_format().expect("it has a format");
        let front = format!("token/preset-{name}-");
        let of_it: Vec<_> = cases.iter().filter(|(file, _)| file.starts_with(&front)).collect();
        assert!(!of_it.is_empty(), "no token of {name}");
        for (file, case) in of_it {
            assert_eq!(format_of(case), format, "{file}");
        }
    }
}

#[test]
fn audit_verify_finds_in_a_store_what_the_vectors_say() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    let mut planted = 0;
    for (file, case) in cases("audit") {
        let rows = rows(&case);
        let events: Vec<Event> = rows.iter().filter_map(event).collect();
        // A store holds links of 32 bytes alone, and gives its rows in their numbers' order, each number once.
        let is_sorted = events.windows(2).all(|pair| pair[0].seq < pair[1].seq);
        if events.len() < rows.len() || !is_sorted {
            continue;
        }
        planted += 1;
        sandbox.tamper("DELETE FROM audit; DELETE FROM setting; DELETE FROM workspace");
        let hexadecimal = |text: &str| -> String {
            let bytes = text.bytes().map(|byte| format!("{byte:02x}"));
            format!("CAST(x'{}' AS TEXT)", bytes.collect::<String>())
        };
        for event in &events {
            let texts = [&event.actor, &event.action, &event.subject, &event.details];
            sandbox.tamper(&format!(
                "INSERT INTO audit (seq, time, actor, action, subject, details, previous, hash) \
                 VALUES ({}, {}, {}, x'{}', x'{}')",
                event.seq,
                event.time.as_millis(),
                texts.map(|text| hexadecimal(text)).join(", "),
                event.previous,
                event.hash
            ));
        }
        let output = sandbox.keyward(["--json", "audit", "verify"]).run();
        let is_ok = case["expect"] == "ok";
        assert_eq!(output.status, if is_ok { 0 } else { 9 }, "{file}");
        let expected = json!({"ok": is_ok, "checked": rows.len(), "firstBad": case["firstBad"]});
        assert_eq!(output.json(), expected, "{file}");
    }
    assert!(planted >= 30, "{planted} trails were planted only");
}

/// Runs the second implementation on a folder of vectors.
fn checked(sandbox: &Sandbox, vectors: &Path) -> crate::support::Output {
    let script = folder().join("check.py");
    let arguments = [script.as_os_str(), vectors.as_os_str()];
    // No cache of compiled code beside the vectors.
    let run = sandbox.program("python3", arguments);
    run.env("PYTHONDONTWRITEBYTECODE", "1").run()
}

#[test]
fn a_second_implementation_judges_every_vector_alike() {
    if !tool("python3") {
        return;
    }
    let sandbox = Sandbox::new();
    let output = checked(&sandbox, &folder());
    assert_eq!(output.status, 0, "{}", output.transcript());
    let mut counts = FAMILIES.map(|(family, ..)| format!("{family} {}", cases(family).len()));
    counts.sort();
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), counts);
}

#[test]
fn the_second_implementation_refuses_a_vector_that_is_wrong() {
    if !tool("python3") {
        return;
    }
    let sandbox = Sandbox::new();
    for (family, ..) in FAMILIES {
        let whole = cases(family);
        for field in ["expect", "firstBad", "expectAgainstHead", "crc32", "hashed"] {
            let Some((file, case)) = whole.iter().find(|(_, case)| case.get(field).is_some())
            else {
                continue;
            };
            let mut case = case.clone();
            case[field] = json!("something else");
            let place = sandbox.home().join(format!("{family}-{field}"));
            fs::create_dir_all(place.join(family)).expect("a folder can be made");
            fs::write(place.join(file), case.to_string()).expect("a file can be written");
            let output = checked(&sandbox, &place);
            assert_eq!(output.status, 1, "{file}, {field}: {}", output.transcript());
            assert!(output.stderr.starts_with(file), "{}", output.stderr);
        }
    }
    let place = sandbox.home().join("unknown");
    fs::create_dir_all(place.join("another")).expect("a folder can be made");
    fs::write(place.join("another/case.json"), "{}").expect("a file can be written");
    let output = checked(&sandbox, &place);
    assert_eq!(output.status, 1, "a family that it does not know was passed");
}
