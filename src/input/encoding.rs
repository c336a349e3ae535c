//! From the file's bytes to UTF-8 bytes.

use std::io::{self, Chain, Cursor, Read};

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use serde::{Deserialize, Serialize};

/// How the file's text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-16 where a byte order mark says so, else UTF-8.
    #[default]
    Auto,
    /// Windows-1252, which nothing in a file tells apart: only when asked for.
    Windows1252,
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The file with the bytes that were looked at put back before it.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// A file's bytes as UTF-8, without byte order mark.
pub(super) enum Decoded<R: Read> {
    Utf8(Whole<R>),
    Transcoded(Box<DecodeReaderBytes<Whole<R>, Vec<u8>>>),
}

impl<R: Read> Decoded<R> {
    /// Looks at the first bytes; also tells whether the file began with a byte order mark.
    pub(super) fn new(mut source: R, encoding: Encoding) -> io::Result<(Self, bool)> {
        let mut head = Vec::with_capacity(UTF8_MARK.len());
        source.by_ref().take(UTF8_MARK.len() as u64).read_to_end(&mut head)?;
        if head == UTF8_MARK {
            return Ok((Self::Utf8(Cursor::new(Vec::new()).chain(source)), true));
        }
        let wide = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
        let source = Cursor::new(head).chain(source);
        if wide || encoding == Encoding::Windows1252 {
            let forced = (!wide).then_some(encoding_rs::WINDOWS_1252);
            let decoder = DecodeReaderBytesBuilder::new().encoding(forced).bom_sniffing(wide).build(source);
            return Ok((Self::Transcoded(Box::new(decoder)), wide));
        }
        Ok((Self::Utf8(source), false))
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Utf8(source) => source.read(buffer),
            Self::Transcoded(source) => source.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: Encoding) -> (String, bool) {
        let (mut reader, mark) = Decoded::new(bytes, encoding).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (text, mark)
    }

    #[test]
    fn marks_are_taken_off_and_remembered() {
        assert_eq!(decoded(b"\xef\xbb\xbfa,b", Encoding::Auto), ("a,b".into(), true));
        assert_eq!(decoded(b"a,b", Encoding::Auto), ("a,b".into(), false));
        assert_eq!(decoded(b"a", Encoding::Auto), ("a".into(), false));
        assert_eq!(decoded(b"", Encoding::Auto), (String::new(), false));
    }

    #[test]
    fn utf16_is_read_in_both_byte_orders() {
        for (mark, bytes) in [(b"\xff\xfe", [0xe9, 0, b'x', 0]), (b"\xfe\xff", [0, 0xe9, 0, b'x'])] {
            let file = [mark.as_slice(), &bytes].concat();
            assert_eq!(decoded(&file, Encoding::Auto), ("éx".into(), true));
        }
    }

    #[test]
    fn windows_1252_is_read_when_asked_for() {
        assert_eq!(decoded(b"Zo\xeb", Encoding::Windows1252), ("Zoë".into(), false));
    }
}
