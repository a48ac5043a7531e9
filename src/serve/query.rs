//! The options that a proxy gives in the URL that it asks: what a key is wanted for.
//!
//! This module never ignores an option that it does not know: a slip of the pen must not let anybody in.

use crate::domain::percent::pairs;
use crate::domain::verdict::Ask;

/// What the options say.
#[derive(Debug, Default)]
pub struct Wish {
    pub ask: Ask,
    pub workspace: Option<String>,
    pub cost: Option<u32>,
    /// Whether every refusal but a 401 is sent as a 403.
    pub only_forbids: bool,
}

impl Wish {
    /// Reads the options, or says what is wrong with them. Whether refusals are sent as 403 is known in either case.
    pub fn read(query: &str) -> (Self, Result<(), &'static str>) {
        let mut wish = Self::default();
        let mut outcome = Ok(());
        for (name, value) in pairs(query) {
            let taken = match name.as_str() {
                "environment" => once(&mut wish.ask.environment, value),
                "workspace" => once(&mut wish.workspace, value),
                "scope" => {
                    let is_any = !value.is_empty();
                    wish.ask.scopes.push(value);
                    is_any
                }
                "cost" => value.parse().is_ok_and(|cost| wish.cost.replace(cost).is_none()),
                "denied" => {
                    wish.only_forbids = value == "403";
                    wish.only_forbids
                }
                _ => false,
            };
            if !taken {
                outcome = Err("the options are environment, scope, workspace, cost and denied=403");
            }
        }
        (wish, outcome)
    }
}

fn once(place: &mut Option<String>, value: String) -> bool {
    !value.is_empty() && place.replace(value).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_are_not_ignored() {
        let (wish, outcome) =
            Wish::read("environment=live&scope=a%3Ab&scope=c&workspace=x+y&cost=3&denied=403");
        assert_eq!(outcome, Ok(()));
        assert_eq!(wish.ask.environment.as_deref(), Some("live"));
        assert_eq!(wish.ask.scopes, ["a:b", "c"]);
        assert_eq!((wish.workspace.as_deref(), wish.cost), (Some("x y"), Some(3)));
        assert!(wish.only_forbids);
        for query in [
            "enviroment=live",
            "environment=",
            "environment=live&environment=test",
            "cost=x",
            "cost=-1",
            "cost=1&cost=1",
            "denied=401",
            "scope=",
            "x",
        ] {
            assert!(Wish::read(query).1.is_err(), "{query}");
        }
    }
}
