//! A look at a workbook before it is read: what it unpacks to, and what its sheet says beside its cells' values.
//!
//! calamine reads the cells. It keeps every shared text in memory, and a formula that nobody has worked out is an empty
//! cell to it, as is a cell that is merged into another: here is told which are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::marks::Marks;
use super::sheets::{Book, Relation, SheetState, Sheets, WorkbookError};
use super::walk::Walk;

/// So much of a sheet, unpacked: a million rows with everything that Excel writes of them.
const SHEET: u64 = 4 << 30;
/// So much of the texts that cells share, all of which are kept in memory.
const TEXTS: u64 = 1 << 29;
/// So much of a sheet has its header in it.
const TOP: u64 = 1 << 22;
/// So much of anything else that is read of a workbook.
const OTHER: u64 = 1 << 26;
/// So many times its size a part may unpack to, once it is above [`ANYHOW`]: tables come to a fifth of it at most.
const RATIO: u64 = 100;
const ANYHOW: u64 = 1 << 24;
/// Longest piece of text or of markup, far above what a cell of Excel holds.
pub(super) const LONGEST: u64 = 1 << 20;
/// Deeper than this nothing in a workbook stands.
const DEEPEST: usize = 64;
/// So many elements in the texts that cells share: eight texts a row of the largest sheet.
const TEXT_ELEMENTS: u64 = 1 << 24;
/// So many in any other part that is kept in memory.
const OTHER_ELEMENTS: u64 = 1 << 20;

/// What a workbook says of its parts.
#[derive(Debug)]
pub(super) struct WorkbookParts {
    pub(super) sheets: Sheets,
    /// The folder of all of them, with a slash where there is one.
    folder: String,
    /// The part of the sheet that is read.
    sheet: String,
    is_to_be_worked_out: bool,
}

impl WorkbookParts {
    /// Finds the first sheet that can be seen, unless one is named.
    pub(super) fn of<R: Read + Seek>(source: R, sheet: Option<&str>) -> Result<Self, WorkbookError> {
        let mut package = Package::of(source)?;
        let main = package.main_part()?;
        let (folder, name) =
            main.rsplit_once('/').map_or(("", main.as_str()), |(folder, name)| (folder, name));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let relations = package.relations(&format!("{folder}_rels/{name}.rels"))?;
        let book = package.book(&main)?;
        let (sheets, relation) = book.choose(&relations, sheet)?;
        let sheet = relation
            .target
            .strip_prefix('/')
            .map_or_else(|| format!("{folder}{}", relation.target), ToOwned::to_owned);
        Ok(Self { sheets, folder, sheet, is_to_be_worked_out: book.is_to_be_worked_out })
    }

    /// Whether what calamine keeps in memory of this workbook comes to an end.
    pub(super) fn weigh<R: Read + Seek>(&self, source: R) -> Result<(), WorkbookError> {
        let (mut package, folder) = (Package::of(source)?, &self.folder);
        package.weigh(&format!("{folder}sharedStrings.xml"), TEXTS, TEXT_ELEMENTS)?;
        for name in ["styles.xml", "theme/theme1.xml"] {
            package.weigh(&format!("{folder}{name}"), OTHER, OTHER_ELEMENTS)?;
        }
        Ok(())
    }

    /// What the sheet says beside its cells' values.
    pub(super) fn marks<R: Read + Seek>(&self, source: R) -> Result<Marks, WorkbookError> {
        Package::of(source)?.marks(&self.sheet, self.is_to_be_worked_out)
    }
}

