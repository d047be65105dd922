//! A table of data, collected until its end is known.

/// A table with more columns is not written as one.
pub(super) const MAX_COLUMNS: usize = 64;

/// How a column stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Align {
    #[default]
    None,
    Left,
    Center,
    Right,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    column: u8,
    /// Where its texts end; they start where the ones before end.
    markdown_end: usize,
    text_end: usize,
}

/// The rows so far: only cells with content.
#[derive(Debug, Default)]
pub(crate) struct Table {
    markdown: String,
    text: String,
    cells: Vec<Stored>,
    /// Where each row with content ends in `cells`.
    rows: Vec<usize>,
    columns: usize,
    aligns: Vec<Align>,
    /// The column of the next cell.
    column: usize,
    /// For each column, in how many of the rows to come a cell from above takes it.
    spans: Vec<u32>,
}

/// A cell with content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'t> {
    pub(crate) column: usize,
    pub(crate) markdown: &'t str,
    pub(crate) text: &'t str,
}

impl Table {
    /// Where a cell's Markdown and text are to be appended.
    pub(super) fn room(&mut self) -> (&mut String, &mut String) {
        (&mut self.markdown, &mut self.text)
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self) {
        if self.cells.len() > self.rows.last().copied().unwrap_or(0) {
            self.rows.push(self.cells.len());
        }
        self.column = 0;
        for span in &mut self.spans {
            *span = span.saturating_sub(1);
        }
    }

    /// Takes what was appended as a cell. `align` counts in the first row.
    pub(super) fn end_cell(&mut self, colspan: usize, rowspan: u32, align: Align) {
        while self.spans.get(self.column).is_some_and(|span| *span > 0) {
            self.column += 1;
        }
        let column = self.column;
        self.column = (column + colspan.clamp(1, MAX_COLUMNS)).min(MAX_COLUMNS);
        self.columns = self.columns.max(self.column);
        if rowspan > 1 {
            self.spans.resize(self.spans.len().max(self.column), 0);
            self.spans[column..self.column].fill(rowspan);
        }
        if self.rows.is_empty() {
            self.aligns.resize(column, Align::None);
            self.aligns.push(align);
        }
        let (markdown_end, text_end) = (self.markdown.len(), self.text.len());
        let stored = Stored { column: column as u8, markdown_end, text_end };
        let row = self.rows.last().copied().unwrap_or(0);
        let changed = self.last_ends() != (markdown_end, text_end);
        match self.cells[row..].last_mut() {
            // Spans can move a cell beyond the last column.
            Some(last) if column >= MAX_COLUMNS => *last = Stored { column: last.column, ..stored },
            _ if changed => self.cells.push(stored),
            _ => {}
        }
    }

    fn last_ends(&self) -> (usize, usize) {
        self.cells.last().map_or((0, 0), |cell| (cell.markdown_end, cell.text_end))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn align(&self, column: usize) -> Align {
        self.aligns.get(column).copied().unwrap_or_default()
    }

    /// The rows that have content.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let starts = std::iter::once(0).chain(self.rows.iter().copied());
        starts.zip(&self.rows).map(|(start, end)| Row { table: self, next: start, end: *end })
    }
}

/// The cells of a row that have content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'t> {
    table: &'t Table,
    next: usize,
    end: usize,
}

impl Row<'_> {
    pub(crate) fn has_text(mut self) -> bool {
        self.any(|cell| !cell.text.is_empty())
    }
}

impl<'t> Iterator for Row<'t> {
    type Item = Cell<'t>;

    fn next(&mut self) -> Option<Cell<'t>> {
        let table = self.table;
        let cell = table.cells[..self.end].get(self.next)?;
        let before = self.next.checked_sub(1).map(|before| table.cells[before]);
        let (markdown, text) = before.map_or((0, 0), |cell| (cell.markdown_end, cell.text_end));
        self.next += 1;
        Some(Cell {
            column: cell.column.into(),
            markdown: &table.markdown[markdown..cell.markdown_end],
            text: &table.text[text..cell.text_end],
        })
    }
}
