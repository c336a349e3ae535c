//! A look at a file's bytes before they are read as text: what it is, and how its text is encoded.

use std::io::{self, Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use super::Encoding;
use super::likeness::{Likeness, old_western};

/// So much of the beginning tells UTF-16 and UTF-32 from the rest.
const HEAD: u64 = 1 << 16;
const CHUNK: usize = 1 << 18;
/// So many bytes of what is not ASCII are shown to the detector of foreign scripts.
const SAMPLE: usize = 1 << 16;

/// What was found out of a file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Surveyed {
    pub(super) encoding: Encoding,
    pub(super) byte_order_mark: bool,
    pub(super) how: How,
}

/// How sure the encoding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// A mark says so, or every byte does.
    Known,
    /// By what fits.
    Guessed,
    /// Nothing fits all of it; what is no UTF-8 is an error where it stands.
    Unfit {
        /// What the text may be instead.
        perhaps: Option<Likeness>,
    },
    /// A mark contradicts what was asked for.
    MarkAgainst(Encoding),
    /// All of it is UTF-8, with characters of several bytes, and something else was asked for.
    Utf8Against(Encoding),
}

/// Text in four bytes a character.
#[derive(Debug)]
pub(super) struct Utf32;

impl Surveyed {
    /// What ASCII alone is.
    pub(super) const ASCII: Self = Self::unmarked(Encoding::UTF_8, How::Known);

    const fn unmarked(encoding: Encoding, how: How) -> Self {
        Self { encoding, byte_order_mark: false, how }
    }
}

/// Looks at the beginning of `source`, and leaves it at its start. `None` where that does not tell: then [`survey_whole`]
/// must be asked before anything is read that is not ASCII.
pub(super) fn survey_head<R: Read + Seek>(
    source: &mut R,
    asked: Option<Encoding>,
) -> io::Result<Result<Option<Surveyed>, Utf32>> {
    let mut head = Vec::new();
    source.seek(SeekFrom::Start(0))?;
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(match marked(&head) {
        Some(Err(utf32)) => Err(utf32),
        Some(Ok(encoding)) => {
            let how = asked.filter(|asked| *asked != encoding).map_or(How::Known, How::MarkAgainst);
            Ok(Some(Surveyed { encoding, byte_order_mark: true, how }))
        }
        None => match (asked, without_mark(&head)) {
            (None, Some(Err(utf32))) => Err(utf32),
            (None, Some(Ok(encoding))) => Ok(Some(Surveyed::unmarked(encoding, How::Guessed))),
            (Some(asked), _) if asked.is_wide() || asked == Encoding::UTF_8 => {
                Ok(Some(Surveyed::unmarked(asked, How::Known)))
            }
            _ => Ok(None),
        },
    })
}

/// Looks at all of `source`, and leaves it at its start.
pub(super) fn survey_whole<R: Read + Seek>(source: &mut R, asked: Option<Encoding>) -> io::Result<Surveyed> {
    source.seek(SeekFrom::Start(0))?;
    let (encoding, how) = judged(&bytes_of(source)?, asked);
    source.seek(SeekFrom::Start(0))?;
    Ok(Surveyed::unmarked(encoding, how))
}

fn marked(head: &[u8]) -> Option<Result<Encoding, Utf32>> {
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return Some(Err(Utf32));
    }
    let known = [Encoding::UTF_8, Encoding::UTF_16LE, Encoding::UTF_16BE];
    known.into_iter().find(|encoding| head.starts_with(encoding.byte_order_mark())).map(Ok)
}

/// UTF-16 and UTF-32 by their zero bytes: names, addresses and delimiters are mostly ASCII in every script.
fn without_mark(head: &[u8]) -> Option<Result<Encoding, Utf32>> {
    let mut zeros = [0_usize; 4];
    for (at, _) in head.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        if let Some(count) = zeros.get_mut(at % 4) {
            *count += 1;
        }
    }
    // Where a program has appended UTF-16 to another text, the beginning has no zeros.
    let begins = head.iter().take(32).any(|byte| *byte == 0);
    let [a, b, c, d] = zeros.map(|count| begins && count * 16 > head.len());
    match (a, b, c, d) {
        (true, true, true, false) | (false, true, true, true) => Some(Err(Utf32)),
        (false, true, false, true) => Some(Ok(Encoding::UTF_16LE)),
        (true, false, true, false) => Some(Ok(Encoding::UTF_16BE)),
        _ => None,
    }
}

/// What there is in a file beyond ASCII.
#[derive(Debug, Default)]
struct ByteKinds {
    /// Some sequence of bytes is a character of UTF-8.
    some_utf8: bool,
    /// Some is none.
    some_other: bool,
    /// Bytes above ASCII, and those of them that make no sense as Windows-1252.
    above: usize,
    odd: usize,
    sample: Vec<u8>,
}

