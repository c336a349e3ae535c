//! Any bytes as a file: no panic, and every row has a line, its bytes and its cells.

use std::io::Cursor;
use std::path::Path;

use seatbatch::input::{ReadingOptions, Rows};

pub(crate) fn holds(bytes: &[u8]) {
    let source = Cursor::new(bytes.to_vec());
    let Ok(mut rows) = Rows::new(source, &ReadingOptions::default(), Path::new("fuzz.csv")) else { return };
    let mut last = 1;
    while let Ok(Some(row)) = rows.next() {
        assert!(row.line().get() > last, "lines rise");
        last = row.line().get();
        if row.fault().is_none() {
            let _ = (row.at(0), row.at(usize::MAX));
        }
        let _ = row.carried();
    }
}
