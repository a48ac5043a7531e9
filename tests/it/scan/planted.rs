//! Tokens in every form, each preset's in each file, at the right place.

use super::{everything, one, places, plant, scan};

/// A form: its name, how a token is written in it, and where it begins.
type Form = (&'static str, fn(&str) -> Vec<u8>, (u64, u64));

fn text(text: String) -> Vec<u8> {
    text.into_bytes()
}

/// Base64 (RFC 4648, section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const CHARACTERS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for nth in 0..=group.len() {
            text.push(char::from(CHARACTERS[(bits >> (18 - 6 * nth) & 63) as usize]));
        }
    }
    text + &"=".repeat((3 - bytes.len() % 3) % 3)
}

fn each(token: &str, write: fn(u8) -> String) -> Vec<u8> {
    token.bytes().flat_map(|byte| write(byte).into_bytes()).collect()
}

fn wrapped(token: &str, length: usize, between: &str) -> Vec<u8> {
    let lines: Vec<&[u8]> = token.as_bytes().chunks(length).collect();
    lines.join(between.as_bytes())
}

fn wide(token: &str, is_little: bool) -> Vec<u8> {
    let unit = |byte| if is_little { [byte, 0] } else { [0, byte] };
    token.bytes().flat_map(unit).collect()
}

fn special(token: &str, write: fn(u8) -> String) -> Vec<u8> {
    let write = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => vec![byte],
        false => write(byte).into_bytes(),
    };
    token.bytes().flat_map(write).collect()
}

fn url_safe(base64: &str) -> String {
    base64.replace('+', "-").replace('/', "_")
}

