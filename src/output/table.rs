//! Tables for people.
//!
//! This module never wraps a row. Off a terminal nothing is cut, and columns are as wide as they need. On a terminal,
//! text that does not fit is shown in its short form if it has one, and is otherwise cut with `…`: names first, ids
//! never. Where there is room for all of them, texts are shown in their long form.

use std::fmt::Display;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use unicode_width::UnicodeWidthStr;

const GAP: usize = 2;
/// What a cut cell ends with.
const CUT: &str = "…";

/// What may happen to a column where the terminal is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing: its text is copied and typed.
    Whole,
    /// It is cut first.
    Text,
    /// It is cut where nothing else helps.
    Last,
    /// Nothing, and its numbers are aligned to the right.
    Number,
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    title: &'static str,
    kind: Kind,
    is_wide: bool,
}

impl Column {
    const fn of(title: &'static str, kind: Kind) -> Self {
        Self { title, kind, is_wide: false }
    }

    /// Names and other texts that may be long.
    pub const fn text(title: &'static str) -> Self {
        Self::of(title, Kind::Text)
    }

    /// Words and times, which are short.
    pub const fn last(title: &'static str) -> Self {
        Self::of(title, Kind::Last)
    }

    pub const fn number(title: &'static str) -> Self {
        Self::of(title, Kind::Number)
    }

    /// The same, for `--output wide` only.
    #[must_use]
    pub const fn wide(self) -> Self {
        Self { is_wide: true, ..self }
    }
}

impl Column {
    /// The same, in every table if it is the one of this title.
    #[must_use]
    pub fn shown(self, title: &str) -> Self {
        Self { is_wide: self.is_wide && self.title != title, ..self }
    }
}

impl From<&'static str> for Column {
    fn from(title: &'static str) -> Self {
        Self::of(title, Kind::Whole)
    }
}

/// A cell, already sanitised.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    short: Option<String>,
    long: Option<String>,
    /// The colour, as a terminal's code (ECMA-48 8.3.117).
    colour: Option<&'static str>,
}

impl Cell {
    /// The same with a short form, for when there is too little room.
    #[must_use]
    pub fn short(mut self, short: String) -> Self {
        self.short = Some(short);
        self
    }

    /// The same with a long form, for terminals with room for it.
    #[must_use]
    pub fn long(mut self, long: String) -> Self {
        self.long = Some(long);
        self
    }

    #[must_use]
    pub fn coloured(mut self, colour: &'static str) -> Self {
        self.colour = Some(colour);
        self
    }

