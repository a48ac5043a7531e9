//! What a scan found: a finding for each key, with its places.
//!
//! This module never keeps a token, and never its hash beyond the scan.

use std::collections::BTreeMap;

use crate::domain::scan::{
    Candidate, Checked, Coverage, Exceptions, Location, Place, Sink, Standing, WatchedKey,
};
use crate::domain::secret::SecretHash;
use crate::domain::words::words;
use crate::domain::{Key, Timestamp, WorkspaceId};
use crate::error::Result;
use crate::ops::judge::Forms;
use crate::store::Store;

/// How many places of a finding are kept; the others are counted.
const KEPT: usize = 100;
/// How many places are kept besides the first of each finding.
const MOST_KEPT: usize = 50_000;
/// How many tokens are kept that no key has. Anybody can make as many as they like; keys are as many as the store has.
const MOST_UNPROVEN: usize = 10_000;

words! {
    pub enum Kind {
        /// A key that can still verify.
        Live = "live",
        /// A key that was revoked or has expired.
        Dead = "dead",
        /// A token with a right checksum that no key of this store has.
        Unknown = "unknown",
    }
}

/// Whose token it is.
#[derive(Debug)]
pub enum Subject {
    /// A key's, by the hash of the whole token.
    Key(Box<Key>),
    /// Nobody's as far as is known.
    Unproven(Unproven),
}

/// What is known of a token that is proven by its checksum alone.
#[derive(Debug)]
pub struct Unproven {
    /// Its public front.
    pub prefix: String,
    pub environment: Option<String>,
    /// The key of the watch list with this front.
    pub watched: Option<WatchedKey>,
}

#[derive(Debug)]
pub struct Finding {
    pub subject: Subject,
    /// The first of its places.
    pub places: Vec<Place>,
    pub count: u64,
    /// What it was when it was found.
    pub kind: Kind,
    /// Whether it is another workspace's or environment's.
    is_left_out: bool,
}

impl Finding {
    pub fn key(&self) -> Option<&Key> {
        match &self.subject {
            Subject::Key(key) => Some(key),
            Subject::Unproven(_) => None,
        }
    }
}

/// Receives how far a scan has come.
pub type Reached<'a> = &'a mut dyn FnMut(&Coverage);

/// All findings of a scan so far.
pub struct Findings<'a> {
    store: Option<&'a mut Store>,
    watched: BTreeMap<String, WatchedKey>,
    workspace: Option<WorkspaceId>,
    environment: Option<String>,
    now: Timestamp,
    found: Vec<Finding>,
    by_hash: BTreeMap<[u8; 32], usize>,
    /// How many places are kept, and how many tokens that no key has.
    kept: usize,
    unproven: usize,
    /// Whether there were more of those.
    has_more: bool,
    forms: Forms,
    exceptions: Exceptions,
    /// What the paths of places begin with that exceptions do not have.
    base: Vec<u8>,
    pub ignored: u64,
    /// What is wrong with exceptions.
    pub doubts: Vec<String>,
    progress: Reached<'a>,
}

impl<'a> Findings<'a> {
    /// Findings that keys of this store are looked up for; without one, those of a watch list or none.
    pub fn new(
        store: Option<&'a mut Store>,
        watched: Vec<WatchedKey>,
        (workspace, environment): (Option<WorkspaceId>, Option<String>),
        now: Timestamp,
        progress: Reached<'a>,
    ) -> Self {
        let watched = watched.into_iter().map(|key| (key.prefix.clone(), key)).collect();
        Self {
            store,
            watched,
            workspace,
            environment,
            now,
            found: Vec::new(),
            by_hash: BTreeMap::new(),
            kept: 0,
            unproven: 0,
            has_more: false,
            forms: Forms::default(),
            exceptions: Exceptions::default(),
            base: Vec::new(),
            ignored: 0,
            doubts: Vec::new(),
            progress,
        }
    }

    /// Takes these exceptions for what is found from now on, below this path.
    pub fn except(&mut self, exceptions: Exceptions, base: Vec<u8>) {
        (self.exceptions, self.base) = (exceptions, base);
    }

    /// Notes where not all could be kept.
    pub fn note(&self, coverage: &mut Coverage) {
        if self.has_more {
            coverage.lacks(format!(
                "there are more than {MOST_UNPROVEN} tokens that no key has; the others are not listed"
            ));
        }
    }

    /// The findings that are to be reported, the worst first, and how many others there were.
    pub fn finish(self) -> (Vec<Finding>, u64) {
        let (mut found, mut left_out) = (Vec::new(), 0);
        for finding in self.found {
            match finding.is_left_out {
                true => left_out += 1,
                false if finding.count > 0 => found.push(finding),
                false => {}
            }
        }
        found.sort_by_key(|finding| match finding.kind {
            Kind::Live => 0,
            Kind::Unknown => 1,
            Kind::Dead => 2,
        });
        (found, left_out)
    }

