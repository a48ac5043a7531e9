//! `domain::scan`: whatever it reads, a scan tells of every token that stands there as it is, of no token that is none, and of the
//! same ones however the text is cut into parts.
//!
//! An input's first byte chooses a format and a way of writing, the next two where a token is put, the one after where the text is cut; the rest is the
//! text.

use std::sync::OnceLock;

use keyward::domain::alphabet::Alphabet;
use keyward::domain::known_format::KnownFormat;
use keyward::domain::preset;
use keyward::domain::scan::{Foreign, Hunter, is_opaque};
use keyward::domain::token::TokenFormat;

use super::reference;
use super::repeatable::Repeatable;

/// How many of its first bytes say what to do with the rest.
const ORDERS: usize = 4;

/// Holds the search to its laws.
pub fn hold(data: &[u8]) {
    let (orders, text) = data.split_at(data.len().min(ORDERS));
    let mut padded = [0; ORDERS];
    padded[..orders.len()].copy_from_slice(orders);
    judge(text, usize::from(padded[3]));

    let formats = formats();
    let format = &formats[usize::from(padded[0]) % formats.len()];
    let place = usize::from(u16::from_be_bytes([padded[1], padded[2]])) % (text.len() + 1);
    let environment = &format.environments[0];
    let minted = format.mint(environment, &mut Repeatable::from(text)).expect("random");
    let token = minted.secret.expose();
    let planted = [&text[..place], token.as_bytes(), &text[place..]].concat();
    let found = judge(&planted, usize::from(padded[3]));
    assert!(found.contains(&(place, token.to_owned())), "a planted token is not found");
    // Written in another way, between lines of the text.
    let written = written(usize::from(padded[0]) / formats.len(), token.as_bytes());
    let around = [&text[..place], b"\n\n ", &written, b" \n\n", &text[place..]].concat();
    let start = place + 3;
    let is_it = |(at, found): &(usize, String)| {
        found == token && (start..start + written.len()).contains(at)
    };
    assert!(
        judge(&around, usize::from(padded[3])).iter().any(is_it),
        "a written token is not found"
    );
}

/// A token in one of the ways in which texts have it.
fn written(way: usize, token: &[u8]) -> Vec<u8> {
    let each = |write: fn(u8) -> String| -> Vec<u8> {
        token.iter().flat_map(|byte| write(*byte).into_bytes()).collect()
    };
    let lines = |between: &[u8]| token.chunks(18).collect::<Vec<_>>().join(between);
    match way % 9 {
        0 => each(|byte| format!("%{byte:02X}")),
        1 => each(|byte| format!("\\u{byte:04x}")),
        2 => each(|byte| format!("&#{byte};")),
        3 => each(|byte| format!("{byte:02x}")),
        4 => token.iter().flat_map(|byte| [*byte, 0]).collect(),
        5 => token.iter().flat_map(|byte| [0, *byte]).collect(),
        6 => lines(b"\n  "),
        7 => lines(b"\" + \""),
        _ => base64(token),
    }
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const CHARACTERS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let character = |start: usize| {
        let value = (start..start + 6).fold(0, |value, at| value << 1 | bit(at));
        CHARACTERS[usize::from(value)]
    };
    (0..bytes.len() * 8).step_by(6).map(character).collect()
}

/// Where tokens are, as the search says; held against a look at every place.
fn judge(text: &[u8], cut: usize) -> Vec<(usize, String)> {
    let found = hunt(text, &[0, text.len()]);
    let cut = if text.is_empty() { 0 } else { cut % text.len() };
    assert_eq!(found, hunt(text, &[0, cut, text.len()]), "it depends on the parts");
    for (start, token) in &found {
        assert!(*start < text.len());
        let is_one = |format: &TokenFormat| reference::recognises(format, token.as_bytes());
        assert!(formats().iter().any(is_one), "{token} is no token");
    }
    for format in formats() {
        for environment in &format.environments {
            let length = reference::length(format, environment);
            for (start, window) in text.windows(length).enumerate() {
                if reference::recognises(format, window) {
                    let token = String::from_utf8_lossy(window).into_owned();
                    assert!(found.contains(&(start, token)), "a token at {start} is not found");
                }
            }
        }
    }
    found
}

fn hunt(text: &[u8], edges: &[usize]) -> Vec<(usize, String)> {
    static HUNTER: OnceLock<Hunter> = OnceLock::new();
    let hunter = HUNTER.get_or_init(|| {
        let known: Vec<_> = formats().iter().cloned().map(KnownFormat::Minted).collect();
        Hunter::new(&known, None, Foreign::default())
    });
    let mut found = Vec::new();
    for part in edges.windows(2) {
        hunter.hunt(text, part[0]..part[1], &mut |candidate| {
            assert!(candidate.span.end <= text.len() && !candidate.span.is_empty());
            found.push((candidate.span.start, candidate.secret.expose().to_owned()));
        });
    }
    found.sort();
    found.dedup();
    found
}

/// The presets' formats that have a front, and one that has none: without a store it is found by its checksum.
fn formats() -> &'static [TokenFormat] {
    static FORMATS: OnceLock<Vec<TokenFormat>> = OnceLock::new();
    FORMATS.get_or_init(|| {
        let formats = preset::all().map(|policy| policy.token_format().expect("a preset"));
        let bare = TokenFormat {
            template: "{secret:43}{crc}".parse().expect("a template"),
            alphabet: Alphabet::Base62,
            prefix: String::new(),
            environments: vec!["live".to_owned()],
        };
        formats.filter(|format| !is_opaque(format)).chain([bare]).collect()
    })
}
