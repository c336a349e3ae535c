//! Values as bytes, for the chain: MessagePack in its shortest form, so that anybody can make them again.
//!
//! A large run has many millions of values, most of them small numbers or nothing: here they take a byte each, and what
//! is short is hashed soon.

use std::ops::Range;

use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use sha2::{Digest as _, Sha256};

use super::chain::LinkHash;

/// Behind the last of several rows: no value begins with it.
const END: u8 = 0xc1;

/// Bytes that are gathered before they are hashed: a hash takes long pieces faster than short ones.
const GATHERED: usize = 8 * 1024;

/// The sum of rows, those of one table behind those of another.
#[derive(Debug, Default)]
pub(super) struct RowSum {
    hash: Sha256,
    bytes: Vec<u8>,
}

impl RowSum {
    /// Adds the rows of a table, with all columns that the statement gives, and their end.
    pub(super) fn rows(
        &mut self,
        statement: &mut Statement<'_>,
        of: impl rusqlite::Params,
    ) -> rusqlite::Result<()> {
        let columns = statement.column_count();
        let mut rows = statement.query(of)?;
        while let Some(row) = rows.next()? {
            encode_columns(&mut self.bytes, row, 0..columns)?;
            self.pour();
        }
        self.end();
        Ok(())
    }

    /// Adds a row.
    pub(super) fn row(&mut self, values: &[ValueRef<'_>]) {
        self.row_of(|bytes| values.iter().for_each(|value| encode(bytes, *value)));
    }

    /// Adds a row that makes its bytes itself.
    pub(super) fn row_of(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.bytes);
        self.pour();
    }

    /// Adds rows that are bytes already, and their end.
    pub(super) fn encoded_rows(&mut self, rows: &[u8]) {
        self.hash.update(&self.bytes);
        self.bytes.clear();
        self.hash.update(rows);
        self.end();
    }

    /// The table has no more rows.
    pub(super) fn end(&mut self) {
        self.bytes.push(END);
    }

    fn pour(&mut self) {
        if self.bytes.len() >= GATHERED {
            self.hash.update(&self.bytes);
            self.bytes.clear();
        }
    }

    /// What all of it sums up to.
    pub(super) fn finish(mut self) -> LinkHash {
        self.hash.update(&self.bytes);
        self.hash.finalize().into()
    }
}

/// Some columns of a row.
pub(super) fn encode_columns(
    bytes: &mut Vec<u8>,
    row: &Row<'_>,
    mut columns: Range<usize>,
) -> rusqlite::Result<()> {
    columns.try_for_each(|column| row.get_ref(column).map(|value| encode(bytes, value)))
}

/// A value as bytes that no other value has, nor begins with.
#[inline]
pub(super) fn encode(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => bytes.push(0xc0),
        ValueRef::Integer(number) => integer(bytes, number),
        ValueRef::Real(number) => headed(bytes, 0xcb, number.to_be_bytes()),
        ValueRef::Text(content) => {
            match u8::try_from(content.len()) {
                Ok(length @ 0..32) => bytes.push(0xa0 | length),
                Ok(length) => bytes.extend_from_slice(&[0xd9, length]),
                Err(_) => sized(bytes, [0xda, 0xdb], content.len()),
            }
            bytes.extend_from_slice(content);
        }
        ValueRef::Blob(content) => {
            match u8::try_from(content.len()) {
                Ok(length) => bytes.extend_from_slice(&[0xc4, length]),
                Err(_) => sized(bytes, [0xc5, 0xc6], content.len()),
            }
            bytes.extend_from_slice(content);
        }
    }
}

#[inline]
fn integer(bytes: &mut Vec<u8>, number: i64) {
    let [.., e, f, g, h] = number.to_be_bytes();
    match number {
        -0x20..=0x7f => bytes.push(h),
        0x80..=0xff => bytes.extend_from_slice(&[0xcc, h]),
        0x100..=0xffff => bytes.extend_from_slice(&[0xcd, g, h]),
        0x1_0000..=0xffff_ffff => bytes.extend_from_slice(&[0xce, e, f, g, h]),
        0x1_0000_0000.. => headed(bytes, 0xcf, number.to_be_bytes()),
        -0x80..=-0x21 => bytes.extend_from_slice(&[0xd0, h]),
        -0x8000..=-0x81 => bytes.extend_from_slice(&[0xd1, g, h]),
        -0x8000_0000..=-0x8001 => bytes.extend_from_slice(&[0xd2, e, f, g, h]),
        _ => headed(bytes, 0xd3, number.to_be_bytes()),
    }
}

/// The numbers that these bytes are, up to the first that is none.
pub(super) fn integers(mut bytes: &[u8]) -> Vec<i64> {
    let mut all = Vec::new();
    while let Some((number, rest)) = first_integer(bytes) {
        all.push(number);
        bytes = rest;
    }
    all
}

