//! GitHub's tables.

use crate::writer::table::{Align, Table};

/// Appends a table (GFM 0.29, section 4.10) without a last line end. The first row is the head,
/// for want of a better one. Rows end with their last cell that has content: the others are
/// implied, which keeps wide tables linear.
pub(super) fn write(table: &Table, out: &mut String) {
    for (nth, row) in table.rows().enumerate() {
        let mut columns = 0;
        for cell in row {
            while columns < cell.column {
                out.push_str("|  ");
                columns += 1;
            }
            out.push_str("| ");
            out.push_str(cell.markdown);
            out.push(' ');
            columns += 1;
        }
        if nth > 0 {
            out.push_str("|\n");
            continue;
        }
        while columns < table.columns() {
            out.push_str("|  ");
            columns += 1;
        }
        out.push_str("|\n");
        for column in 0..table.columns() {
            out.push_str(match table.align(column) {
                Align::None => "| --- ",
                Align::Left => "| :-- ",
                Align::Center => "| :-: ",
                Align::Right => "| --: ",
            });
        }
        out.push_str("|\n");
    }
    out.truncate(out.trim_end_matches('\n').len());
}