/// Whether this word, in small letters, may stand in the header of a sheet. Takes far less time than to read the header.
pub(super) fn may_head<R: Read + Seek>(source: R, words: &[&[u8]]) -> Result<bool, WorkbookError> {
    let mut package = Package::of(source)?;
    let names = package.archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned());
    let names: Vec<String> = names.collect();
    for name in names {
        let (is_texts, is_sheet) =
            (name.to_lowercase().ends_with("sharedstrings.xml"), name.contains("worksheets"));
        let most = if is_texts { TEXTS } else { TOP };
        let Some(mut part) = package.bytes(&name, SHEET)?.filter(|_| is_texts || is_sheet) else { continue };
        if says(&mut part.by_ref().take(most), words).map_err(|_| WorkbookError::Damaged)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one of some words, in small letters, stands in what is read.
fn says(source: &mut impl Read, words: &[&[u8]]) -> io::Result<bool> {
    let longest = words.iter().map(|word| word.len()).max().unwrap_or_default();
    let mut block = vec![0; 1 << 16];
    let mut kept = 0;
    loop {
        let read = source.read(block.get_mut(kept..).unwrap_or_default())?;
        let filled = block.get_mut(..kept + read).unwrap_or_default();
        filled.make_ascii_lowercase();
        if words.iter().any(|word| memchr::memmem::find(filled, word).is_some()) || read == 0 {
            return Ok(read > 0);
        }
        // The beginning of a word whose end has not been read.
        let from = filled.len().saturating_sub(longest);
        kept = filled.len() - from;
        filled.copy_within(from.., 0);
    }
}

struct Package<R> {
    archive: ZipArchive<R>,
    /// Of the whole file.
    length: u64,
}

impl<R: Read + Seek> Package<R> {
    fn of(mut source: R) -> Result<Self, WorkbookError> {
        let length = source.seek(io::SeekFrom::End(0)).map_err(|_| WorkbookError::Damaged)?;
        let archive = ZipArchive::new(source).map_err(|_| WorkbookError::Damaged)?;
        Ok(Self { archive, length })
    }

    /// A part's markup, by the name that its relations call it; `None` where there is no such part.
    fn part(&mut self, path: &str, room: u64) -> Result<Option<Markup<impl BufRead>>, WorkbookError> {
        Ok(self.bytes(path, room)?.map(Markup::new))
    }

    /// The same as it stands.
    fn bytes(&mut self, path: &str, room: u64) -> Result<Option<impl BufRead>, WorkbookError> {
        let alike = |name: &[u8]| {
            name.len() == path.len()
                && name.iter().zip(path.as_bytes()).all(|(own, sought)| {
                    own.eq_ignore_ascii_case(sought) || (*own == b'\\' && *sought == b'/')
                })
        };
        // Of several with one name the last counts.
        let Some(number) = self
            .archive
            .file_names_raw()
            .enumerate()
            .filter(|(_, name)| alike(name))
            .map(|(at, _)| at)
            .last()
        else {
            return Ok(None);
        };
        let length = self.length;
        let source = self.archive.by_index(number).map_err(|_| WorkbookError::Damaged)?;
        let bounds = Bounds { packed: source.compressed_size().min(length), room };
        // What it says it comes to need not be true, and is enough where it is too much.
        if bounds.are_passed(source.size()) {
            return Err(WorkbookError::TooLarge);
        }
        Ok(Some(BufReader::with_capacity(1 << 16, Bounded { source, bounds, taken: 0 })))
    }

    fn main_part(&mut self) -> Result<String, WorkbookError> {
        let relations = self.relations("_rels/.rels")?;
        let main = relations.into_values().find(|relation| relation.kind.ends_with("/officeDocument"));
        let main = main.ok_or(WorkbookError::Damaged)?.target;
        Ok(main.strip_prefix('/').unwrap_or(&main).to_owned())
    }

    fn relations(&mut self, path: &str) -> Result<HashMap<String, Relation>, WorkbookError> {
        let mut relations = HashMap::new();
        let mut part = self.part(path, OTHER)?.ok_or(WorkbookError::Damaged)?;
        part.each(|event| {
            if let Event::Start(element) = event
                && element.local_name().as_ref() == "Relationship"
            {
                let [id, kind, target] = ["Id", "Type", "Target"].map(|name| text(element, name));
                relations.insert(
                    id.unwrap_or_default(),
                    Relation { kind: kind.unwrap_or_default(), target: target.unwrap_or_default() },
                );
            }
            Ok(())
        })?;
        Ok(relations)
    }

    fn book(&mut self, path: &str) -> Result<Book, WorkbookError> {
        let mut book = Book::default();
        let mut part = self.part(path, OTHER)?.ok_or(WorkbookError::Damaged)?;
        part.each(|event| {
            let Event::Start(element) = event else { return Ok(()) };
            match element.local_name().as_ref() {
                "sheet" => {
                    let name = text(element, "name").unwrap_or_default();
                    // Its prefix is whatever the program calls that namespace.
                    let mut id = String::new();
                    for attribute in element.attributes().with_checks(false).flatten() {
                        if attribute.key.local_name().as_ref() == "id" {
                            id = attribute.value.into_owned();
                        }
                    }
                    let state = SheetState::of(text(element, "state").as_deref());
                    book.sheets.push((name, id, state));
                }
                "workbookPr" => book.is_from_1904 |= is(element, "date1904", TRUE),
                "calcPr" => book.is_to_be_worked_out |= is(element, "fullCalcOnLoad", TRUE),
                _ => {}
            }
            Ok(())
        })?;
        Ok(book)
    }

    /// Reads a part to its end, to know that it has one.
    fn weigh(&mut self, path: &str, room: u64, most: u64) -> Result<(), WorkbookError> {
        let Some(mut part) = self.part(path, room)? else { return Ok(()) };
        let (mut elements, mut promised, mut open) = (0_u64, 0_u64, None);
        part.each_at(|event, at| {
            match event {
                Event::Start(element) => {
                    elements += 1;
                    match element.local_name().as_ref() {
                        "si" => open = Some(at),
                        // Room is made for as many as it says.
                        "sst" => promised = text(element, "uniqueCount").map_or(0, |count| number(&count)),
                        _ => {}
                    }
                }
                Event::End(element) if element.local_name().as_ref() == "si" => open = None,
                _ => {}
            }
            let is_endless = open.is_some_and(|from| at - from > LONGEST);
            if elements.max(promised) > most || is_endless { Err(WorkbookError::TooLarge) } else { Ok(()) }
        })
    }

    /// What a sheet says beside its cells' values.
    fn marks(&mut self, path: &str, is_to_be_worked_out: bool) -> Result<Marks, WorkbookError> {
        let mut marks = Marks::default();
        let mut part = self.part(path, SHEET)?.ok_or(WorkbookError::Damaged)?;
        let mut walk = Walk::default();
        part.each_at(|event, at| walk.see(event, at, is_to_be_worked_out, &mut marks))?;
        marks.settle();
        Ok(marks)
    }
}

/// These attributes of an element. One that stands twice would be read by us as the one and by calamine as the other.
pub(super) fn once_each<'e, const N: usize>(
    element: &'e BytesStart<'_>,
    names: [&str; N],
) -> Result<[Option<Cow<'e, str>>; N], WorkbookError> {
    let mut values = [const { None }; N];
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| WorkbookError::Damaged)?;
        // What parts one name from the next is not the same everywhere.
        if attribute.key.as_ref().bytes().any(|byte| byte.is_ascii_control()) {
            return Err(WorkbookError::Damaged);
        }
        let slot = names.iter().zip(&mut values).find(|(name, _)| attribute.key.as_ref() == **name);
        if let Some((_, slot)) = slot
            && slot.replace(attribute.value).is_some()
        {
            return Err(WorkbookError::Damaged);
        }
    }
    Ok(values)
}

