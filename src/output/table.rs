//! Tables for people.
//!
//! This module never cuts a cell short: off a terminal columns are as wide as they need, on one they wrap.

use std::fmt::Display;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

const GAP: usize = 2;
/// The first column is not squeezed below this many characters.
const NARROWEST: usize = 16;

/// Renders rows under a header, each cell already sanitised. `width` is the terminal's, if there is one.
///
/// On a terminal that is too narrow the first column wraps, because it holds names; ids and prefixes stay whole, so that
/// a double click still takes all of one. Where even that is too narrow the terminal breaks the lines.
pub fn render(header: &[&str], rows: Vec<Vec<String>>, width: Option<u16>, bold: bool) -> String {
    let room = width.and_then(|width| room_for_names(header, &rows, usize::from(width)));
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    table.add_rows(rows.into_iter().map(|mut row| {
        if let (Some(_), Some(name)) = (room, row.first_mut()) {
            // A name that wraps could begin a line with what a CI runner takes for a command.
            *name = name.replace("::", "\\u{3a}:");
        }
        row
    }));
    if let (Some(room), Some(names)) = (room, table.column_mut(0)) {
        names.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(room)));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width.unwrap_or_default());
    }
    let mut lines = lines_of(&mut table);
    if bold && let Some(first) = lines.first_mut() {
        *first = format!("\u{1b}[1m{first}\u{1b}[0m");
    }
    lines.join("\n") + "\n"
}

/// Renders one record as a column of names and a column of values.
pub fn render_record(fields: &[(&str, String)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.add_rows(
        fields
            .iter()
            .map(|(name, value)| [(*name).to_owned(), value.clone()]),
    );
    lines_of(&mut table).join("\n") + "\n"
}

/// Several things in a line.
pub fn listed(things: impl IntoIterator<Item = impl Display>) -> String {
    let texts = things.into_iter().map(|thing| thing.to_string());
    texts.collect::<Vec<_>>().join(", ")
}

/// How wide the first column may be, when the table is wider than the terminal and squeezing that column helps.
fn room_for_names(header: &[&str], rows: &[Vec<String>], width: usize) -> Option<u16> {
    let widest = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain(header.get(column).map(|cell| cell.chars().count()))
            .max()
            .unwrap_or(0)
            + GAP
    };
    let others: usize = (1..header.len()).map(widest).sum();
    let room = width
        .checked_sub(others)
        .filter(|room| *room >= NARROWEST)?;
    (widest(0) > room)
        .then(|| u16::try_from(room).ok())
        .flatten()
}

fn lines_of(table: &mut Table) -> Vec<String> {
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP as u16));
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_without_spaces() {
        let rows = vec![
            vec!["ci".to_owned(), "x".to_owned()],
            vec!["pipeline".to_owned(), "y".to_owned()],
        ];
        assert_eq!(
            render(&["NAME", "ID"], rows, None, false),
            "NAME      ID\nci        x\npipeline  y\n"
        );
    }

    #[test]
    fn on_a_narrow_terminal_names_wrap_and_ids_stay_whole() {
        let rows = || vec![vec!["n".repeat(30), "key_0123456789abcdef".to_owned()]];
        let narrow = render(&["NAME", "ID"], rows(), Some(42), false);
        assert_eq!(narrow.lines().count(), 3, "{narrow}");
        assert!(narrow.contains("  key_0123456789abcdef\n"), "{narrow}");
        let wrapped = render(
            &["NAME", "ID"],
            vec![vec!["aaaaaaaaaaaaaaa ::b ::c".to_owned(), "i".repeat(20)]],
            Some(42),
            false,
        );
        assert!(
            wrapped
                .lines()
                .all(|line| !line.trim_start().starts_with("::")),
            "{wrapped}"
        );
        for width in [Some(0), Some(30), Some(80), None] {
            let whole = render(&["NAME", "ID"], rows(), width, false);
            assert_eq!(whole.lines().count(), 2, "{width:?}: {whole}");
        }
    }
}
