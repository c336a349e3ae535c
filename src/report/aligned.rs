//! Tables of words and numbers.

use comfy_table::{CellAlignment, Table, presets};

/// A table without lines under this header, whose columns of these numbers are aligned to the right.
pub(crate) fn aligned<H: ToString>(
    header: impl IntoIterator<Item = H>,
    right: impl IntoIterator<Item = usize>,
) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.into_iter().map(|word| word.to_string()));
    for number in right {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
