//! What a scan looks for: from a store, a policy or a watch list.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Args, many};
use crate::context::{Context, Document};
use crate::domain::policy::Policy;
use crate::domain::scan::{Hunter, WatchList, WatchedKey};
use crate::domain::words::counted;
use crate::domain::{Timestamp, WorkspaceId};
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::scan::{self, Finding, Kind};
use crate::store::Store;

/// What is looked for, and where keys are looked up.
pub(super) struct Known {
    pub hunter: Hunter,
    pub store: Option<Store>,
    pub actor: Option<Actor>,
    pub workspace: Option<WorkspaceId>,
    pub watched: Vec<WatchedKey>,
    pub now: Timestamp,
    formats: usize,
    keys: u64,
}

impl Known {
    pub(super) fn gather(args: &Args, context: &mut Context) -> Result<Self> {
        let now = context.now();
        if let Some(path) = &args.policy {
            let policy = Policy::from_toml(&context.read_text(path, Document::Policy)?)?;
            let hunter = scan::hunter_of_policy(&policy)?;
            return Ok(Self::without_store(hunter, Vec::new(), 1, now));
        }
        if let Some(path) = &args.watch {
            let list = WatchList::parse(&context.read_text(path, Document::WatchList)?)?;
            let (hunter, unproven) = scan::hunter_of_watch_list(&list)?;
            if unproven > 0 {
                let formats = counted(unproven, "format");
                context.ui.warn(&format!(
                    "{formats} of the watch list cannot be searched for without the store"
                ));
            }
            return Ok(Self::without_store(hunter, list.keys, list.formats.len() - unproven, now));
        }
        let (mut store, actor, now) = context.enter()?;
        let scope = scan::scope(&mut store, &actor, context.workspace.as_deref(), now)?;
        if scope.has_none {
            context
                .ui
                .warn("the store has no workspace, so only the presets' formats are looked for");
        }
        let keys = store.info()?.keys;
        Ok(Self {
            hunter: scope.hunter,
            store: Some(store),
            actor: Some(actor),
            workspace: scope.workspace,
            watched: Vec::new(),
            now,
            formats: scope.formats,
            keys,
        })
    }

    fn without_store(
        hunter: Hunter,
        watched: Vec<WatchedKey>,
        formats: usize,
        now: Timestamp,
    ) -> Self {
        let keys = watched.len() as u64;
        Self { hunter, store: None, actor: None, workspace: None, watched, now, formats, keys }
    }

    /// What was looked for, as the last line says it.
    pub(super) fn covered(&self) -> String {
        format!("{}, {}", many(self.formats as u64, "format"), many(self.keys, "key"))
    }

    /// The command that ends each of the keys, where it is live.
    pub(super) fn remedies(&mut self, found: &[Finding]) -> Result<Vec<Option<String>>> {
        let now = self.now;
        let Some(store) = &mut self.store else {
            return Ok(found.iter().map(|_| None).collect());
        };
        // A key that was revoked a moment ago needs nothing more.
        let is_live = |finding: &&Finding| {
            finding.kind == Kind::Live && finding.key().is_some_and(|key| key.is_living(now))
        };
        found
            .iter()
            .map(|finding| {
                let key = Some(finding).filter(is_live).and_then(Finding::key);
                key.map(|key| scan::remedy(store, key)).transpose()
            })
            .collect()
    }
}

/// What the paths of a folder's files begin with.
pub(super) fn base(path: &Path) -> Vec<u8> {
    match path == Path::new(".") {
        true => Vec::new(),
        false => path.as_os_str().as_bytes().to_vec(),
    }
}
