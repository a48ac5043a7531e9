//! Choosing what new keys are asked to be, which secrets are presented, and for what.

use std::collections::BTreeMap;

use super::choose::{Chooser, NAMES, SPANS};
use super::operation::{Ask, Changes, Delivered, Expiry, Operation, Wish};
use super::random::Random;

pub(super) const SCOPES: [&str; 7] = ["read", "write", "admin", "USER", "READ", "FULL", "none"];
const NETWORKS: [&str; 3] = ["10.0.0.0/8", "203.0.113.7/32", "2001:db8::/32"];
const ADDRESSES: [&str; 4] = ["10.1.2.3", "203.0.113.7", "2001:db8::9", "192.0.2.1"];
const IDEMPOTENCY: [&str; 3] = ["run-1", "run-2", "run-3"];

impl Chooser<'_> {
    pub(super) fn expiry(&mut self) -> Expiry {
        match self.random.below(10) {
            0 => Expiry::Never,
            1 => Expiry::At(self.now - 1 + self.random.between(0, 2)),
            2 | 3 => Expiry::At(self.now + self.random.between(1, 100_000_000)),
            _ => Expiry::After(self.random.pick(&SPANS)),
        }
    }

    pub(super) fn scopes(&mut self, workspace: Option<&str>) -> Vec<String> {
        if self.random.percent(8) {
            let count = self.random.below(3);
            return (0..count).map(|_| self.random.pick(&SCOPES).to_owned()).collect();
        }
        let found = workspace.and_then(|name| self.model.workspace_named(name));
        let Some(rules) = found.map(|number| self.model.workspaces[&number].rules()) else {
            return Vec::new();
        };
        let (least, most) = rules.scopes_per_key;
        let count = self.random.between(least as i64, most as i64) as usize;
        let first = self.index(rules.scopes.len().max(1));
        let scopes = rules.scopes.iter().cycle().skip(first).take(count);
        scopes.map(|scope| (*scope).to_owned()).collect()
    }

    pub(super) fn labels(&mut self) -> BTreeMap<String, String> {
        let count = self.random.below(3);
        let label = |random: &mut Random| {
            let name = random.pick(&["team", "tier"]).to_owned();
            (name, random.pick(&["core", "edge", ""]).to_owned())
        };
        (0..count).map(|_| label(&mut self.random)).collect()
    }

    pub(super) fn allow(&mut self) -> Vec<String> {
        let first = self.index(NETWORKS.len());
        let count = 1 + self.index(2);
        let networks = NETWORKS.iter().cycle().skip(first).take(count);
        networks.map(|network| (*network).to_owned()).collect()
    }

    pub(super) fn wish(&mut self) -> Wish {
        if self.random.percent(15)
            && let Some(wish) = self.wish_for_a_name_once_held()
        {
            return wish;
        }
        let workspace = self.workspace();
        let scopes = self.scopes(workspace.as_deref());
        let environments = ["live", "test", "stage", "dev"];
        Wish {
            name: self.random.pick(&NAMES).to_owned(),
            environment: self
                .random
                .percent(60)
                .then(|| self.random.pick(&environments[..]).to_owned())
                .filter(|environment| environment != "dev" || self.random.percent(30)),
            scopes,
            expires: self.random.percent(40).then(|| self.expiry()),
            allow: match self.random.percent(15) {
                true => self.allow(),
                false => Vec::new(),
            },
            owner: self
                .random
                .percent(20)
                .then(|| self.random.pick(&["platform", "payments"]).to_owned()),
            labels: match self.random.percent(20) {
                true => self.labels(),
                false => BTreeMap::new(),
            },
            plan: self.own_plan(workspace.as_deref()),
            workspace,
        }
    }

    /// The name of a key that is superseded and lives: free if its replacement goes by another.
    fn wish_for_a_name_once_held(&mut self) -> Option<Wish> {
        let (model, now, at) = (self.model, self.now, self.model.at(self.now));
        let superseded = self.keys(|key| {
            let held = || model.holders(key.workspace, &key.environment, &key.name, now);
            key.replaced_by.is_some() && key.is_living(at) && held().is_empty()
        });
        let key = &self.model.keys[&self.random.any(&superseded)?];
        Some(Wish {
            workspace: Some(self.model.owner(key).name.clone()),
            name: key.name.clone(),
            environment: Some(key.environment.clone()),
            scopes: key.scopes.clone(),
            expires: None,
            allow: Vec::new(),
            owner: None,
            labels: BTreeMap::new(),
            plan: None,
        })
    }

    /// What a client asks that tries again: mostly the same as another client asks under that name.
    pub(super) fn mint_again(&mut self) -> Operation {
        let idempotency = self.random.pick(&IDEMPOTENCY).to_owned();
        let wish = Wish {
            name: idempotency.replace("run", "web"),
            environment: self.random.percent(5).then(|| "test".to_owned()),
            expires: self.random.percent(5).then_some(Expiry::After(600)),
            allow: Vec::new(),
            owner: None,
            labels: BTreeMap::new(),
            plan: None,
            scopes: Vec::new(),
            workspace: self.workspace(),
        };
        let remembered: Vec<&str> = self
            .model
            .remembered
            .iter()
            .filter(|remembered| remembered.name == idempotency)
            .filter_map(|remembered| self.model.key_of_id(&remembered.id))
            .map(|number| self.model.keys[&number].secret.as_str())
            .collect();
        let holding = self.random.any(&remembered).map(str::to_owned);
        Operation::MintAgain {
            wish,
            idempotency,
            hold: self.random.percent(30),
            holding: holding.filter(|_| self.random.percent(40)),
        }
    }

    /// Keys whose secrets were handed over: those minted last, or any.
    pub(super) fn delivered(&mut self) -> Vec<Delivered> {
        let at = self.model.at(self.now);
        let pending = self.keys(|key| key.status(at) == "pending");
        let count = 1 + self.index(3);
        let mut chosen = match self.random.percent(90) {
            true => pending.iter().rev().take(count).copied().collect(),
            false => Vec::from_iter(self.key(true)),
        };
        if self.random.percent(10) {
            chosen.extend(self.key(false));
        }
        let secret = |number: u64, random: &mut Random| match random.percent(97) {
            true => self.model.keys[&number].secret.clone(),
            // As if the key had been given another one meanwhile.
            false => "another".to_owned(),
        };
        let mut delivered = Vec::new();
        for number in chosen {
            let secret = secret(number, &mut self.random);
            let key = &self.model.keys[&number];
            delivered.push(Delivered {
                number,
                workspace: self.model.owner(key).name.clone(),
                id: key.id.clone(),
                secret,
            });
        }
        delivered
    }

    pub(super) fn secret(&mut self) -> String {
        let at = self.model.at(self.now);
        let found = match self.random.below(100) {
            0..=59 => self.keys(|key| key.status(at) == "active"),
            60..=69 => self.keys(|key| key.status(at) == "pending"),
            70..=84 => self.keys(|_| true),
            85..=89 => Vec::from_iter(self.model.keys.keys().next_back().copied()),
            90..=95 => {
                let gone: Vec<&str> =
                    self.model.gone.iter().map(|gone| gone.secret.as_str()).collect();
                return self.random.any(&gone).unwrap_or("nobody's").to_owned();
            }
            96 => return String::new(),
            97 => return "kw_live_0".to_owned(),
            _ => return "x".repeat(1030),
        };
        match self.random.any(&found) {
            Some(number) => self.model.keys[&number].secret.clone(),
            None => "kw_live_".to_owned(),
        }
    }

    pub(super) fn changes(&mut self) -> Changes {
        Changes {
            scopes: self.random.percent(30).then(|| {
                let workspace = self.workspace();
                self.scopes(workspace.as_deref())
            }),
            allow: self.random.percent(20).then(|| match self.random.percent(50) {
                true => self.allow(),
                false => Vec::new(),
            }),
            owner: self.random.percent(20).then(|| match self.random.percent(70) {
                true => "platform".to_owned(),
                false => String::new(),
            }),
            clear_labels: self.random.percent(15),
            labels: match self.random.percent(30) {
                true => self.labels(),
                false => BTreeMap::new(),
            },
            plan: self.random.percent(20).then(|| match self.random.percent(40) {
                true => String::new(),
                false => self.random.pick(&["free", "pro", "huge", "small", "gold"]).to_owned(),
            }),
        }
    }

    /// A plan of a key's own: mostly none, or one that the workspace's policy has.
    fn own_plan(&mut self, workspace: Option<&str>) -> Option<String> {
        let found = workspace.and_then(|name| self.model.workspace_named(name));
        let plans = found.map_or(&[][..], |found| self.model.workspaces[&found].rules().plans);
        let names: Vec<String> = plans.iter().map(|plan| plan.name.to_owned()).collect();
        match self.random.below(100) {
            0 => self.plan(100),
            1..=49 => self.random.any(&names),
            _ => None,
        }
    }

    pub(super) fn verify(&mut self) -> Operation {
        let at = self.model.at(self.now);
        let held = self.keys(|key| key.whole_at.is_some() && key.status(at) == "active");
        // Again and again the same key, or no limit is ever met.
        if let Some(number) = held.first().filter(|_| self.random.percent(25)) {
            let mut ask = self.ask();
            ask.secret.clone_from(&self.model.keys[number].secret);
            ask.scopes.clear();
            return Operation::Verify { workspace: None, asks: vec![ask] };
        }
        let count = 1 + self.index(6);
        let mut asks: Vec<Ask> = (0..count).map(|_| self.ask()).collect();
        // Each operation is one transaction, so that a crash leaves all of it or nothing.
        let is_limited = |ask: &Ask| {
            let key = self.model.key_of_secret(&ask.secret);
            key.is_some_and(|key| self.model.limits(&self.model.keys[&key]).is_any())
        };
        if asks.iter().any(is_limited) {
            asks.truncate(1);
        }
        Operation::Verify {
            workspace: self.random.percent(6).then(|| self.workspace()).flatten(),
            asks,
        }
    }

    pub(super) fn ask(&mut self) -> Ask {
        Ask {
            secret: self.secret(),
            environment: self
                .random
                .percent(30)
                .then(|| self.random.pick(&["live", "live", "test"]).to_owned()),
            address: self.random.percent(50).then(|| self.random.pick(&ADDRESSES).to_owned()),
            scopes: match self.random.percent(15) {
                true => vec![self.random.pick(&SCOPES).to_owned()],
                false => Vec::new(),
            },
            cost: match self.random.percent(70) {
                true => 1,
                false => self.random.below(15) as u32,
            },
            record: self.random.percent(85),
        }
    }
}