fn bytes_of(source: &mut impl Read) -> io::Result<ByteKinds> {
    let mut bytes = ByteKinds::default();
    let mut buffer = vec![0; CHUNK];
    let mut kept = 0;
    loop {
        let read = match source.read(buffer.get_mut(kept..).unwrap_or_default()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let filled = buffer.get(..kept + read).unwrap_or_default();
        let rest = bytes.look_at(filled, read == 0);
        if read == 0 {
            return Ok(bytes);
        }
        // The beginning of a character whose end has not been read.
        let from = filled.len() - rest;
        kept = rest;
        buffer.copy_within(from..from + rest, 0);
    }
}

impl ByteKinds {
    /// Takes the bytes in but for so many at their end, which may be the beginning of a character.
    fn look_at(&mut self, mut bytes: &[u8], last: bool) -> usize {
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.text(text);
                    return 0;
                }
                Err(error) => {
                    let (good, bad) = bytes.split_at(error.valid_up_to());
                    self.text(std::str::from_utf8(good).unwrap_or_default());
                    let Some(length) = error.error_len().or(last.then_some(bad.len())) else {
                        return bad.len();
                    };
                    self.some_other = true;
                    // With what stands before the first of them: it is a part of the same word.
                    let context = good.get(good.len().saturating_sub(16)..).unwrap_or_default();
                    let room = SAMPLE.saturating_sub(self.sample.len());
                    let end = (length + 16).min(bad.len());
                    let around = context.iter().chain(bad.get(..end).unwrap_or_default());
                    self.sample.extend(around.take(room));
                    for at in 0..length {
                        self.lone(good.last().copied(), bad, at);
                    }
                    bytes = bad.get(length..).unwrap_or_default();
                    if bytes.is_empty() {
                        return 0;
                    }
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        if !text.is_ascii() {
            self.some_utf8 = true;
        }
    }

    /// A byte that is no UTF-8, as a character of Windows-1252 between its neighbours.
    fn lone(&mut self, before_all: Option<u8>, bytes: &[u8], at: usize) {
        let before = at.checked_sub(1).map_or(before_all, |before| bytes.get(before).copied());
        let (byte, after) = (bytes.get(at).copied().unwrap_or(0), bytes.get(at + 1).copied());
        self.above += 1;
        self.odd += usize::from(is_odd(before, byte, after));
    }
}

/// Whether a byte as Windows-1252 is no character, or one that no word has there: what other old
/// encodings come to. They have letters where this one has punctuation, and capitals for small letters.
fn is_odd(before: Option<u8>, byte: u8, after: Option<u8>) -> bool {
    let letter = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphabetic());
    let small = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase());
    match byte {
        0x81 | 0x8d | 0x8f | 0x90 | 0x9d => true,
        // Capitals with marks inside a word or at the end of one that is not all capitals.
        0x8a | 0x8c | 0x8e | 0x9f => letter(before) && (small(before) || small(after)),
        // An opening quote behind a letter; a currency or a dagger inside a word.
        0x91 | 0x93 => letter(before),
        0x80 | 0x82 | 0x84..=0x87 | 0x89 | 0x8b | 0x95 | 0x98 | 0x99 | 0x9b => {
            letter(before) && letter(after)
        }
        // Dashes between small letters; a closing double quote inside a word.
        0x96 | 0x97 => small(before) && small(after),
        0x94 => letter(before) && letter(after),
        _ => false,
    }
}

/// Which encoding it is, where it is not UTF-16.
fn judged(bytes: &ByteKinds, asked: Option<Encoding>) -> (Encoding, How) {
    if let Some(asked) = asked {
        let wholly_utf8 = bytes.some_utf8 && !bytes.some_other;
        return (asked, if wholly_utf8 { How::Utf8Against(asked) } else { How::Known });
    }
    if !bytes.some_other {
        return (Encoding::UTF_8, How::Known);
    }
    let foreign = foreign_script(&bytes.sample);
    if bytes.some_utf8 {
        // Two files put together, or a few cells pasted: no one encoding fits.
        return (Encoding::UTF_8, How::Unfit { perhaps: None });
    }
    if bytes.odd * 4 >= bytes.above || foreign.is_some() {
        let perhaps = old_western(&bytes.sample).or(foreign.map(Likeness::Encoding));
        return (Encoding::UTF_8, How::Unfit { perhaps });
    }
    (Encoding::WINDOWS_1252, How::Guessed)
}

