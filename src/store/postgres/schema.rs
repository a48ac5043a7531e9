//! Whether a schema is keyward's own, and what it has beside that.

use super::{Database, Session, connection};
use crate::domain::Safe;
use crate::domain::flaw::Flaw;
use crate::error::Result;
use crate::store::damage::damaged;
use crate::store::uri::SCHEMA;
use crate::store::value::values;

/// What stands in the newest schema, a line each, as `catalog.sql` lists it. A test makes one and compares, or
/// writes this file.
const CATALOG: &str = include_str!("catalog.txt");

/// A text of statements for the schema of this name.
pub(super) fn in_schema(sql: &str, schema: &str) -> String {
    match schema {
        SCHEMA => sql.to_owned(),
        other => sql
            .replace("keyward.", &format!("{other}."))
            .replace("SCHEMA keyward", &format!("SCHEMA {other}"))
            .replace("nspname = 'keyward'", &format!("nspname = '{other}'")),
    }
}

/// Whether these are the outlines of the newest schema, as `opening.sql` lists them.
pub(super) fn has_outlines(outlines: &str) -> bool {
    let columns = |table: &str| {
        let front = format!("column {table}.");
        CATALOG.lines().filter(|line| line.starts_with(&front)).count()
    };
    let expected = CATALOG.lines().filter_map(|line| match line.split_once(' ')? {
        ("table", table) => Some(format!("{line} {}", columns(table))),
        ("index", name) if !name.contains(' ') => Some(line.to_owned()),
        ("sequence", _) => Some(line.to_owned()),
        _ => None,
    });
    let mut expected: Vec<String> = expected.collect();
    let mut found: Vec<&str> = outlines.lines().collect();
    expected.sort_unstable();
    found.sort_unstable();
    expected == found
}

impl Database {
    /// What was added to the schema, is missing from it or was changed; of each the first.
    pub(super) fn differences(&self) -> Result<Vec<String>> {
        let sql = in_schema(include_str!("catalog.sql"), &self.server.schema);
        let line = self.line()?;
        let answered =
            line.wait(self.wait.max(super::transaction::SHORT), line.client.simple_query(&sql));
        drop(line);
        let row = connection::rows(self.heard(answered)?).next();
        let found = row.as_ref().and_then(|row| row.get(0)).unwrap_or_default();
        let added = found.lines().find(|line| !CATALOG.lines().any(|own| own == *line));
        let missing = CATALOG.lines().find(|own| !found.lines().any(|line| line == *own));
        let added = added.map(|line| format!("the {} was added to its schema", Safe(line)));
        let missing = missing.map(|line| format!("its {line} is missing or was changed"));
        Ok(added.into_iter().chain(missing).collect())
    }

    /// Refuses a schema in which anything is not as keyward created it.
    pub(super) fn refuse_difference(&self) -> Result<()> {
        match self.differences()?.first() {
            None => Ok(()),
            Some(difference) => Err(damaged(difference)
                .hinted("remove what was added with psql; `keyward store check` looks again")),
        }
    }
}

impl Session<'_> {
    /// Calls the closure with what is wrong with the schema, and with an end of the trail that is not its last row.
    pub(in crate::store) fn for_each_fault(&self, body: impl FnMut(Flaw)) -> Result<()> {
        let head = self.0.begin()?.head;
        let sql = "SELECT 1 FROM audit WHERE seq > ?1 OR (seq = ?1 AND hash <> ?2) LIMIT 1";
        let beyond = self.first(sql, values![head.seq, &head.hash], |_| Ok(Some(())))?;
        let beyond =
            beyond.map(|()| "the row of its trail's end is not of its last event".to_owned());
        let differences = self.0.database.differences()?.into_iter();
        differences.chain(beyond).map(Flaw::of_file).for_each(body);
        Ok(())
    }
}
