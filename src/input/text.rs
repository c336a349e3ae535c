//! A file's bytes as text. How a text is encoded only its whole tells, and it is looked through for that once something
//! in it is not ASCII: of most files nothing is.

use std::io::{self, Read, Seek};
use std::sync::{Arc, OnceLock};

use super::encoding::Decoded;
use super::hashed::{HashAtEnd, Hashed};
use super::remark::{Remark, RemarkKind};
use super::survey::{Surveyed, survey_head, survey_whole};
use super::{ContentError, Encoding};
use crate::domain::Line;

/// How a text is encoded, once that is known.
#[derive(Debug, Clone, Default)]
pub(super) struct EncodingFound(Arc<OnceLock<Surveyed>>);

impl EncodingFound {
    /// Of a text of which nothing is left to find out.
    pub(super) fn known(found: Surveyed) -> Self {
        Self(Arc::new(found.into()))
    }

    /// As far as the text was read: until it is known there was ASCII alone.
    pub(super) fn get(&self) -> Surveyed {
        self.0.get().copied().unwrap_or(Surveyed::ASCII)
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// What is to be said of it.
    pub(super) fn remark(&self) -> Option<Remark> {
        let Surveyed { encoding, how, .. } = self.get();
        RemarkKind::of_encoding(encoding, how).map(|kind| Remark { line: Line::new(1), kind })
    }
}

/// A file's text.
pub(super) struct Text<R: Read> {
    pub(super) decoded: Decoded<Hashed<R>>,
    pub(super) found: EncodingFound,
    pub(super) sum: HashAtEnd,
}

impl<R: Read + Seek + Clone + Send + 'static> Text<R> {
    /// Reads `source` from its start; as `asked`, unless a mark is against it.
    ///
    /// # Errors
    /// [`io::Error`]; [`ContentError::Utf32`].
    pub(super) fn of(mut source: R, asked: Option<Encoding>) -> io::Result<Result<Self, ContentError>> {
        let Ok(head) = survey_head(&mut source, asked)? else { return Ok(Err(ContentError::Utf32)) };
        let found = match (head, asked) {
            (Some(found), _) => EncodingFound::known(found),
            // What was asked for may be wrong, which is said before anything of the text is.
            (None, Some(_)) => EncodingFound::known(survey_whole(&mut source, asked)?),
            (None, None) => EncodingFound::default(),
        };
        let mut again = source.clone();
        let (source, sum) = Hashed::new(source);
        let decoded = if found.is_known() {
            Decoded::new(source, found.get().encoding)?
        } else {
            let told = found.clone();
            let decide = move || {
                let whole = survey_whole(&mut again, None)?;
                Ok(told.0.get_or_init(|| whole).encoding)
            };
            Decoded::undecided(source, Box::new(decide))
        };
        Ok(Ok(Self { decoded, found, sum }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::input::survey::How;

    /// ASCII for more than is read at once, and then something else.
    fn late(end: &[u8]) -> (String, EncodingFound, bool) {
        let text = [vec![b'x'; 300_000].as_slice(), end].concat();
        let Text { mut decoded, found, sum } = Text::of(Cursor::new(text), None).unwrap().unwrap();
        let was_known = found.is_known();
        let mut read = String::new();
        decoded.read_to_string(&mut read).unwrap();
        assert!(sum.get().is_some());
        (read.split_off(300_000), found, was_known)
    }

    #[test]
    fn an_encoding_is_found_out_where_the_text_stops_being_ascii() {
        let (end, found, was_known) = late(b",Zo\xeb\n,J\xfcrgen\n");
        assert_eq!((end.as_str(), was_known), (",Zoë\n,Jürgen\n", false));
        assert_eq!((found.get().encoding, found.get().how), (Encoding::WINDOWS_1252, How::Guessed));
        assert!(matches!(found.remark(), Some(Remark { kind: RemarkKind::ReadAs(_), .. })));
        let (end, found, _) = late(",Zoë\n".as_bytes());
        assert_eq!((end.as_str(), found.is_known(), found.remark()), (",Zoë\n", true, None));
    }

    #[test]
    fn of_ascii_nothing_is_found_out() {
        let (end, found, _) = late(b",Zoe\n");
        assert_eq!((end.as_str(), found.is_known(), found.remark()), (",Zoe\n", false, None));
        assert_eq!(found.get(), Surveyed::ASCII);
    }

    #[test]
    fn what_was_asked_for_is_compared_before_anything_is_read() {
        let text = Text::of(Cursor::new("Zoë".as_bytes()), Some(Encoding::WINDOWS_1252)).unwrap().unwrap();
        assert_eq!(text.found.get().how, How::Utf8Against(Encoding::WINDOWS_1252));
    }
}