/// The encoding of a script that is not Latin, where the bytes look like one.
fn foreign_script(sample: &[u8]) -> Option<Encoding> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let latin = [
        "windows-1252",
        "windows-1250",
        "windows-1254",
        "windows-1257",
        "windows-1258",
        "iso-8859-2",
        "iso-8859-4",
        "iso-8859-10",
        "iso-8859-13",
        "iso-8859-15",
    ];
    let name = guess.name().to_ascii_lowercase();
    (!latin.contains(&name.as_str())).then(|| Encoding::of(guess))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn found(bytes: &[u8], asked: Option<Encoding>) -> Surveyed {
        let mut source = Cursor::new(bytes);
        let found = survey_head(&mut source, asked).unwrap().unwrap();
        found.unwrap_or_else(|| survey_whole(&mut source, asked).unwrap())
    }

    /// Names as they stand in western files.
    const NAMES: [&str; 14] = [
        "Zoë",
        "Jürgen",
        "François Lefèvre",
        "Muñoz",
        "Strauß",
        "Ærø",
        "Þór",
        "Ägidius",
        "Müller–Lüdenscheidt",
        "Zoë O’Brien €",
        "“Bob” d’Été",
        "Žižek",
        "ÿ",
        "Ÿves",
    ];

    #[test]
    fn names_in_windows_1252_are_found_to_be_so() {
        for name in NAMES {
            let text = format!("email,licenseId,name\no'brien@example.com,L1,{name}\na@example.com,L2,Ada\n");
            let bytes = Encoding::WINDOWS_1252.encode(&text);
            let seen = found(&bytes, None);
            assert_eq!((seen.encoding, seen.how), (Encoding::WINDOWS_1252, How::Guessed), "{name}");
            let seen = found(text.as_bytes(), None);
            assert_eq!((seen.encoding, seen.how), (Encoding::UTF_8, How::Known), "{name}");
        }
    }

    #[test]
    fn what_other_programs_wrote_is_not_taken_for_windows_1252() {
        let text = "email,licenseId,name\na@example.com,L1,Jürgen\nb@example.com,L1,Zoë\n";
        let macintosh: Encoding = "macintosh".parse().unwrap();
        let seen = found(&macintosh.encode(text), None);
        let perhaps = Some(Likeness::Encoding(macintosh));
        assert_eq!((seen.encoding, seen.how), (Encoding::UTF_8, How::Unfit { perhaps }));
        // As MS-DOS had them: ü is 0x81, ë is 0x89.
        let seen = found(b"email,name\na@example.com,J\x81rgen\nb@example.com,Zo\x89\n", None);
        assert_eq!(seen.how, How::Unfit { perhaps: Some(Likeness::Dos) });
        let cyrillic: Encoding = "windows-1251".parse().unwrap();
        let seen = found(&cyrillic.encode("email,name\na@example.com,Анна Каренина\n"), None);
        assert_eq!(seen.how, How::Unfit { perhaps: Some(Likeness::Encoding(cyrillic)) });
    }

    #[test]
    fn two_encodings_in_one_file_are_neither() {
        let bytes = b"email,name\na@example.com,J\xc3\xbcrgen\nb@example.com,J\xfcrgen\n";
        let seen = found(bytes, None);
        assert_eq!((seen.encoding, seen.how), (Encoding::UTF_8, How::Unfit { perhaps: None }));
    }

    #[test]
    fn wide_text_is_found_with_and_without_its_mark() {
        let text = "email,licenseId\na@example.com,Ж\n";
        for encoding in [Encoding::UTF_16LE, Encoding::UTF_16BE] {
            let bytes = encoding.encode(text);
            let seen = found(&bytes, None);
            assert_eq!((seen.encoding, seen.byte_order_mark, seen.how), (encoding, false, How::Guessed));
            let seen = found(&[encoding.byte_order_mark(), &bytes].concat(), None);
            assert_eq!((seen.encoding, seen.byte_order_mark, seen.how), (encoding, true, How::Known));
        }
        for four in [|c: u32| c.to_le_bytes(), |c: u32| c.to_be_bytes()] {
            let bytes: Vec<u8> = text.chars().flat_map(|c| four(u32::from(c))).collect();
            assert!(survey_head(&mut Cursor::new(bytes), None).unwrap().is_err());
        }
    }

    #[test]
    fn what_was_asked_for_counts_unless_a_mark_is_against_it() {
        let asked = Some(Encoding::WINDOWS_1252);
        assert_eq!(found(b"a,\xe9", asked).how, How::Known);
        assert_eq!(found("a,é".as_bytes(), asked).how, How::Utf8Against(Encoding::WINDOWS_1252));
        let seen = found(b"\xef\xbb\xbfa,b", asked);
        assert_eq!((seen.encoding, seen.how), (Encoding::UTF_8, How::MarkAgainst(Encoding::WINDOWS_1252)));
    }

    #[test]
    fn a_character_cut_by_a_chunk_is_whole() {
        let text = format!("{}é", "x".repeat(CHUNK - 1));
        assert_eq!(found(text.as_bytes(), None).how, How::Known);
    }
}
