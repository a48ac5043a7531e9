//! Tests of the hunter: what is found however it is written, and what is not.

use proptest::prelude::*;

use super::*;
use crate::domain::alphabet::Alphabet;
use crate::domain::preset;
use crate::random::SystemRandom;

fn format(template: &str) -> TokenFormat {
    TokenFormat {
        template: template.parse().expect(template),
        alphabet: Alphabet::Base62,
        prefix: "acme".to_owned(),
        environments: vec!["live".to_owned(), "test".to_owned()],
    }
}

/// A hunter of these formats that knows of these tokens' hints.
fn hunter(formats: &[TokenFormat], hints: &[String]) -> Hunter {
    let known: Vec<_> = formats.iter().cloned().map(KnownFormat::Minted).collect();
    let mut all = Hints::default();
    hints.iter().for_each(|hint| all.add(hint.as_bytes()));
    Hunter::new(&known, Some(all), Foreign::default())
}

fn found(hunter: &Hunter, window: &[u8]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    hunter.hunt(window, 0..window.len(), &mut |candidate| {
        found.push((candidate.secret.expose().to_owned(), candidate.span.start));
    });
    found.sort();
    found.dedup();
    found
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const CHARACTERS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for nth in 0..=group.len() {
            text.push(CHARACTERS[(bits >> (18 - 6 * nth) & 63) as usize]);
        }
    }
    text.resize(text.len().div_ceil(4) * 4, b'=');
    text
}

fn wide(bytes: &[u8], is_little: bool) -> Vec<u8> {
    let unit = |byte: &u8| if is_little { [*byte, 0] } else { [0, *byte] };
    bytes.iter().flat_map(unit).collect()
}

fn each(bytes: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    bytes.iter().flat_map(|byte| write(*byte).into_bytes()).collect()
}

/// Breaks a text into lines of this length.
fn wrapped(bytes: &[u8], length: usize, between: &str) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.chunks(length).collect();
    lines.join(between.as_bytes())
}

fn encode(kind: usize, text: &[u8]) -> Vec<u8> {
    match kind {
        0 => text.to_vec(),
        1 => base64(text),
        2 => base64(&base64(text)),
        3 => wide(text, true),
        4 => wide(text, false),
        5 => each(text, |byte| format!("{byte:02x}")),
        6 => each(text, |byte| format!("{byte:02X}")),
        7 => each(text, |byte| format!("%{byte:02x}")),
        8 => each(text, |byte| format!("%{byte:02X}")),
        9 => each(text, |byte| format!("\\u{byte:04x}")),
        10 => each(text, |byte| format!("={byte:02X}")),
        11 => each(text, |byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("\\{}", char::from(byte)),
        }),
        12 => base64(&wide(text, true)),
        13 => wrapped(&base64(text), 76, "\n"),
        14 => wrapped(&base64(text), 64, "\r\n    "),
        15 => wrapped(&base64(&base64(text)), 76, "\n"),
        16 => base64(&wrapped(&base64(text), 76, "\n")),
        17 => wrapped(text, 17, "\n"),
        18 => wrapped(text, 17, "\n+"),
        19 => wrapped(text, 23, "=\r\n"),
        20 => wrapped(text, 19, "\" + \""),
        21 => wrapped(text, 19, "\"\n    \""),
        22 => wrapped(text, 5, "\u{200b}"),
        23 => wrapped(text, 21, "\\n"),
        24 => wrapped(text, 20, "\u{1b}[0m\u{1b}[31m"),
        25 => wrapped(&each(text, |byte| format!("{byte:02x}")), 60, "\n"),
        _ => each(text, |byte| format!("\\x{byte:02x}")),
    }
}
/// How many kinds [`encode`] has.
const KINDS: usize = 27;

