//! Tables for people.
//!
//! This module never cuts a cell short: off a terminal columns are as wide as they need, on one they wrap.

use comfy_table::{ContentArrangement, Table, presets};

/// Below this many columns a terminal's width is not worth heeding; a pseudo-terminal without a size says 0.
const NARROWEST: u16 = 40;

/// Renders rows under a header, each cell already sanitised. `width` is the terminal's, if there is one.
pub fn render(header: &[&str], rows: Vec<Vec<String>>, width: Option<u16>, bold: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    table.add_rows(rows);
    fit(&mut table, width);
    let mut lines = lines_of(&table);
    if bold && let Some(first) = lines.first_mut() {
        *first = format!("\u{1b}[1m{first}\u{1b}[0m");
    }
    lines.join("\n") + "\n"
}

/// Renders one record as a column of names and a column of values.
pub fn render_record(fields: &[(&str, String)], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.add_rows(
        fields
            .iter()
            .map(|(name, value)| [(*name).to_owned(), value.clone()]),
    );
    fit(&mut table, width);
    lines_of(&table).join("\n") + "\n"
}

fn fit(table: &mut Table, width: Option<u16>) {
    if let Some(width) = width.filter(|width| *width >= NARROWEST) {
        table.set_width(width);
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
}

fn lines_of(table: &Table) -> Vec<String> {
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
    fn a_terminal_of_no_width_does_not_break_words() {
        let rows = vec![vec!["pipeline".to_owned()]];
        assert_eq!(render(&["NAME"], rows, Some(0), false), "NAME\npipeline\n");
    }
}
