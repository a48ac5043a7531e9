//! The policies that ship in the binary.

use crate::domain::policy::Policy;
use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind, Result};

/// The preset a workspace gets when nothing else is asked for.
pub const DEFAULT: &str = "default";

/// Each preset's name and text.
const PRESETS: [(&str, &str); 6] = [
    (DEFAULT, include_str!("../presets/default.toml")),
    ("amazonscraperapi", include_str!("../presets/amazonscraperapi.toml")),
    ("azscraper", include_str!("../presets/azscraper.toml")),
    ("audioscrape", include_str!("../presets/audioscrape.toml")),
    ("amser", include_str!("../presets/amser.toml")),
    ("scrapewise", include_str!("../presets/scrapewise.toml")),
];

pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

pub fn load(name: &str) -> Result<Policy> {
    let Some((_, text)) = PRESETS.iter().find(|(preset, _)| *preset == name) else {
        return Err(Error::new(Kind::Usage, format!("unknown preset \"{}\"", Safe(name)))
            .hinted(format!("the presets are {}", names().collect::<Vec<_>>().join(", "))));
    };
    Policy::from_toml(text)
}

pub fn all() -> impl Iterator<Item = Policy> {
    PRESETS
        .iter()
        .map(|(_, text)| Policy::from_toml(text).expect("a test reads every shipped preset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_read_and_prints_as_an_equal_policy() {
        for name in names() {
            let policy = load(name).expect(name);
            assert_eq!(Policy::from_toml(&policy.to_toml()).expect(name), policy);
        }
    }
}
