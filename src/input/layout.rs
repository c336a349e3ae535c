//! How a file that is written for the same reader must look.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::Encoding;

/// What a file that is written for the same reader must share with the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The delimiter: a comma, a semicolon, a tab, or what the file names.
    pub delimiter: char,
    /// Whether it began with a byte order mark.
    pub byte_order_mark: bool,
    /// Whether its lines end with CR LF.
    pub crlf: bool,
    /// The header line as text, without what an earlier failures CSV added.
    pub header: String,
    /// Whether it has a column that is called as one of a failures CSV's own.
    #[serde(default)]
    pub apart: bool,
    /// How its text is encoded.
    #[serde(default)]
    pub encoding: Encoding,
    /// Whether it was a workbook, whose rows are as Excel would write them as CSV.
    #[serde(default)]
    pub workbook: bool,
}

impl Layout {
    /// The names of its columns.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let delimiter = u8::try_from(self.delimiter).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(self.header.as_bytes());
        let names = reader.records().next().and_then(Result::ok);
        names.iter().flatten().map(|name| name.trim().to_owned()).collect()
    }

    /// What ends its lines.
    #[must_use]
    pub const fn line_end(&self) -> &'static str {
        if self.crlf { "\r\n" } else { "\n" }
    }

    /// Takes text and writes it in the file's encoding, beginning with its byte order mark, if it had one.
    ///
    /// # Errors
    /// Where the mark cannot be written.
    pub fn writer<W: Write>(&self, mut output: W) -> io::Result<Encoded<W>> {
        if self.byte_order_mark {
            output.write_all(self.encoding.byte_order_mark())?;
        }
        Ok(Encoded { output, encoding: self.encoding })
    }
}

/// Text on its way into a file of some encoding. What is written at once must be whole characters.
#[derive(Debug)]
pub struct Encoded<W> {
    output: W,
    encoding: Encoding,
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.output.write_all(&self.encoding.encode(text))?,
            // Cells that were no text when they were read are given back as they came.
            Err(_) => self.output.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_in_the_encoding_that_was_read() {
        let json = r#"{"delimiter":";","byte_order_mark":true,"crlf":true,"header":"email"}"#;
        let mut layout: Layout = serde_json::from_str(json).unwrap();
        assert_eq!(layout.encoding, Encoding::UTF_8);
        for (encoding, expected) in [
            (Encoding::UTF_8, &b"\xef\xbb\xbf\xc3\xab;\r\n"[..]),
            (Encoding::UTF_16LE, b"\xff\xfe\xeb\0;\0\r\0\n\0"),
            (Encoding::WINDOWS_1252, b"\xeb;\r\n"),
        ] {
            layout.encoding = encoding;
            let mut written = Vec::new();
            let mut writer = layout.writer(&mut written).unwrap();
            for text in ["ë", ";", layout.line_end()] {
                writer.write_all(text.as_bytes()).unwrap();
            }
            assert_eq!(written, expected, "{encoding}");
        }
    }
}