const FORMS: [Form; 62] = [
    ("plain", |token| text(token.to_owned()), (1, 1)),
    ("assignment", |token| text(format!("# env\nKEY=\"{token}\"\n")), (2, 6)),
    ("url", |token| text(format!("GET /v1?key%3D{token}&a=1\n")), (1, 15)),
    ("escape", |token| text(format!("\"a\\n{token}\\n\"\n")), (1, 5)),
    ("unicode-escape-before", |token| text(format!("\"\\u003d{token}\"\n")), (1, 8)),
    ("glued", |token| text(format!("pre{token}post")), (1, 4)),
    ("nul", |token| text(format!("\0\0{token}\0")), (1, 3)),
    ("crlf", |token| text(format!("a\r\nb\r\n{token}\r\n")), (3, 1)),
    ("deep", |token| text(format!("{}{token}", "line\n".repeat(70_000))), (70_001, 1)),
    ("long-line", |token| text(format!("{} {token} x", "w ".repeat(1_500_000))), (1, 3_000_002)),
    ("base64", |token| text(base64(token.as_bytes())), (1, 1)),
    ("base64-line", |token| text(base64(format!("{token}\n").as_bytes())), (1, 1)),
    ("base64-offset-1", |token| text(base64(format!("={token}=").as_bytes())), (1, 2)),
    ("base64-offset-2", |token| text(base64(format!("k={token}=").as_bytes())), (1, 3)),
    (
        "base64-twice",
        |token| text(base64(base64(format!("k: {token}\n").as_bytes()).as_bytes())),
        (1, 6),
    ),
    ("base64-data", |token| text(format!("data:\n  key: {}\n", base64(token.as_bytes()))), (2, 8)),
    (
        "base64-wrapped",
        |token| {
            let long = format!("{}{token}{}", "=".repeat(70), "=".repeat(70));
            wrapped(&base64(long.as_bytes()), 76, "\n")
        },
        (2, 18),
    ),
    ("utf-16-le", |token| wide(token, true), (1, 1)),
    ("utf-16-be", |token| wide(token, false), (1, 1)),
    ("utf-16-bom", |token| [&b"\xff\xfe"[..], &wide(token, true)].concat(), (1, 3)),
    ("base64-utf-16", |token| text(base64(&wide(token, true))), (1, 1)),
    ("hex", |token| each(token, |byte| format!("{byte:02x}")), (1, 1)),
    ("hex-upper", |token| each(token, |byte| format!("{byte:02X}")), (1, 1)),
    (
        "hex-wrapped",
        |token| {
            let hex = each(token, |byte| format!("{byte:02x}"));
            wrapped(&String::from_utf8_lossy(&hex), 60, "\n")
        },
        (1, 1),
    ),
    ("percent", |token| each(token, |byte| format!("%{byte:02X}")), (1, 1)),
    ("unicode", |token| each(token, |byte| format!("\\u{byte:04x}")), (1, 1)),
    ("hex-escapes", |token| each(token, |byte| format!("\\x{byte:02x}")), (1, 1)),
    ("quoted-printable", |token| each(token, |byte| format!("={byte:02X}")), (1, 1)),
    ("soft-break", |token| wrapped(token, 20, "=\r\n"), (1, 1)),
    (
        "concatenated",
        |token| text(format!("'{}'", String::from_utf8_lossy(&wrapped(token, 15, "' + '")))),
        (1, 2),
    ),
    (
        "implicit",
        |token| text(format!("\"{}\"", String::from_utf8_lossy(&wrapped(token, 15, "\"\n    \"")))),
        (1, 2),
    ),
    ("hard-wrapped", |token| wrapped(token, 13, "\n"), (1, 1)),
    ("diff", |token| [&b"+"[..], &wrapped(token, 16, "\n+")].concat(), (1, 2)),
    ("quoted-mail", |token| [&b"> "[..], &wrapped(token, 16, "\n> ")].concat(), (1, 3)),
    ("yaml-folded", |token| wrapped(token, 16, "\n      "), (1, 1)),
    ("colours", |token| wrapped(token, 9, "\u{1b}[0m\u{1b}[31m"), (1, 1)),
    ("zero-width", |token| wrapped(token, 8, "\u{200b}"), (1, 1)),
    ("url-escapes", |token| special(token, |byte| format!("%{byte:02x}")), (1, 1)),
    ("base64-url", |token| text(url_safe(&base64(format!("?>?{token}?>").as_bytes()))), (1, 5)),
    (
        "base64-basic",
        |token| text(format!("Basic {}", base64(format!("me:{token}").as_bytes()))),
        (1, 11),
    ),
    ("base64-without-padding", |token| text(base64(token.as_bytes()).replace('=', "")), (1, 1)),
    (
        "base64-of-many-lines",
        |token| {
            let long = format!("{}{token}{}", "a line of text\n".repeat(500), "\nmore".repeat(500));
            wrapped(&base64(long.as_bytes()), 76, "\n")
        },
        (132, 45),
    ),
    (
        "base64-in-yaml",
        |token| {
            let long = format!("{}{token}\n", "k: v\n".repeat(9));
            let lines = wrapped(&base64(long.as_bytes()), 64, "\n    ");
            [&b"data: |\n    "[..], &lines].concat()
        },
        (2, 65),
    ),
    (
        "hex-in-a-number",
        |token| [&b"0x"[..], &each(token, |byte| format!("{byte:02x}"))].concat(),
        (1, 3),
    ),
    ("utf-16-be-bom", |token| [&b"\xfe\xff"[..], &wide(token, false)].concat(), (1, 3)),
    (
        "utf-16-wrapped",
        |token| wide(&String::from_utf8_lossy(&wrapped(token, 20, "\r\n  ")), true),
        (1, 1),
    ),
    ("html-decimal", |token| each(token, |byte| format!("&#{byte};")), (1, 1)),
    ("html-hexadecimal", |token| each(token, |byte| format!("&#x{byte:X};")), (1, 1)),
    ("html-special", |token| special(token, |byte| format!("&#x{byte:04x};")), (1, 1)),
    ("html-named", |token| text(token.replace('_', "&lowbar;").replace('.', "&period;")), (1, 1)),
    ("unicode-upper", |token| each(token, |byte| format!("\\u{byte:04X}")), (1, 1)),
    ("unicode-braces", |token| each(token, |byte| format!("\\u{{{byte:x}}}")), (1, 1)),
    ("octal", |token| each(token, |byte| format!("\\{byte:03o}")), (1, 1)),
    ("hex-escapes-upper", |token| each(token, |byte| format!("\\x{byte:02X}")), (1, 1)),
    ("markdown", |token| special(token, |byte| format!("\\{}", char::from(byte))), (1, 1)),
    (
        "line-of-64",
        |token| text(format!("{} {}\n{}", "x".repeat(44), &token[..19], &token[19..])),
        (1, 46),
    ),
    (
        "line-of-76",
        |token| text(format!("{} {}\n{}", "x".repeat(56), &token[..19], &token[19..])),
        (1, 58),
    ),
    ("removed-lines", |token| [&b"-"[..], &wrapped(token, 16, "\n-")].concat(), (1, 2)),
    ("continued", |token| wrapped(token, 24, "\\\n"), (1, 1)),
    (
        "basic-strings",
        |token| {
            text(format!("\"{}\"", String::from_utf8_lossy(&wrapped(token, 15, "\" & _\r\n \""))))
        },
        (1, 2),
    ),
    ("soft-hyphens", |token| wrapped(token, 8, "\u{ad}"), (1, 1)),
    (
        "percent-wrapped",
        |token| {
            let written = each(token, |byte| format!("%{byte:02X}"));
            wrapped(&String::from_utf8_lossy(&written), 60, "\n")
        },
        (1, 1),
    ),
];

