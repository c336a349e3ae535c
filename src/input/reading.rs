//! How a file is to be read.

use std::sync::Arc;

use super::{ColumnNames, Encoding, PlainColumns};

/// How a file is to be read: what its user said of it, and what its columns may be called.
#[derive(Debug, Clone)]
pub struct Reading {
    /// How its text is encoded.
    pub encoding: Encoding,
    /// What its columns may be called.
    pub columns: Arc<dyn ColumnNames>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { encoding: Encoding::default(), columns: Arc::new(PlainColumns::default()) }
    }
}
