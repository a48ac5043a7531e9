//! Which workspace and which key the model takes a text for.

use super::operation::Named;
use super::state::{Faults, Model};

fn fault(word: &'static str) -> Faults {
    Faults::from([word])
}

impl Model {
    /// The workspaces a key may be in: the named one, the one in use, or all.
    fn scope(&self, named: Option<&str>) -> Result<Vec<u64>, Faults> {
        match (named, self.current) {
            (Some(name), _) => {
                let found = self.workspace_named(name);
                found
                    .map(|number| vec![number])
                    .ok_or_else(|| fault("workspace_not_found"))
            }
            (None, Some(current)) => Ok(vec![current]),
            (None, None) => Ok(self.workspaces.keys().copied().collect()),
        }
    }

    /// The workspace an operation works in.
    pub fn place(&self, named: Option<&str>) -> Result<u64, Faults> {
        match self.scope(named)?[..] {
            [] => Err(fault("workspace_not_found")),
            [only] => Ok(only),
            _ => Err(fault("ambiguous")),
        }
    }

    /// The same where a store without a workspace is no fault.
    pub fn place_if_any(&self, named: Option<&str>) -> Result<Option<u64>, Faults> {
        match self.workspaces.is_empty() && named.is_none() {
            true => Ok(None),
            false => self.place(named).map(Some),
        }
    }

    /// The workspace a secret must be of, if it is said.
    pub fn confinement(&self, named: Option<&str>) -> Result<Option<u64>, Faults> {
        named.map(|name| self.place(Some(name))).transpose()
    }

    /// The key that is meant.
    pub fn select(&self, named: &Named, now: i64) -> Result<u64, Faults> {
        let scope = self.scope(named.workspace.as_deref())?;
        let is_asked_for = |number: &u64| {
            let key = &self.keys[number];
            let environment = named.environment.as_ref();
            scope.contains(&key.workspace)
                && environment.is_none_or(|environment| key.environment == *environment)
        };
        if let Some(number) = self.key_of_id(&named.text) {
            return match is_asked_for(&number) {
                true => Ok(number),
                false => Err(fault("key_not_found")),
            };
        }
        let begins = |id: &str| {
            named.text.starts_with("key_") && named.text.len() >= 10 && id.starts_with(&named.text)
        };
        let mut found: Vec<u64> = self.keys.keys().copied().collect();
        found.retain(|number| {
            let key = &self.keys[number];
            let (prefix, short) = key.prefix();
            let is_prefix = !short.is_empty() && [prefix, short].contains(&named.text.as_str());
            (begins(&key.id) || is_prefix) && is_asked_for(number)
        });
        match scope[..] {
            [only] => found.extend(self.named_so(only, &named.text, now, is_asked_for)),
            [] => {}
            _ if found.is_empty() => return Err(fault("ambiguous")),
            _ => {}
        }
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [] => Err(fault("key_not_found")),
            [only] => Ok(only),
            _ => Err(fault("ambiguous")),
        }
    }

    /// The holders of a name; where nobody holds it, the last that had it in each environment.
    fn named_so(
        &self,
        workspace: u64,
        name: &str,
        now: i64,
        is_asked_for: impl Fn(&u64) -> bool,
    ) -> Vec<u64> {
        let mut named: Vec<u64> = self.keys.keys().copied().collect();
        named.retain(|number| {
            let key = &self.keys[number];
            key.workspace == workspace && key.name == name && is_asked_for(number)
        });
        let (holders, others): (Vec<u64>, Vec<u64>) = named
            .into_iter()
            .partition(|number| self.holds_name(&self.keys[number], now));
        if !holders.is_empty() {
            return holders;
        }
        let is_last = |number: &u64| {
            let environment = &self.keys[number].environment;
            let same = others
                .iter()
                .filter(|other| self.keys[other].environment == *environment);
            same.max() == Some(number)
        };
        others
            .iter()
            .filter(|number| is_last(number))
            .copied()
            .collect()
    }
}
