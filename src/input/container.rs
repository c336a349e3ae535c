//! What kind of file it is, by how it begins and ends.

use std::io::{self, Read, Seek, SeekFrom};

/// So much of the beginning and of the end tells one kind from another.
const LOOK: u64 = 1 << 16;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Text,
    Workbook,
    /// Something else, in words, and what to do with it.
    Other {
        what: &'static str,
        remedy: &'static str,
    },
}

const AS_XLSX: &str = "open it in its program and save it as .xlsx, or as CSV in UTF-8";
const UNPACK: &str = "unpack it first, and name the file inside";
const AS_CSV: &str = "save the table in it as .xlsx, or as CSV in UTF-8";

/// Looks at a file, and leaves `source` at its start.
pub(super) fn container_of<R: Read + Seek>(source: &mut R) -> io::Result<Container> {
    let mut head = Vec::new();
    source.seek(SeekFrom::Start(0))?;
    source.by_ref().take(LOOK).read_to_end(&mut head)?;
    let found = if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(length.saturating_sub(LOOK)))?;
        let mut tail = Vec::new();
        source.by_ref().take(LOOK).read_to_end(&mut tail)?;
        archive(&head, &tail)
    } else {
        other(&head)
    };
    source.seek(SeekFrom::Start(0))?;
    Ok(found)
}

fn archive(head: &[u8], tail: &[u8]) -> Container {
    let has =
        |name: &str| [head, tail].iter().any(|part| memchr::memmem::find(part, name.as_bytes()).is_some());
    let other = |what, remedy| Container::Other { what, remedy };
    if has("xl/workbook.bin") {
        other("an Excel workbook in the binary form (.xlsb)", AS_XLSX)
    } else if has("xl/workbook.xml") || has("xl/worksheets/") {
        Container::Workbook
    } else if has("opendocument.spreadsheet") {
        other("an OpenDocument spreadsheet (.ods)", AS_XLSX)
    } else if has("opendocument") || has("word/") || has("ppt/") {
        other("a document, not a table", AS_CSV)
    } else if has("Index/Document.iwa") || has("Index.zip") {
        other("a document of Apple's programs", AS_XLSX)
    } else {
        other("a ZIP archive", UNPACK)
    }
}

fn other(head: &[u8]) -> Container {
    let other = |what, remedy| Container::Other { what, remedy };
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        other(
            "an Excel workbook that is protected by a password, or in the format used before 2007 (.xls)",
            "open it in Excel and save it as .xlsx without a password, or as CSV in UTF-8",
        )
    } else if head.starts_with(b"%PDF") {
        other("a PDF", AS_CSV)
    } else if head.starts_with(b"\x1f\x8b")
        || head.starts_with(b"7z\xbc\xaf")
        || head.starts_with(b"Rar!")
        || head.starts_with(b"BZh")
        || head.starts_with(b"\xfd7zXZ")
        || head.starts_with(b"\x28\xb5\x2f\xfd")
    {
        other("a packed file", UNPACK)
    } else if head.starts_with(b"SQLite format 3\0") {
        other("an SQLite database", "name the file that lists the people; --journal names the journal")
    } else if begins(b"<!doctype html") || begins(b"<html") {
        other("a web page", "download the file again; a login page is often saved in its place")
    } else if begins(b"<?xml") {
        other("XML", AS_CSV)
    } else if begins(b"{\"") || begins(b"[{") || begins(b"{\n") || begins(b"{\r\n") {
        other("JSON", AS_CSV)
    } else {
        Container::Text
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn files_that_are_no_tables_are_known_by_their_beginnings() {
        for (bytes, expected) in [
            (&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"[..], ".xls"),
            (b"%PDF-1.7", "PDF"),
            (b"\x1f\x8b\x08", "packed"),
            (b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods"),
            (b"PK\x03\x04....word/document.xml", "document"),
            (b"PK\x03\x04....people.csv", "ZIP"),
            (b"PK\x03\x04....xl/workbook.bin", ".xlsb"),
            (b"\n<!DOCTYPE html><title>Sign in", "web page"),
            (b"{\"items\":[]}", "JSON"),
        ] {
            match container_of(&mut Cursor::new(bytes)).unwrap() {
                Container::Other { what, .. } => assert!(what.contains(expected), "{what}"),
                container => panic!("{expected}: {container:?}"),
            }
        }
        let workbook = b"PK\x03\x04....xl/workbook.xml";
        assert_eq!(container_of(&mut Cursor::new(workbook)).unwrap(), Container::Workbook);
        for text in ["", "email,license\n", "PK,email\n", "[id],email\n", "{id},email"] {
            assert_eq!(container_of(&mut Cursor::new(text)).unwrap(), Container::Text, "{text}");
        }
    }
}
