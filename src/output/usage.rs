//! Usage as scripts and people read it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::usage::Tally;
use crate::domain::{Day, Key, Safe};
use crate::output::table::{Cell, Column, listed};
use crate::output::view::Moment;

/// The longest bar, in columns: with it a row fits a terminal of 80.
const WIDEST: usize = 8;
/// A bar's last character, by eighths (Unicode block elements, U+2589 to U+258F).
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A row; which fields it has follows from what the rows are added up by.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageView {
    workspace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    day: Option<String>,
    valid: u64,
    refused: u64,
    credits: u64,
    refused_by: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Option<Moment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_address: Option<Option<String>>,
}

impl UsageView {
    /// A sum. For a key over several days it includes the last use among them.
    pub fn new(
        workspace: String,
        key: Option<&Key>,
        environment: Option<String>,
        day: Option<Day>,
        tally: &Tally,
    ) -> Self {
        let last = key.filter(|_| day.is_none()).map(|_| tally.last.filter(|_| tally.valid > 0));
        Self {
            workspace,
            key_id: key.map(|key| key.id.as_str().to_owned()),
            name: key.map(|key| key.name.clone()),
            environment,
            day: day.map(|day| day.to_string()),
            valid: tally.valid,
            refused: tally.refusals(),
            credits: tally.credits,
            refused_by: tally.refused.iter().map(|(code, count)| (code.word(), *count)).collect(),
            last_used_at: last.map(|last| last.map(|last| Moment(last.at))),
            last_address: last
                .map(|last| last.and_then(|last| last.address.map(|address| address.to_string()))),
        }
    }
}

/// Rows for people: a header, and in each row a bar relative to the longest.
pub fn table(rows: &[UsageView]) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let Some(first) = rows.first() else {
        return (Vec::new(), Vec::new());
    };
    let mut columns = Vec::new();
    let mut column = |column, is_there| {
        if is_there {
            columns.push(column);
        }
    };
    let several = rows.iter().any(|row| row.workspace != first.workspace);
    let of_key = first.name.is_some();
    let has_workspace = several || (!of_key && first.environment.is_none() && first.day.is_none());
    column(Column::text("NAME"), of_key);
    column(Column::text("WORKSPACE"), has_workspace);
    column(Column::last("ENV"), first.environment.is_some());
    column(Column::from("DAY"), first.day.is_some());
    columns.extend([
        Column::number("VALID"),
        Column::from(""),
        Column::number("CREDITS"),
        Column::text("REFUSED"),
    ]);
    if of_key {
        columns.push(Column::from("ID").wide());
    }
    let most = rows.iter().map(|row| row.valid).max().unwrap_or(0);
    let cells = rows.iter().map(|row| {
        let safe = |text: &String| Safe(text).to_string();
        let mut cells: Vec<String> = row.name.iter().map(safe).collect();
        cells.extend(has_workspace.then(|| safe(&row.workspace)));
        cells.extend(row.environment.iter().map(safe));
        cells.extend(row.day.clone());
        cells.extend([
            row.valid.to_string(),
            bar(row.valid, most),
            row.credits.to_string(),
            refusals(row),
        ]);
        cells.extend(row.key_id.iter().map(safe));
        cells.into_iter().map(Cell::from).collect()
    });
    (columns, cells.collect())
}

fn refusals(row: &UsageView) -> String {
    if row.refused_by.is_empty() {
        return "0".to_owned();
    }
    let reasons = row.refused_by.iter();
    listed(reasons.map(|(code, count)| format!("{count} {code}")))
}

/// A bar as long as `value` is of `most`; whatever is not nothing shows.
fn bar(value: u64, most: u64) -> String {
    if value == 0 {
        return String::new();
    }
    let full = WIDEST as u128 * 8;
    let eighths = (u128::from(value) * full / u128::from(most.max(value))).max(1) as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.push(EIGHTHS[eighths % 8]);
    bar.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_part_of_the_most() {
        assert_eq!(bar(0, 10), "");
        assert_eq!(bar(10, 10), "█".repeat(8));
        assert_eq!(bar(5, 10), "█".repeat(4));
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(u64::MAX, u64::MAX), "█".repeat(8));
    }
}
