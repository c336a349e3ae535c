//! From the file's bytes to UTF-8 bytes, and back.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Chain, Cursor, Read};
use std::str::FromStr;

use encoding_rs::{Encoding as Label, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How a text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static Label);

impl Encoding {
    /// What most files are.
    pub const UTF_8: Self = Self(UTF_8);
    /// Two bytes a character, the lower one first.
    pub const UTF_16LE: Self = Self(UTF_16LE);
    /// Two bytes a character, the higher one first.
    pub const UTF_16BE: Self = Self(UTF_16BE);
    /// What spreadsheets in western Europe and America wrote before they wrote UTF-8.
    pub const WINDOWS_1252: Self = Self(WINDOWS_1252);

    /// As `--encoding` takes it.
    #[must_use]
    pub fn label(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            _ if self == Self::WINDOWS_1252 => "Windows-1252",
            Self(label) if label == encoding_rs::MACINTOSH => "Mac Roman (macintosh)",
            Self(label) => label.name(),
        }
    }

    /// Whether characters have two bytes or four.
    #[must_use]
    pub fn is_wide(self) -> bool {
        self == Self::UTF_16LE || self == Self::UTF_16BE
    }

    /// A short text of a person's own: UTF-8 or, where its byte order mark says so, UTF-16; `None` where it is neither.
    #[must_use]
    pub fn text_of(bytes: &[u8]) -> Option<String> {
        let (label, mark) = Label::for_bom(bytes).unwrap_or((UTF_8, 0));
        let text = label.decode_without_bom_handling_and_without_replacement(bytes.get(mark..)?)?;
        Some(text.into_owned())
    }

    pub(super) fn of(label: &'static Label) -> Self {
        Self(label)
    }

    /// The byte order mark, where this encoding has one.
    #[must_use]
    pub fn byte_order_mark(self) -> &'static [u8] {
        match self {
            _ if self == Self::UTF_8 => b"\xef\xbb\xbf",
            _ if self == Self::UTF_16LE => b"\xff\xfe",
            _ if self == Self::UTF_16BE => b"\xfe\xff",
            Self(_) => b"",
        }
    }

    /// The text in this encoding. What it has no character for becomes a question mark.
    #[must_use]
    pub fn encode(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            _ if self == Self::UTF_8 => text.as_bytes().into(),
            _ if self == Self::UTF_16LE => {
                text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().into()
            }
            _ if self == Self::UTF_16BE => {
                text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>().into()
            }
            Self(_) if text.is_ascii() => text.as_bytes().into(),
            Self(label) => {
                let mut bytes = Vec::with_capacity(text.len());
                let mut small = [0; 4];
                for character in text.chars() {
                    let (encoded, _, failed) = label.encode(character.encode_utf8(&mut small));
                    bytes.extend_from_slice(if failed { b"?" } else { &encoded });
                }
                bytes.into()
            }
        }
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Self::UTF_8
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No encoding of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodingNameError {
    /// Not one of ours.
    #[error(
        "there is no encoding of that name; common ones are utf-8, utf-16le, utf-16be, windows-1252, macintosh"
    )]
    Unknown,
    /// Four bytes a character.
    #[error("UTF-32 is not read; save the file as UTF-8")]
    Utf32,
}

impl FromStr for Encoding {
    type Err = EncodingNameError;

    fn from_str(name: &str) -> Result<Self, EncodingNameError> {
        let name = name.trim();
        if name.to_ascii_lowercase().replace(['-', '_'], "").starts_with("utf32") {
            return Err(EncodingNameError::Utf32);
        }
        // `replacement` and `x-user-defined` exist for browsers alone.
        match Label::for_label_no_replacement(name.as_bytes()) {
            Some(label) if label != encoding_rs::X_USER_DEFINED => Ok(Self(label)),
            _ => Err(EncodingNameError::Unknown),
        }
    }
}

impl Serialize for Encoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.label())
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// The file with the bytes that were looked at put back before it.
type PutBack<R> = Chain<Cursor<Vec<u8>>, R>;

