//! Recognising tokens: a text is taken exactly if it has the form and the checksum, and no small change of a token with a
//! checksum is a token.
//!
//! An input's first byte chooses a format, the next seven what is changed in a token, and the rest is a text to judge.

use std::sync::OnceLock;

use keyward::domain::alphabet::Alphabet;
use keyward::domain::preset;
use keyward::domain::secret::MAXIMUM_LENGTH;
use keyward::domain::token::TokenFormat;

use super::reference;
use super::repeatable::Repeatable;

/// How many of its first bytes say what to do with the rest.
const ORDERS: usize = 8;

/// Holds recognition to its laws.
pub fn hold(data: &[u8]) {
    let (orders, text) = data.split_at(data.len().min(ORDERS));
    let mut padded = [0; ORDERS];
    padded[..orders.len()].copy_from_slice(orders);
    let [choice, place, span, change @ ..] = padded;
    let formats = formats();
    let format = &formats[usize::from(choice) % formats.len()];

    let text = String::from_utf8_lossy(text);
    judge(format, &text);
    // A guess has no right checksum, so that the rest of the form would never be looked at.
    judge(format, &reference::completed(format, &text));

    let mut random = Repeatable::from(text.as_bytes());
    let environment = &format.environments[usize::from(span) % format.environments.len()];
    let minted = format.mint(environment, &mut random).expect("random");
    let token = minted.secret.expose();
    assert!(judge(format, token), "{token}");
    for other in neighbours(token, usize::from(place)) {
        judge(format, &other);
    }
    change_it(format, token, usize::from(place), usize::from(span), change);
}

/// The presets' formats, and such as they are not: every alphabet, a literal behind the secret, environments of which one
/// begins another, a prefix that is also an environment.
fn formats() -> &'static [TokenFormat] {
    static FORMATS: OnceLock<Vec<TokenFormat>> = OnceLock::new();
    FORMATS.get_or_init(|| {
        let own = |template: &str, alphabet, prefix: &str, environments: &[&str]| TokenFormat {
            template: template.parse().expect(template),
            alphabet,
            prefix: prefix.to_owned(),
            environments: environments.iter().map(|word| (*word).to_owned()).collect(),
        };
        let presets = preset::all().map(|policy| policy.token_format().expect("a preset"));
        let mut formats: Vec<TokenFormat> = presets.collect();
        formats.extend([
            own("{env}{short:1}{secret:40}{crc}", Alphabet::Base58, "", &["a", "ab", "b", "a1"]),
            own("{prefix}.{env}-{secret:36}-end_{crc}", Alphabet::Hex, "kw_", &["0", "00", "0a"]),
            own("{env}{prefix}{secret:64}.x", Alphabet::Hex, "live", &["live", "livelive"]),
            own("{short:128}{secret:128}{crc}", Alphabet::Base36, "", &["live"]),
            own("{secret:43}{crc}", Alphabet::Base62, "", &["live"]),
            own("{prefix}_{env}_{secret:32}", Alphabet::Base62, "kw", &["live", "test"]),
        ]);
        formats
    })
}

/// Whether a text is one of the format's tokens, which is for the rules worked out a second time to say.
fn judge(format: &TokenFormat, text: &str) -> bool {
    let is_one = format.recognises(text);
    assert_eq!(
        is_one,
        reference::recognises(format, text.as_bytes()),
        "{text:?} in {}",
        format.template
    );
    assert!(!is_one || (text.is_ascii() && text.len() <= MAXIMUM_LENGTH));
    is_one
}

/// A token that is cut short or grown, at its ends and at this place.
fn neighbours(token: &str, place: usize) -> Vec<String> {
    let (front, back) = token.split_at(place % token.len());
    vec![
        front.to_owned(),
        back.to_owned(),
        format!("{front}{}", &back[1..]),
        format!("{front}0{back}"),
        format!("{front}{}{back}", &back[..1]),
        format!("{front}\u{e9}{}", back.get(2..).unwrap_or_default()),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{token}{token}"),
        token.to_ascii_uppercase(),
        token.to_ascii_lowercase(),
    ]
}

/// Changes a few bytes that stand together. CRC-32 finds every change of at most 32 bits in a row, and a checksum that
/// alone was changed is another number.
fn change_it(format: &TokenFormat, token: &str, place: usize, span: usize, change: [u8; 5]) {
    let end = match span & 0x80 {
        0 => token.len() - reference::checksum_length(format),
        _ => token.len(),
    };
    let begin = match span & 0x80 {
        0 => 0,
        _ => token.len() - reference::checksum_length(format),
    };
    if begin == end {
        return;
    }
    let at = begin + place % (end - begin);
    let length = (1 + span % 4).min(end - at);
    let mut bytes = token.as_bytes().to_vec();
    let mut picked = Repeatable::from(&change);
    for (byte, wish) in bytes[at..at + length].iter_mut().zip(change) {
        // Most changes stay within the alphabet, or no checksum would be looked at.
        let characters = format.alphabet.characters();
        *byte = match wish & 0xc0 {
            0xc0 => wish & 0x7f,
            _ => characters[usize::from(wish ^ picked.byte()) % characters.len()],
        };
    }
    let Ok(changed) = String::from_utf8(bytes) else {
        return;
    };
    let is_one = judge(format, &changed);
    if reference::has_checksum(format) {
        assert_eq!(is_one, changed == token, "{token} became {changed}");
    }
}
