//! What is kept of keys permanently: the `token_format` table, which has every token format that keys of this store have or once
//! had, and the `ended` table, which has the hashes of keys that were revoked, or deleted after they had ended.
//!
//! This module never removes a format or a hash.

use super::damage::damaged;
use super::value::values;
use super::{Reader, Writer};
use crate::domain::known_format::{KnownFormat, SHORTEST_FRONT};
use crate::domain::secret::SecretHash;
use crate::domain::{KeySeq, Policy, WorkspaceId};
use crate::error::Result;

/// How many fronts of imported tokens are kept. Each is looked for in all that is scanned, and more are not shared beginnings.
const MOST_FRONTS: i64 = 64;

impl Reader<'_> {
    /// Every format, in an order of its own.
    pub fn formats(&self) -> Result<Vec<KnownFormat>> {
        let sql = "SELECT template, alphabet, prefix, environments FROM token_format
             ORDER BY template, alphabet, prefix, environments";
        self.session.all(sql, &[], |row| {
            let environments = row.text(3)?.split_whitespace().map(str::to_owned).collect();
            KnownFormat::new(&row.text(0)?, &row.text(1)?, &row.text(2)?, environments)
                .map_err(|error| damaged(format!("a token format: {error}")))
        })
    }

    /// Whether the format of a policy's tokens is among them.
    pub fn has_format(&self, policy: &Policy) -> Result<bool> {
        self.keeps(&KnownFormat::Minted(policy.token_format()?))
    }

    fn keeps(&self, format: &KnownFormat) -> Result<bool> {
        let (template, alphabet, prefix, environments) = format.parts();
        let sql = "SELECT 1 FROM token_format
             WHERE template = ?1 AND alphabet = ?2 AND prefix = ?3 AND environments = ?4";
        let environments = environments.join(" ");
        self.session.exists(sql, values![template.as_str(), alphabet, prefix, &environments])
    }

    /// Calls the closure with the hint of every key whose token has no public random part, or of the others.
    pub fn for_each_hint(&self, has_short: bool, mut body: impl FnMut(&[u8])) -> Result<()> {
        let sql = match has_short {
            true => "SELECT hint FROM key WHERE short <> ''".to_owned(),
            false => {
                let index = self.session.by_index("key_hint");
                format!("SELECT hint FROM key {index} WHERE short = ''")
            }
        };
        self.session.each(&sql, &[], |row| {
            body(row.bytes(0)?.unwrap_or_default());
            Ok(())
        })
    }
}

impl Writer<'_> {
    /// Keeps a format. Says whether it is new; a front that is one too many is not kept.
    pub fn keep_format(&self, format: &KnownFormat) -> Result<bool> {
        if self.keeps(format)? {
            return Ok(false);
        }
        let (template, alphabet, prefix, environments) = format.parts();
        let sql = "SELECT count(*) FROM token_format WHERE template = ''";
        if matches!(format, KnownFormat::Front(_))
            && self.session.one(sql, &[], |row| row.get(0))?.unwrap_or(0) >= MOST_FRONTS
        {
            return Ok(false);
        }
        let sql = "INSERT INTO token_format (template, alphabet, prefix, environments)
             VALUES (?1, ?2, ?3, ?4)";
        let environments = environments.join(" ");
        let values = values![template.as_str(), alphabet, prefix, &environments];
        self.session.run(sql, values)?;
        Ok(true)
    }

    /// Keeps the format of a policy's tokens.
    pub(super) fn keep_format_of(&self, policy: &Policy) -> Result<()> {
        self.keep_format(&KnownFormat::Minted(policy.token_format()?)).map(drop)
    }

    /// Keeps the formats of a store of an older schema: those of its workspaces, those of policies that the trail has, and what
    /// imported tokens begin with. What cannot be read has a format that nobody knows.
    pub(super) fn keep_formats_so_far(&self) -> Result<()> {
        let mut policies = Vec::new();
        for (_, workspace) in self.workspaces_as_they_stand()? {
            policies.extend(workspace.map(|(workspace, ..)| workspace.policy));
        }
        let sql = "SELECT details FROM audit WHERE action IN ('workspace.create', 'workspace.set')";
        self.session.each(sql, &[], |row| {
            let details: serde_json::Value =
                serde_json::from_str(&row.text(0)?).unwrap_or_default();
            let texts = ["policy", "from", "to"].map(|field| details[field].as_str());
            policies.extend(
                texts.into_iter().flatten().filter_map(|text| Policy::from_toml(text).ok()),
            );
            Ok(())
        })?;
        policies.iter().try_for_each(|policy| self.keep_format_of(policy))?;
        let sql = "SELECT DISTINCT substr(prefix, 1, length(prefix) - length(short)) FROM key
             WHERE short <> '' AND substr(prefix, length(prefix) - length(short) + 1) = short LIMIT 100";
        let fronts: Vec<String> = self.session.all(sql, &[], |row| row.text(0))?;
        let formats = self.formats()?;
        for front in fronts {
            let is_known = formats.iter().any(|format| format.begins(&front));
            if front.len() >= SHORTEST_FRONT && !is_known {
                self.keep_format(&KnownFormat::Front(front))?;
            }
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// Whether the key of this hash has ended permanently, whether its record is still there or not.
    pub fn is_ended(&self, hash: &SecretHash) -> Result<bool> {
        self.session.exists("SELECT 1 FROM ended WHERE hash = ?1", values![hash])
    }
}

impl Writer<'_> {
    /// Keeps the hash of a key that has ended permanently.
    pub(super) fn end(&self, hash: &SecretHash) -> Result<()> {
        let sql = "INSERT INTO ended (hash) VALUES (?1) ON CONFLICT DO NOTHING";
        self.session.run(sql, values![hash])
    }

    /// Keeps the hashes of these records, which are about to be deleted.
    pub(super) fn end_all(&self, keys: &[KeySeq]) -> Result<()> {
        let mut end = self.session.prepare(
            "INSERT INTO ended (hash) SELECT hash FROM key WHERE seq = ?1 ON CONFLICT DO NOTHING",
        )?;
        for key in keys {
            end.run(values![*key])?;
        }
        Ok(())
    }

    /// The same of all of a workspace's records.
    pub(super) fn end_all_of(&self, workspace: WorkspaceId) -> Result<()> {
        let sql = "INSERT INTO ended (hash) SELECT hash FROM key WHERE workspace_id = ?1 ON CONFLICT DO NOTHING";
        self.session.run(sql, values![workspace])
    }
}