/// Finds out the encoding of a text that is not all ASCII.
pub(super) type Decide = Box<dyn FnMut() -> io::Result<Encoding> + Send>;

/// A file's bytes as UTF-8, without byte order marks.
pub(super) enum Decoded<R: Read> {
    /// ASCII until now, which is the same in any encoding that it may be. The source is there until it is one of the
    /// others.
    Ascii(Option<R>, Decide),
    Utf8(PutBack<R>),
    Transcoded(Box<DecodeReaderBytes<PutBack<R>, Vec<u8>>>),
}

impl<R: Read> Decoded<R> {
    /// Reads `source` from its start as `encoding`. A mark is taken off, and a second one, which
    /// programs leave behind that put one before a text that had it.
    pub(super) fn new(mut source: R, encoding: Encoding) -> io::Result<Self> {
        let mark = encoding.byte_order_mark();
        let mut head = Vec::with_capacity(2 * mark.len());
        source.by_ref().take(2 * mark.len() as u64).read_to_end(&mut head)?;
        while !mark.is_empty() && head.starts_with(mark) {
            head.drain(..mark.len());
        }
        Ok(Self::of(head, source, encoding))
    }

    /// Reads `source`, which begins without a mark, as what `decide` finds out once there is something to find out.
    pub(super) const fn undecided(source: R, decide: Decide) -> Self {
        Self::Ascii(Some(source), decide)
    }

    fn of(head: Vec<u8>, source: R, encoding: Encoding) -> Self {
        let source = Cursor::new(head).chain(source);
        if encoding == Encoding::UTF_8 {
            return Self::Utf8(source);
        }
        let decoder =
            DecodeReaderBytesBuilder::new().encoding(Some(encoding.0)).bom_sniffing(false).build(source);
        Self::Transcoded(Box::new(decoder))
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Ascii(source, decide) => {
                let Some(reading) = source else { return Ok(0) };
                let read = reading.read(buffer)?;
                let bytes = buffer.get(..read).unwrap_or_default();
                if bytes.is_ascii() {
                    return Ok(read);
                }
                // Where it fails, what was read is not read again: the file is no longer to be had.
                let source = source.take();
                let encoding = decide()?;
                if let Some(source) = source {
                    *self = Self::of(bytes.to_vec(), source, encoding);
                }
                self.read(buffer)
            }
            Self::Utf8(source) => source.read(buffer),
            Self::Transcoded(source) => source.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: Encoding) -> String {
        let mut text = String::new();
        Decoded::new(bytes, encoding).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn marks_are_taken_off() {
        for text in ["a,b", "a", ""] {
            for encoding in [Encoding::UTF_8, Encoding::UTF_16LE, Encoding::UTF_16BE] {
                let bytes = encoding.encode(text);
                let mark = encoding.byte_order_mark();
                for marks in [&[][..], mark, &[mark, mark].concat()] {
                    assert_eq!(decoded(&[marks, &bytes].concat(), encoding), text, "{encoding} {marks:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        for name in ["utf-8", "UTF-16LE", "utf-16be", "windows-1252", "latin1", "macintosh", "windows-1250"] {
            let encoding: Encoding = name.parse().unwrap();
            assert_eq!(decoded(&encoding.encode("Jürgen – ok"), encoding), "Jürgen – ok", "{name}");
        }
        assert_eq!(Encoding::WINDOWS_1252.encode("Zoë \u{1f600}").as_ref(), b"Zo\xeb ?");
    }

    #[test]
    fn names_that_are_none_say_so() {
        assert_eq!("utf-32".parse::<Encoding>(), Err(EncodingNameError::Utf32));
        for name in ["", "x", "replacement", "x-user-defined"] {
            assert_eq!(name.parse::<Encoding>(), Err(EncodingNameError::Unknown), "{name}");
        }
    }

    #[test]
    fn an_encoding_is_kept_by_its_label() {
        let json = serde_json::to_string(&Encoding::WINDOWS_1252).unwrap();
        assert_eq!(json, "\"windows-1252\"");
        assert_eq!(serde_json::from_str::<Encoding>(&json).unwrap(), Encoding::WINDOWS_1252);
    }
}