/// An attribute of an element.
pub(super) fn text(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

pub(super) const TRUE: &[&str] = &["1", "true"];
/// The width or height of what nobody sees.
pub(super) const NONE: &[&str] = &["0", "0.0"];

/// Whether an attribute of an element is one of these.
pub(super) fn is(element: &BytesStart<'_>, name: &str, words: &[&str]) -> bool {
    let attribute = element.try_get_attribute(name).ok().flatten();
    attribute.is_some_and(|attribute| words.contains(&attribute.value.as_ref()))
}

/// A count; what is none is more than any.
pub(super) fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or(u64::MAX)
}

/// The events of a part.
struct Markup<R> {
    reader: Reader<EventRoom<R>>,
}

impl<R: BufRead> Markup<R> {
    fn new(source: R) -> Self {
        let mut reader = Reader::from_reader(EventRoom { source, length: 0 });
        // As calamine has it: what is sound to it must be so here.
        let config = reader.config_mut();
        config.check_end_names = false;
        config.check_comments = false;
        config.expand_empty_elements = true;
        Self { reader }
    }

    /// Runs over the events of a part that is kept in memory.
    fn each(
        &mut self,
        mut see: impl FnMut(&Event<'_>) -> Result<(), WorkbookError>,
    ) -> Result<(), WorkbookError> {
        let mut elements = 0;
        self.each_at(|event, _| {
            elements += u64::from(matches!(event, Event::Start(_)));
            if elements > OTHER_ELEMENTS { Err(WorkbookError::TooLarge) } else { see(event) }
        })
    }

    /// Runs over the events, each with the place behind it.
    fn each_at(
        &mut self,
        mut see: impl FnMut(&Event<'_>, u64) -> Result<(), WorkbookError>,
    ) -> Result<(), WorkbookError> {
        let mut depth = 0_usize;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            self.reader.get_mut().length = 0;
            let event = self.reader.read_event_into(&mut buffer).map_err(|error| refused(&error))?;
            match &event {
                Event::Eof => return Ok(()),
                Event::Start(_) => depth += 1,
                Event::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEEPEST {
                return Err(WorkbookError::TooLarge);
            }
            see(&event, self.reader.buffer_position())?;
        }
    }
}

fn refused(error: &quick_xml::Error) -> WorkbookError {
    match error {
        quick_xml::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<TooLarge>()) => {
            WorkbookError::TooLarge
        }
        _ => WorkbookError::Damaged,
    }
}

/// A part that does not come to an end where a workbook's would.
#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

/// How much of a part a workbook may have.
struct Bounds {
    packed: u64,
    room: u64,
}

impl Bounds {
    const fn are_passed(&self, taken: u64) -> bool {
        taken > self.room || (taken > ANYHOW && taken / RATIO > self.packed)
    }
}

/// Lets as much of a part through.
struct Bounded<R> {
    source: R,
    bounds: Bounds,
    taken: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.taken += read as u64;
        if self.bounds.are_passed(self.taken) { Err(io::Error::other(TooLarge)) } else { Ok(read) }
    }
}