#[test]
fn every_presets_tokens_are_found_in_every_form_at_their_place() {
    let (sandbox, secrets) = everything();
    for (preset, secret) in &secrets {
        for (form, write, _) in FORMS {
            plant(&sandbox, &format!("tree/{preset}/{form}"), write(secret));
        }
    }
    let answer = scan(&sandbox, &["tree"], 18);
    assert_eq!(answer["complete"], true, "{:#}", answer["incomplete"]);
    for (preset, _) in &secrets {
        let mut expected: Vec<String> = FORMS
            .iter()
            .map(|(form, _, (line, column))| format!("tree/{preset}/{form}:{line}:{column}"))
            .collect();
        expected.sort();
        assert_eq!(places(&answer, &format!("key-{preset}")), expected, "{preset}");
    }
    assert_eq!(super::findings(&answer).len(), secrets.len(), "nothing else is found");
}

/// A window of a megabyte ends somewhere in one of these.
#[test]
fn a_token_is_found_wherever_a_window_ends() {
    let (sandbox, secret) = one();
    let mut content = Vec::new();
    let mut count = 0;
    while content.len() < 3 << 20 {
        content.extend(secret.as_bytes());
        content.extend(vec![b'.'; count % 7 + 1]);
        count += 1;
    }
    plant(&sandbox, "tree/many", &content);
    let answer = scan(&sandbox, &["tree"], 18);
    assert_eq!(super::findings(&answer)[0]["places"], count);
    let piped = sandbox.keyward(["scan", "-", "--json"]).stdin(&content).exit(18).json();
    assert_eq!(super::findings(&piped)[0]["places"], count);
}

#[test]
fn a_token_in_a_name_is_found_and_the_name_is_masked() {
    let (sandbox, secret) = one();
    plant(&sandbox, &format!("tree/a-{secret}.txt"), "text");
    plant(&sandbox, &format!("tree/{secret}/inner/b"), &secret);
    let output = sandbox.keyward(["scan", "tree", "--json"]).exit(18);
    assert!(!output.stdout.contains(&secret[24..]), "{}", output.stdout);
    let expected =
        ["tree/[masked]/inner/b:1:1", "tree/[masked]:null:null", "tree/a-[masked].txt:null:null"];
    assert_eq!(places(&output.json(), "ci"), expected);
}
