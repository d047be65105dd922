//! A table of data, collected until its end is known.

use super::inline::Inline;
use super::render::{Place, render};

/// A table with more columns is not written as one.
const MAX_COLUMNS: usize = 64;

/// A cell with more text holds a part of the page, not a datum.
const MAX_CELL_BYTES: usize = 2_000;

#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) markdown: String,
    pub(super) text: String,
}

/// The rows so far. While it is collected its cells hold inline content only.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
    columns: usize,
    colspan: usize,
    /// A cell is open: text belongs to it.
    in_cell: bool,
}

impl Table {
    pub(super) fn in_cell(&self) -> bool {
        self.in_cell
    }

    pub(super) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn open_cell(&mut self, colspan: usize) {
        if self.rows.is_empty() {
            self.row();
        }
        self.colspan = colspan.clamp(1, MAX_COLUMNS);
        self.in_cell = true;
    }

    /// Takes the open cell's content; says whether it still looks like data.
    pub(super) fn close_cell(&mut self, inline: &Inline, markdown: bool) -> bool {
        self.in_cell = false;
        let mut cell = Cell { text: inline.visible().replace('\n', " "), ..Cell::default() };
        let long = cell.text.len() > MAX_CELL_BYTES;
        if markdown {
            // Longer than any datum, so that nothing is cut that is kept as a table.
            let place = if long { Place::Paragraph } else { Place::Cell };
            render(inline, place, usize::MAX, &mut cell.markdown);
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(cell);
            row.extend((1..self.colspan).map(|_| Cell::default()));
            self.columns = self.columns.max(row.len());
        }
        !long && self.columns <= MAX_COLUMNS
    }

    /// Whether it is worth writing as a table.
    pub(super) fn is_data(&self) -> bool {
        let rows = self.rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).count();
        self.columns > 1 && rows > 1
    }

    /// The cells that have content, row by row.
    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.rows.iter().flatten().filter(|cell| !cell.is_empty())
    }

    /// GFM 0.29, section 4.10. The first row is the head, for want of a better one.
    pub(super) fn markdown(&self, cap: usize) -> String {
        let mut out = String::new();
        for (nth, row) in self.rows.iter().filter(|row| !row.is_empty()).enumerate() {
            if out.len() > cap {
                break;
            }
            for column in 0..self.columns {
                out.push_str("| ");
                out.push_str(row.get(column).map_or("", |cell| &cell.markdown));
                out.push(' ');
            }
            out.push_str("|\n");
            if nth == 0 {
                out.push_str(&"| --- ".repeat(self.columns));
                out.push_str("|\n");
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// Rows as lines, cells apart by tabs.
    pub(super) fn text(&self, cap: usize) -> String {
        let mut out = String::new();
        for row in self.rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())) {
            if out.len() > cap {
                break;
            }
            for (nth, cell) in row.iter().enumerate() {
                out.push_str(if nth > 0 { "\t" } else { "" });
                out.push_str(&cell.text);
            }
            out.truncate(out.trim_end_matches('\t').len());
            out.push('\n');
        }
        out.truncate(out.trim_end().len());
        out
    }
}

impl Cell {
    fn is_empty(&self) -> bool {
        self.markdown.is_empty() && self.text.is_empty()
    }
}