/// Lets as much through at once as a piece of text or markup may have.
struct EventRoom<R> {
    source: R,
    length: u64,
}

impl<R: BufRead> Read for EventRoom<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

impl<R: BufRead> BufRead for EventRoom<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.length > LONGEST { Err(io::Error::other(TooLarge)) } else { self.source.fill_buf() }
    }

    fn consume(&mut self, amount: usize) {
        self.length += amount as u64;
        self.source.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rust_xlsxwriter::Workbook;

    use super::*;

    #[test]
    fn a_word_is_found_in_a_header_and_across_what_is_read_at_once() {
        let heads = |header: &str| {
            let mut book = Workbook::new();
            let sheet = book.add_worksheet();
            sheet.write(0, 0, "email").unwrap();
            sheet.write(0, 1, header).unwrap();
            sheet.write(1, 0, "a@example.com").unwrap();
            may_head(Cursor::new(book.save_to_buffer().unwrap()), &[b"error"]).unwrap()
        };
        assert!(heads("error_code") && heads("Error Message"));
        assert!(!heads("licenseId"));
        for before in [0, 65_530, 65_532, 65_534, 131_070] {
            let text = [vec![b'x'; before].as_slice(), b"ERRORS"].concat();
            assert!(says(&mut &*text, &[b"error"]).unwrap(), "{before}");
            assert!(!says(&mut &*text, &[b"terror"]).unwrap(), "{before}");
        }
        assert!(may_head(Cursor::new(b"PK"), &[b"error"]).is_err());
    }
}
