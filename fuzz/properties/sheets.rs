//! Any markup as a workbook's sheet and its shared texts: no panic, lines rise, and no cell whose value is not there is
//! part of a row that counts as blank.

use std::io::{Cursor, Write as _};
use std::path::Path;

use seatbatch::input::{KeptAs, ReadingOptions, Rows};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

const RELATIONS: &str = "<Relationships><Relationship Id=\"r1\" \
    Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/";

pub(crate) fn holds(bytes: &[u8]) {
    // What stands behind the first zero byte are the shared texts.
    let (sheet, texts) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &b"<sst><si><t>email</t></si><si><t>a@example.com</t></si></sst>"[..]),
    };
    let source = Cursor::new(workbook(sheet, texts));
    let Ok(mut rows) = Rows::new(source, &ReadingOptions::default(), Path::new("fuzz.xlsx")) else { return };
    let mut last = 0;
    while let Ok(Some(row)) = rows.next() {
        assert!(row.line().get() > last, "lines rise");
        last = row.line().get();
        for (position, kept) in row.kept_apart() {
            assert!(row.marked(position).is_some());
            if kept == KeptAs::Unworked {
                assert!(row.at(position).is_empty() || row.width() > position);
            }
        }
        let _ = (row.carried(), row.as_it_is(), row.at(0), row.at(usize::MAX));
    }
}

fn workbook(sheet: &[u8], texts: &[u8]) -> Vec<u8> {
    let relations = |kind: &str, target: &str| {
        format!("{RELATIONS}{kind}\" Target=\"{target}\"/></Relationships>").into_bytes()
    };
    let book = b"<workbook><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets></workbook>".to_vec();
    let parts = [
        ("_rels/.rels", relations("officeDocument", "xl/workbook.xml")),
        ("xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml")),
        ("xl/workbook.xml", book),
        ("xl/worksheets/sheet1.xml", sheet.to_vec()),
        ("xl/sharedStrings.xml", texts.to_vec()),
    ];
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let how = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in parts {
        archive.start_file(name, how).unwrap();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
