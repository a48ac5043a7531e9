//! Which workspace and which key the model takes a text for.

use std::collections::BTreeMap;

use super::operation::Named;
use super::state::{Faults, Key, Model};

fn fault(word: &'static str) -> Faults {
    Faults::from([word])
}

impl Model {
    /// The workspaces a key may be in: the named one, the one in use, or all.
    fn scope(&self, named: Option<&str>) -> Result<Vec<u64>, Faults> {
        match (named, self.current) {
            (Some(name), _) => {
                let found = self.workspace_named(name);
                found.map(|number| vec![number]).ok_or_else(|| fault("workspace_not_found"))
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

    /// The same where a store without a workspace is not a fault.
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
        self.find_key(named, now).map(|(number, _)| number)
    }

    /// The key that is meant and, where it was named by its name, the others of its lineage.
    pub fn select_all(&self, named: &Named, now: i64) -> Result<Vec<u64>, Faults> {
        let (number, is_name) = self.find_key(named, now)?;
        let mut all = vec![number];
        if is_name {
            all.extend(self.namesakes(&self.keys[&number], now));
        }
        Ok(all)
    }

    /// The other keys of a key's name and environment that could come to verify, the newest first.
    pub fn namesakes(&self, key: &Key, now: i64) -> Vec<u64> {
        let place = |key: &Key| (key.workspace, key.environment.clone(), key.name.clone());
        let at = self.at(now);
        let is_other =
            |other: &Key| other.id != key.id && place(other) == place(key) && other.is_living(at);
        let found = self.keys.iter().rev().filter(|(_, other)| is_other(other));
        found.map(|(number, _)| *number).collect()
    }

    /// Whether it verifies, or its holder can activate it: nobody can while it is disabled, or waits to replace what is.
    fn is_still_valid(&self, key: &Key, now: i64) -> bool {
        let at = self.at(now);
        let is_paused = |key: &Key| key.standing(at) == "disabled";
        let waits = |key: &Key| {
            let awaited = self.predecessor(key);
            key.standing(at) == "pending" && awaited.is_some_and(|old| is_paused(&self.keys[&old]))
        };
        !is_paused(key) && !waits(key)
    }

    /// The ids of what is still valid of the lineages of these keys, as they were before the operation that dealt with them.
    pub fn left_of<'a>(
        &self,
        dealt_with: impl Iterator<Item = &'a Key> + Clone,
        now: i64,
    ) -> Vec<String> {
        let mut left = Vec::new();
        for key in dealt_with.clone() {
            for number in self.namesakes(key, now) {
                let id = &self.keys[&number].id;
                if self.is_still_valid(&self.keys[&number], now)
                    && !left.contains(id)
                    && dealt_with.clone().all(|known| known.id != *id)
                {
                    left.push(id.clone());
                }
            }
        }
        left.sort();
        left
    }

    fn find_key(&self, named: &Named, now: i64) -> Result<(u64, bool), Faults> {
        let scope = self.scope(named.workspace.as_deref())?;
        let is_asked_for = |number: &u64| {
            let key = &self.keys[number];
            let environment = named.environment.as_ref();
            scope.contains(&key.workspace)
                && environment.is_none_or(|environment| key.environment == *environment)
        };
        if let Some(number) = self.key_of_id(&named.text) {
            return match is_asked_for(&number) {
                true => Ok((number, false)),
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
        let is_name = found.is_empty();
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
            [only] => Ok((only, is_name)),
            _ => Err(fault("ambiguous")),
        }
    }

    /// In each environment where a key of this name could come to verify, its holder or the last such key; where there is no
    /// such environment, the last that had the name in each.
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
        let at = self.at(now);
        let living: Vec<u64> =
            named.iter().filter(|number| self.keys[number].is_living(at)).copied().collect();
        let candidates = if living.is_empty() { named } else { living };
        let mut best: BTreeMap<&str, (bool, u64)> = BTreeMap::new();
        for number in candidates {
            let key = &self.keys[&number];
            let claim = (self.holds_name(key, now), number);
            let known = best.entry(&key.environment).or_insert(claim);
            *known = claim.max(*known);
        }
        best.into_values().map(|(_, number)| number).collect()
    }
}