    /// The form that is shown in so many columns.
    fn within(&self, width: usize) -> &str {
        match &self.short {
            Some(short) if self.text.width() > width => short,
            _ => &self.text,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// How a table is shown.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The width of the terminal, if it is shown on one and is to fit.
    pub width: Option<usize>,
    pub colour: bool,
    /// Whether it has every column.
    pub is_wide: bool,
}

/// Renders rows under a header.
pub fn render(columns: &[Column], rows: Vec<Vec<Cell>>, look: Look) -> String {
    let shown = |column: &Column| look.is_wide || !column.is_wide;
    let mut rows: Vec<Vec<Cell>> = rows
        .into_iter()
        .map(|row| {
            let cells = row.into_iter().zip(columns);
            cells.filter(|(_, column)| shown(column)).map(|(cell, _)| cell).collect()
        })
        .collect();
    let columns: Vec<Column> = columns.iter().copied().filter(shown).collect();
    if let Some(room) = look.width {
        lengthen(&columns, &mut rows, room);
    }
    let mut widths: Vec<usize> =
        (0..columns.len()).map(|at| shown_width(&columns, &rows, at, usize::MAX)).collect();
    if let Some(room) = look.width {
        fit(&columns, &rows, &mut widths, room);
    }
    let titles =
        columns.iter().map(|column| Cell { colour: Some("1"), ..Cell::from(column.title) });
    let rows: Vec<Vec<Cell>> = std::iter::once(titles.collect()).chain(rows).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for row in &rows {
        let texts = row.iter().zip(&widths);
        table.add_row(texts.map(|(cell, width)| shortened(cell.within(*width), *width)));
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(own) = table.column_mut(at) {
            let width = u16::try_from(widths[at] + GAP).unwrap_or(u16::MAX);
            own.set_padding((0, GAP as u16))
                .set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
            if column.kind == Kind::Number {
                own.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let lines = table.lines().zip(&rows);
    lines
        .map(|(line, row)| {
            let line = line.trim_end();
            if look.colour { coloured(line, row, &widths) + "\n" } else { line.to_owned() + "\n" }
        })
        .collect()
}

/// The line with the colours of its cells.
fn coloured(line: &str, row: &[Cell], widths: &[usize]) -> String {
    let (mut text, mut rest, mut end) = (String::new(), line, 0);
    for (cell, width) in row.iter().zip(widths) {
        end += width + GAP;
        let taken = line.len() - rest.len();
        let ends = rest.char_indices().map(|(at, character)| at + character.len_utf8());
        let length = ends.take_while(|at| line[..taken + at].width() <= end).last();
        let (own, after) = rest.split_at(length.unwrap_or_default());
        rest = after;
        let shown = own.trim();
        match cell.colour.filter(|_| !shown.is_empty()) {
            Some(colour) => {
                let code = format!("\u{1b}[{colour}m{shown}\u{1b}[0m");
                text += &own.replacen(shown, &code, 1);
            }
            None => text += own,
        }
    }
    text + rest
}

/// Renders one record as a column of names and a column of values.
pub fn render_record(fields: &[(&str, String)]) -> String {
    let names = fields.iter().map(|(name, _)| name.width()).max();
    let width = names.unwrap_or_default() + GAP;
    let lines = fields.iter().map(|(name, value)| {
        let line = format!("{name}{}{value}", " ".repeat(width - name.width()));
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}

/// Several things in a line.
pub fn listed(things: impl IntoIterator<Item = impl Display>) -> String {
    let texts = things.into_iter().map(|thing| thing.to_string());
    texts.collect::<Vec<_>>().join(", ")
}

/// How wide a column is when no cell may be wider than this and those that are have their short form.
fn shown_width(columns: &[Column], rows: &[Vec<Cell>], at: usize, limit: usize) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(at));
    let widths = cells.map(|cell| cell.within(limit).width());
    let title = columns[at].title.width();
    widths.fold(title, usize::max)
}

/// Shows every text in its long form if a row of them fits into this room.
fn lengthen(columns: &[Column], rows: &mut [Vec<Cell>], room: usize) {
    let widest = |(at, column): (usize, &Column)| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let widths = cells.map(|cell| cell.long.as_ref().unwrap_or(&cell.text).width());
        widths.fold(column.title.width(), usize::max)
    };
    let widths: usize = columns.iter().enumerate().map(widest).sum();
    if widths + GAP * columns.len().saturating_sub(1) <= room {
        for cell in rows.iter_mut().flatten() {
            if let Some(long) = cell.long.take() {
                cell.text = long;
            }
        }
    }
}

/// Narrows columns until a row fits into this room, or nothing more can be narrowed.
fn fit(columns: &[Column], rows: &[Vec<Cell>], widths: &mut [usize], room: usize) {
    let natural = widths.to_vec();
    let over = |widths: &[usize]| {
        let gaps = GAP * columns.len().saturating_sub(1);
        (widths.iter().sum::<usize>() + gaps).saturating_sub(room)
    };
    let cut = |widths: &mut [usize], may: fn(Kind) -> bool, least: usize| {
        for at in (0..columns.len()).rev().filter(|at| may(columns[*at].kind)) {
            let least = least.max(columns[at].title.width()).min(widths[at]);
            widths[at] = widths[at].saturating_sub(over(widths)).max(least);
        }
    };
    cut(widths, |kind| kind == Kind::Text, 24);
    for at in (0..columns.len()).rev() {
        if over(widths) > 0 {
            let short = shown_width(columns, rows, at, 0);
            // A column without short forms is not changed.
            let has_short = |row: &Vec<Cell>| row.get(at).is_some_and(|cell| cell.short.is_some());
            if rows.iter().any(has_short) {
                widths[at] = widths[at].min(short);
            }
        }
    }
    cut(widths, |kind| kind == Kind::Text, 10);
    cut(widths, |kind| kind == Kind::Last, 4);
    // Short forms may have left more room than was needed.
    for at in 0..columns.len() {
        let used = widths.iter().sum::<usize>() + GAP * columns.len().saturating_sub(1);
        if columns[at].kind == Kind::Text {
            widths[at] = natural[at].min(widths[at] + room.saturating_sub(used));
        }
    }
}

/// The text, cut to so many columns of a terminal.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(CUT.width());
    let ends = text.char_indices().map(|(at, _)| at);
    let end = ends.take_while(|at| text[..*at].width() <= room).last();
    format!("{}{CUT}", text[..end.unwrap_or_default()].trim_end_matches([' ', '…']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] =
        [Column::text("NAME"), Column::number("N"), Column::last("WHEN").wide()];

    fn rendered(rows: &[[&str; 3]], width: Option<usize>, is_wide: bool) -> String {
        let rows = rows.iter().map(|row| row.map(Cell::from).to_vec());
        let look = Look { width, colour: false, is_wide };
        render(&COLUMNS, rows.collect(), look)
    }

    #[test]
    fn columns_line_up_and_lines_end_without_spaces() {
        let rows = [["ci", "1", "now"], ["pipeline", "20", ""]];
        assert_eq!(
            rendered(&rows, None, true),
            "NAME       N  WHEN\nci         1  now\npipeline  20\n"
        );
        assert_eq!(rendered(&rows, None, false), "NAME       N\nci         1\npipeline  20\n");
    }

    #[test]
    fn what_is_too_long_is_cut_by_the_columns_of_a_terminal() {
        let rows = [["日本語の名前の鍵です", "1", ""], ["e\u{301}te\u{301}", "2", ""]];
        assert_eq!(
            rendered(&rows, Some(14), false),
            "NAME         N\n日本語の名…  1\ne\u{301}te\u{301}          2\n"
        );
        assert!(rendered(&rows, None, false).contains("鍵です"));
    }

    #[test]
    fn a_short_form_is_used_where_there_is_no_room_and_is_not_cut_short_without_need() {
        let columns = [Column::text("NAME"), Column::last("WHEN")];
        let cells = |name: &str| {
            vec![Cell::from(name), Cell::from("3 days ago, at night").short("3d ago".to_owned())]
        };
        let look = |width| Look { width: Some(width), colour: false, is_wide: false };
        let name = "n".repeat(30);
        for (width, expected) in [
            (52, format!("{name}  3 days ago, at night")),
            (51, format!("{}  3 days ago, at night", "n".repeat(28) + CUT)),
            (40, format!("{name}  3d ago")),
            (20, format!("{}  3d ago", "n".repeat(11) + CUT)),
            (17, format!("{}  3d a…", "n".repeat(9) + CUT)),
        ] {
            let table = render(&columns, vec![cells(&name)], look(width));
            assert_eq!(table.lines().nth(1), Some(expected.as_str()), "{width}");
        }
    }

    #[test]
    fn the_long_form_is_used_where_a_terminal_has_room_for_it() {
        let columns = [Column::text("NAME"), Column::last("WHEN")];
        let cell = || Cell::from("in 3 days").long("in 3 days (2027-01-02)".to_owned());
        for (width, when) in
            [(Some(28), "in 3 days (2027-01-02)"), (Some(27), "in 3 days"), (None, "in 3 days")]
        {
            let look = Look { width, colour: false, is_wide: false };
            let table = render(&columns, vec![vec![Cell::from("ci"), cell()]], look);
            assert_eq!(table.lines().nth(1), Some(format!("ci    {when}").as_str()), "{width:?}");
        }
    }

    #[test]
    fn what_is_cut_at_a_mark_of_its_own_gets_no_second_one() {
        assert_eq!(shortened("Tq0x4k…w7Ra", 8), "Tq0x4k…");
        assert_eq!(shortened("Tq0x4k…w7Ra", 9), "Tq0x4k…w…");
    }

    #[test]
    fn colours_do_not_count_and_stand_where_they_are_wanted_only() {
        let rows = |colour| {
            let cells = vec![vec![Cell::from("ci").coloured("32"), Cell::from("1")]];
            let look = Look { width: None, colour, is_wide: false };
            render(&COLUMNS, cells, look)
        };
        assert_eq!(rows(false), "NAME  N\nci    1\n");
        let coloured = "\u{1b}[1mNAME\u{1b}[0m  \u{1b}[1mN\u{1b}[0m\n\u{1b}[32mci\u{1b}[0m    1\n";
        assert_eq!(rows(true), coloured);
    }
}