proptest! {
    #[test]
    fn a_token_is_found_however_it_is_written(
        kind in 0..KINDS,
        front in 0_usize..100,
        short in 1_usize..20,
        is_live in any::<bool>(),
        has_checksum in any::<bool>(),
    ) {
        // A line of the inner Base64 that ends in the very beginning of a token, at its 57th byte, hides it in the outer one.
        prop_assume!(kind != 16 || !(48..58).contains(&front));
        let crc = if has_checksum { "{crc}" } else { "" };
        let format = format(&format!("{{prefix}}_{{env}}_{{short:{short}}}{{secret:32}}{crc}"));
        let minted = format.mint(if is_live { "live" } else { "test" }, &mut SystemRandom).expect("random");
        let token = minted.secret.expose();
        let text = format!("{}{token} and more", "=".repeat(front));
        let window = encode(kind, text.as_bytes());
        let found = found(&hunter(&[format], &[]), &window);
        prop_assert!(found.iter().any(|(secret, _)| secret == token), "{kind}: {}", String::from_utf8_lossy(&window));
    }

    #[test]
    fn whatever_comes_in_nothing_upsets_the_hunter(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let formats: Vec<_> = preset::all().map(|policy| policy.token_format().expect("a format")).collect();
        let hunter = Hunter::new(&formats.into_iter().map(KnownFormat::Minted).collect::<Vec<_>>(), None, Foreign::default());
        hunter.hunt(&bytes, 0..bytes.len(), &mut |_| {});
    }
}

#[test]
fn each_presets_tokens_are_found_with_their_place() {
    for policy in preset::all() {
        let format = policy.token_format().expect("a preset");
        for environment in &format.environments {
            let minted = format.mint(environment, &mut SystemRandom).expect("random");
            let token = minted.secret.expose().to_owned();
            let hunter = hunter(std::slice::from_ref(&format), &[minted.hint]);
            for (before, after) in
                [("", ""), ("key: ", "\n"), ("%3D", "&a=1"), ("\\n", "\\n"), ("=pre", "post")]
            {
                let text = format!("{before}{token}{after}");
                let expected = vec![(token.clone(), before.len())];
                assert_eq!(found(&hunter, text.as_bytes()), expected, "{text}");
            }
            for text in [
                base64(token.as_bytes()),
                base64(&base64(token.as_bytes())),
                base64(format!("{token}\n").as_bytes()),
                base64(format!("KEY={token}\n").as_bytes()),
            ] {
                let found = found(&hunter, &text);
                assert!(
                    found.iter().any(|(secret, _)| *secret == token),
                    "{}",
                    String::from_utf8_lossy(&text)
                );
            }
        }
    }
}

#[test]
fn a_changed_token_of_a_format_with_a_checksum_is_none() {
    let format = format("{prefix}_{env}_{short:12}{secret:32}{crc}");
    let hunter = hunter(std::slice::from_ref(&format), &[]);
    let minted = format.mint("live", &mut SystemRandom).expect("random");
    let token = minted.secret.expose();
    for at in 0..token.len() {
        for replacement in ["0", "x", "_"] {
            let mut changed = token.to_owned();
            changed.replace_range(at..=at, replacement);
            assert_eq!(
                found(&hunter, changed.as_bytes()).len(),
                usize::from(changed == token),
                "{changed}"
            );
        }
    }
    assert_eq!(found(&hunter, &token.as_bytes()[..token.len() - 1]), []);
    assert_eq!(found(&hunter, minted.prefix.as_bytes()), []);
}

#[test]
fn a_token_is_told_of_in_one_part_alone() {
    let format = format("{prefix}_{env}_{short:12}{secret:32}{crc}");
    let hunter = hunter(std::slice::from_ref(&format), &[]);
    let token = format.mint("test", &mut SystemRandom).expect("random").secret;
    let text = format!("{:100}{}{:100}", "", token.expose(), "");
    for edge in 0..text.len() {
        let mut count = 0;
        for part in [0..edge, edge..text.len()] {
            hunter.hunt(text.as_bytes(), part, &mut |_| count += 1);
        }
        assert_eq!(count, 1, "{edge}");
    }
}
