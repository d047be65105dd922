use crate::failure::Result;
use crate::out::{Out, Tone};

/// Rows under a heading. The column called STATUS, CIRCUIT or OUTCOME has colours.
pub(crate) struct Table {
    heading: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) const fn new(heading: &'static [&'static str]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Prints it; with nothing in it, only `none` to standard error.
    pub(crate) fn print(self, out: Out, none: &str) -> Result<()> {
        if self.rows.is_empty() {
            out.note(none);
            return Ok(());
        }
        let widths = self.widths();
        let heading: Vec<String> = self.heading.iter().map(|cell| (*cell).to_owned()).collect();
        let head = self.line(&heading, &widths, |_, cell| cell.to_owned());
        out.line(out.paint(&head, Tone::Faint))?;
        for row in &self.rows {
            let toned = |column: usize, cell: &str| match self.heading.get(column) {
                Some(&"STATUS" | &"CIRCUIT" | &"OUTCOME") => {
                    out.paint(cell, Tone::of(cell.trim_end()))
                }
                _ => cell.to_owned(),
            };
            out.line(self.line(row, &widths, toned))?;
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or_default();
            widest.max(self.heading[column].len())
        };
        (0..self.heading.len()).map(widest).collect()
    }

    fn line(
        &self,
        row: &[String],
        widths: &[usize],
        paint: impl Fn(usize, &str) -> String,
    ) -> String {
        let last = row.len().saturating_sub(1);
        let cell = |(column, text): (usize, &String)| match column == last {
            true => paint(column, text),
            false => paint(column, &format!("{text:0$}", widths[column])),
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}