    fn judge_one(&self, key: Option<Key>, checked: Option<&Checked>) -> Option<Finding> {
        let (subject, kind, is_left_out) = match (key, checked) {
            (Some(key), _) => {
                let is_own = self.workspace.is_none_or(|own| own == key.workspace_id);
                let is_asked = self.environment.as_ref().is_none_or(|one| *one == key.environment);
                let kind = if key.is_living(self.now) { Kind::Live } else { Kind::Dead };
                (Subject::Key(Box::new(key)), kind, !is_own || !is_asked)
            }
            (None, Some(checked)) => {
                let watched = self.watched.get(&checked.prefix).cloned();
                let environment = checked.environment.clone();
                let prefix = checked.prefix.clone();
                let asked = self.environment.as_ref();
                let is_other =
                    asked.is_some_and(|one| environment.as_ref().is_some_and(|own| own != one));
                let unproven = Unproven { prefix, environment, watched };
                (Subject::Unproven(unproven), Kind::Unknown, is_other)
            }
            (None, None) => return None,
        };
        Some(Finding { subject, places: Vec::new(), count: 0, kind, is_left_out })
    }
}

impl Sink for Findings<'_> {
    fn judge(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<usize>>> {
        let hashes: Vec<SecretHash> =
            candidates.iter().map(|candidate| candidate.secret.hash()).collect();
        let by_hash = &self.by_hash;
        let is_new = |hash: &SecretHash| !by_hash.contains_key(hash.as_bytes());
        let forms = &self.forms;
        let keys = match &mut self.store {
            Some(store) if hashes.iter().any(is_new) => store.read(|reader| {
                // A record that somebody has changed is found all the same.
                reader.trust_rows();
                let find = |(candidate, hash): (&Candidate, &SecretHash)| match is_new(hash) {
                    true => match forms.find(reader, &candidate.secret)? {
                        Some((seq, _)) => reader.key_by_seq(seq),
                        None => Ok(None),
                    },
                    false => Ok(None),
                };
                candidates.iter().zip(&hashes).map(find).collect::<Result<Vec<_>>>()
            })?,
            _ => hashes.iter().map(|_| None).collect(),
        };
        let mut judged = Vec::new();
        for ((candidate, hash), key) in candidates.iter().zip(hashes).zip(keys) {
            let known = self.by_hash.get(hash.as_bytes()).copied();
            // A key of another system can have several texts.
            let known = known.or_else(|| {
                let key = key.as_ref()?;
                self.found.iter().position(|one| one.key().is_some_and(|one| one.id == key.id))
            });
            let finding = known.or_else(|| {
                let finding = self.judge_one(key, candidate.checked.as_ref())?;
                if finding.key().is_none() {
                    self.has_more |= self.unproven == MOST_UNPROVEN;
                    if self.has_more {
                        return None;
                    }
                    self.unproven += 1;
                }
                self.found.push(finding);
                Some(self.found.len() - 1)
            });
            if let Some(finding) = finding {
                self.by_hash.insert(*hash.as_bytes(), finding);
            }
            judged.push(finding);
        }
        Ok(judged)
    }

    fn add(&mut self, number: usize, place: Place) {
        let finding = &mut self.found[number];
        let path = place.location.path.as_deref().unwrap_or_default();
        let below = path.strip_prefix(self.base.as_slice()).unwrap_or(path);
        let below = below.strip_prefix(b"/").unwrap_or(below);
        let (key, prefix) = match &finding.subject {
            Subject::Key(key) => (Some(&**key), key.prefix.as_str()),
            Subject::Unproven(unproven) => (None, unproven.prefix.as_str()),
        };
        let doubt = match self.exceptions.of(key, prefix, below, self.now) {
            Standing::Ignored => {
                self.ignored += u64::from(!finding.is_left_out);
                return;
            }
            Standing::Reported => None,
            Standing::Undated => Some("needs until=DATE, because the key is live"),
            Standing::Over => Some("is over"),
        };
        if let Some(doubt) = doubt {
            let name = key.map_or(prefix, |key| key.id.as_str());
            let doubt = format!("an exception for {name} in .keywardignore {doubt}");
            if !self.doubts.contains(&doubt) {
                self.doubts.push(doubt);
            }
        }
        // Two ways of reading the same bytes are one place.
        if finding
            .places
            .iter()
            .rev()
            .take(4)
            .any(|known| (&known.location, known.spot) == (&place.location, place.spot))
        {
            return;
        }
        finding.count += 1;
        let is_kept = finding.places.len() < KEPT && self.kept < MOST_KEPT;
        if finding.places.is_empty() || is_kept {
            finding.places.push(place);
            self.kept += 1;
        }
    }

    fn learn(&mut self, learn: &mut dyn FnMut(&mut Location)) {
        let places = self.found.iter_mut().flat_map(|finding| &mut finding.places);
        places.for_each(|place| learn(&mut place.location));
    }

    fn reached(&mut self, coverage: &Coverage) {
        (self.progress)(coverage);
    }
}
