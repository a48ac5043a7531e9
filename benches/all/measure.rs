//! Medians, the comparison with a target, and the table that both are printed in.

use std::time::Duration;

/// What stands where a yardstick is missing.
pub const ABSENT: &str = "not installed";

/// A bound that keyward sets itself.
#[derive(Clone, Copy)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    /// The bound and whether the measured value keeps it, as the last two cells of a row.
    pub fn cells(self, measured: f64) -> [String; 2] {
        let (bound, is_kept) = match self {
            Self::AtMost(bound) => (format!("<= {}", short(bound)), measured <= bound),
            Self::AtLeast(bound) => (format!(">= {}", short(bound)), measured >= bound),
        };
        [bound, if is_kept { "ok" } else { "MISSED" }.to_owned()]
    }
}

/// The cells of a row without a target.
pub fn untargeted() -> [String; 2] {
    [String::new(), String::new()]
}

/// The cells of an optional target.
pub fn judged(target: Option<Target>, measured: f64) -> [String; 2] {
    target.map_or_else(untargeted, |target| target.cells(measured))
}

/// A table that is printed when it is whole.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(title: &str, heads: [&str; N]) -> Self {
        Self { title: title.to_owned(), rows: vec![heads.map(str::to_owned).to_vec()] }
    }

    /// Adds a row: some cells, and the two of a target.
    pub fn row<const N: usize>(&mut self, cells: [String; N], judged: [String; 2]) {
        self.rows.push(cells.into_iter().chain(judged).collect());
    }

    /// Prints the table: first column to the left, the others to the right.
    pub fn print(self) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        println!("## {}", self.title);
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                line += &match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("  {cell:>width$}"),
                };
            }
            println!("{}", line.trim_end());
        }
        println!();
    }
}

/// The middle of what was measured; of an even number, the upper of the two in the middle.
pub fn median<T: PartialOrd + Copy>(values: &[T]) -> T {
    quantile(values, 0.5)
}

/// The value that this share of the others is below.
pub fn quantile<T: PartialOrd + Copy>(values: &[T], share: f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| one.partial_cmp(other).expect("no value is not a number"));
    let index = (sorted.len() as f64 * share) as usize;
    sorted[index.min(sorted.len() - 1)]
}

/// Milliseconds with three decimals.
pub fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

/// Microseconds.
pub fn micros(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

/// How many times as long one takes as the other.
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// A number as people read it: 1234567 as 1,234,567 and 0.90 as 0.9.
pub fn short(value: f64) -> String {
    if value < 1000.0 {
        return format!("{value}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
