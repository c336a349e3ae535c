//! Bytes to rows: encoding, delimiter, records, header.
//!
//! Owns how a delimited text file or a workbook is read: streamed, with bounded memory, every row with the
//! line it starts on and its own bytes, so that a failed row can be given back as it came. Knows nothing of
//! Webex: what a column's name and a cell mean is decided in [`crate::assign`].

mod blocks;
mod container;
mod dialect;
mod encoding;
mod error;
mod excerpt;
mod file;
mod given_back;
mod hashed;
mod header;
mod layout;
mod likeness;
mod marks;
mod package;
mod reading;
mod records;
mod remark;
mod row;
mod rows;
mod shape;
mod sheets;
mod shown;
mod survey;
mod text;
mod title;
mod walk;
mod workbook;

pub use encoding::{Encoding, EncodingNameError};
pub use error::{ContentError, Explanation, InputError};
pub use excerpt::{Excerpt, Excerpts};
pub use file::InputFile;
pub use given_back::with_other_cells;
pub use header::{
    ColumnNames, FAILURE_COLUMNS, FAILURE_COLUMNS_APART, Header, LONG_FORM, NOT_AGAIN, PlainColumns,
};
pub use layout::{Encoded, Layout};
pub use likeness::Likeness;
pub use marks::{Area, KeptAs, Place};
pub use reading::ReadingOptions;
pub use remark::{Remark, RemarkKind};
pub use row::Row;
pub use rows::Rows;
pub use shape::{RowFault, Shift};
pub use sheets::WorkbookError;
pub use title::{Title, TitleKind};
