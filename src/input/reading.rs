//! How a file is to be read.

use std::sync::Arc;

use super::{ColumnNames, Encoding, PlainColumns};

/// How a file is to be read: what its user said of it, and what its columns may be called.
#[derive(Debug, Clone)]
pub struct ReadingOptions {
    /// How its text is encoded, where that is not to be found out.
    pub encoding: Option<Encoding>,
    /// Which sheet of a workbook to read, where it is not the first.
    pub sheet: Option<String>,
    /// What its columns may be called.
    pub columns: Arc<dyn ColumnNames>,
    /// Whether what an earlier failures CSV added is to be carried along as the rest is.
    pub carry_all: bool,
}

impl Default for ReadingOptions {
    fn default() -> Self {
        Self { encoding: None, sheet: None, columns: Arc::new(PlainColumns::default()), carry_all: false }
    }
}