fn first_integer(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (length, is_signed) = match kind {
        0..=0x7f => return Some((i64::from(*kind), rest)),
        0xe0..=0xff => return Some((i64::from(kind.cast_signed()), rest)),
        0xcc..=0xcf => (1_usize << (kind - 0xcc), false),
        0xd0..=0xd3 => (1_usize << (kind - 0xd0), true),
        _ => return None,
    };
    let (number, rest) = rest.split_at_checked(length)?;
    let is_negative = is_signed && number.first().is_some_and(|first| *first >= 0x80);
    let begun = if is_negative { -1_i64 } else { 0 };
    Some((number.iter().fold(begun, |number, byte| number << 8 | i64::from(*byte)), rest))
}

/// A length of 16 bits or of 32: SQLite keeps nothing longer.
fn sized(bytes: &mut Vec<u8>, [short, long]: [u8; 2], length: usize) {
    match u16::try_from(length) {
        Ok(length) => {
            let [a, b] = length.to_be_bytes();
            bytes.extend_from_slice(&[short, a, b]);
        }
        Err(_) => {
            let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
            bytes.extend_from_slice(&[long, a, b, c, d]);
        }
    }
}

fn headed(bytes: &mut Vec<u8>, kind: u8, [a, b, c, d, e, f, g, h]: [u8; 8]) {
    bytes.extend_from_slice(&[kind, a, b, c, d, e, f, g, h]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: ValueRef<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, value);
        bytes
    }

    /// What MessagePack's specification gives, at each end of each form.
    #[test]
    fn values_are_messagepack_in_its_shortest_form() {
        let integers: [(i64, &[u8]); 20] = [
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0xcc, 0x80]),
            (255, &[0xcc, 0xff]),
            (256, &[0xcd, 1, 0]),
            (0xffff, &[0xcd, 0xff, 0xff]),
            (0x1_0000, &[0xce, 0, 1, 0, 0]),
            (0xffff_ffff, &[0xce, 0xff, 0xff, 0xff, 0xff]),
            (0x1_0000_0000, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
            (i64::MAX, &[0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (-1, &[0xff]),
            (-32, &[0xe0]),
            (-33, &[0xd0, 0xdf]),
            (-128, &[0xd0, 0x80]),
            (-129, &[0xd1, 0xff, 0x7f]),
            (-0x8000, &[0xd1, 0x80, 0]),
            (-0x8001, &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
            (-0x8000_0000, &[0xd2, 0x80, 0, 0, 0]),
            (-0x8000_0001, &[0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
            (i64::MIN, &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ];
        for (number, bytes) in integers {
            assert_eq!(encoded(ValueRef::Integer(number)), bytes, "{number}");
            assert_eq!(super::integers(&[bytes, &[7], bytes].concat()), [number, 7, number]);
        }
        assert_eq!(super::integers(&[1, 0xcd, 1, 0, 0xc0, 2]), [1, 256]);
        assert_eq!(encoded(ValueRef::Null), [0xc0]);
        assert_eq!(encoded(ValueRef::Real(1.5)), [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]);
        let lengths: [(usize, &[u8], &[u8]); 7] = [
            (0, &[0xa0], &[0xc4, 0]),
            (31, &[0xbf], &[0xc4, 31]),
            (32, &[0xd9, 32], &[0xc4, 32]),
            (255, &[0xd9, 255], &[0xc4, 255]),
            (256, &[0xda, 1, 0], &[0xc5, 1, 0]),
            (0xffff, &[0xda, 0xff, 0xff], &[0xc5, 0xff, 0xff]),
            (0x1_0000, &[0xdb, 0, 1, 0, 0], &[0xc6, 0, 1, 0, 0]),
        ];
        for (length, text, blob) in lengths {
            let content = vec![b'x'; length];
            let whole = |head: &[u8]| [head, &content].concat();
            assert_eq!(encoded(ValueRef::Text(&content)), whole(text), "{length}");
            assert_eq!(encoded(ValueRef::Blob(&content)), whole(blob), "{length}");
        }
    }

    #[test]
    fn a_sum_is_the_hash_of_all_rows_whatever_is_gathered() {
        let text = "x".repeat(300);
        let row = [ValueRef::Integer(7), ValueRef::Text(text.as_bytes())];
        let mut sum = RowSum::default();
        let mut plain = Vec::new();
        for _ in 0..100 {
            sum.row(&row);
            row.into_iter().for_each(|value| encode(&mut plain, value));
        }
        sum.end();
        plain.push(END);
        let mut twice = RowSum::default();
        twice.encoded_rows(&plain);
        assert_eq!(sum.finish(), <[u8; 32]>::from(Sha256::digest(&plain)));
        plain.push(END);
        assert_eq!(twice.finish(), <[u8; 32]>::from(Sha256::digest(&plain)));
    }
}
