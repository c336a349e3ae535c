//! Bytes to rows: encoding, delimiter, records, header.
//!
//! Owns how a delimited text file is read: streamed, with bounded memory, every row with the line
//! it starts on and its own bytes, so that a failed row can be given back as it came. Knows nothing of
//! Webex: what a column's name and a cell mean is decided in [`crate::assign`].

mod blocks;
mod encoding;
mod error;
mod file;
mod hashed;
mod header;
mod reading;
mod records;
mod rows;

pub use encoding::Encoding;
pub use error::{InputError, RowFault};
pub use file::InputFile;
pub use header::{ColumnNames, FAILURE_COLUMNS, Header, PlainColumns};
pub use reading::Reading;
pub use rows::{Layout, Row, Rows};
