//! Webex IDs as people's files have them.

use super::super::problem::ProblemCode;
use super::super::words;
use super::CellFault;
use crate::domain::{IdError, LicenseId, with_id_key};

/// The first 16 characters of every Webex ID: base64 of `ciscospark:/`.
const BEGINNING: &str = "Y2lzY29zcGFyazov";

/// Whether a text is a Webex ID by its looks.
pub(in crate::assign) fn looks_like_id(text: &str) -> bool {
    text.starts_with(BEGINNING)
}

/// What people's lists and programs leave around an ID, and none has in it.
const AROUND: [char; 13] = [';', ',', '|', '"', '\'', '<', '>', '(', ')', '[', ']', '{', '}'];

/// Reads an ID of one kind.
pub(in crate::assign) fn id<T>(
    cell: &str,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Result<T, CellFault> {
    // `0` is what a spreadsheet makes of a reference to nothing.
    if cell.len() < 10 && (cell == "0" || words::is_nothing(cell)) {
        return Err(super::nothing(cell).unwrap_or_else(|| CellFault {
            fix: Some(String::new()),
            ..CellFault::new(
                ProblemCode::WordForNothing,
                "'0' means that there is nothing, but it would be sent as it stands",
                "leave the cell empty",
            )
        }));
    }
    if let Some(made) = super::number::made_of(cell) {
        return Err(CellFault::new(
            ProblemCode::NotText,
            format!("a spreadsheet has turned this ID into {made}, and the ID itself is lost"),
            "format the column as text, and put the IDs in again",
        ));
    }
    if super::is_mark(cell) {
        return Err(super::mark(cell));
    }
    if !cell.bytes().all(|byte| byte.is_ascii_graphic()) || cell.matches(BEGINNING).nth(1).is_some() {
        return Err(unreadable(cell));
    }
    let bare = cell.trim_matches(AROUND);
    if bare.len() < cell.len() && looks_like_id(bare) {
        let message = "the ID has something around it";
        return Err(CellFault::write(ProblemCode::UnseenCharacters, message, bare.to_owned()));
    }
    parse(cell).map_err(|error| wrong_kind(&error))
}

/// Two IDs, or one with something in it that no ID has.
fn unreadable(cell: &str) -> CellFault {
    if cell.matches(BEGINNING).nth(1).is_some() {
        return CellFault::new(ProblemCode::TwoIds, "the cell holds two IDs", "give one ID a row");
    }
    let seen: String = cell.chars().filter(char::is_ascii_graphic).collect();
    let message = "the ID contains invisible characters, or characters that no ID has";
    if cell.starts_with(BEGINNING)
        || cell
            .chars()
            .all(|c| c.is_ascii_graphic() || c.is_control() || !c.is_alphanumeric() && !c.is_whitespace())
    {
        return CellFault::write(ProblemCode::UnseenCharacters, message, seen);
    }
    CellFault::new(ProblemCode::UnseenCharacters, message, "copy the ID again")
}

fn wrong_kind(error: &IdError) -> CellFault {
    let message = match error {
        IdError::WrongKind { expected, found } => {
            format!("this is the ID of {}, not of {}", kind(found), kind(&expected.to_string()))
        }
        IdError::Empty => "the ID is empty".to_owned(),
    };
    CellFault::new(ProblemCode::WrongIdKind, message, "copy the ID that belongs in this column")
}

fn kind(marker: &str) -> String {
    match marker {
        "PEOPLE" => "a person (PEOPLE)".to_owned(),
        "LICENSE" => "a license (LICENSE)".to_owned(),
        "LOCATION" => "a location (LOCATION)".to_owned(),
        "ORGANIZATION" => "an organization (ORGANIZATION)".to_owned(),
        other => format!("something else ({other})"),
    }
}

/// Reads the ID of a license; a name in its stead is told.
pub(in crate::assign) fn license_id(cell: &str) -> Result<LicenseId, CellFault> {
    if let Some(fault) = misplaced(cell) {
        return Err(fault);
    }
    let is_name = words::is_license_name(cell)
        || (cell.contains(char::is_alphabetic) && cell.contains(' ') && !cell.contains(BEGINNING));
    if is_name && !words::is_nothing(cell) {
        return Err(CellFault::new(
            ProblemCode::NameForId,
            "that is the name of a license, not its ID",
            "call the column license, which takes names and IDs, or say --map license=COLUMN",
        ));
    }
    id(cell, LicenseId::parse)
}

/// What belongs into another column than that of a license: a cell before it is missing, or one too many.
pub(in crate::assign) fn misplaced(cell: &str) -> Option<CellFault> {
    let what = if !cell.is_empty() && words::action(cell).is_some() {
        "an operation"
    } else if cell.contains('@') && !cell.contains(' ') {
        "an e-mail address"
    } else {
        return None;
    };
    Some(CellFault::new(
        ProblemCode::ShiftedCell,
        format!("{what} stands where a license should be named"),
        "check whether the row's cells have shifted: there may be one too few before it, or one too many",
    ))
}

/// Runs over what a license's ID says of its organization and its kind.
fn parts<R>(id: &str, then: impl FnOnce(&str, &str) -> R) -> Option<R> {
    with_id_key(id, |bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        let (organization, rest) = text.strip_prefix("LICENSE/")?.split_once(':')?;
        Some(then(organization, rest))
    })
}

/// The organization inside a license's ID, as the ID of an organization names it.
pub(in crate::assign) fn organization_of(license: &str) -> Option<Box<str>> {
    parts(license, |organization, _| organization.to_ascii_lowercase().into())
}

/// The letters before the license's number: `MS`, `BCPRO` and the like.
pub(in crate::assign) fn service_code(license: &str) -> Option<Box<str>> {
    parts(license, |_, rest| rest.split('_').next().unwrap_or_default().into())
}

/// The number inside an organization's ID.
pub(in crate::assign) fn tenant(organization: &str) -> Option<Box<str>> {
    with_id_key(organization, |bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        text.strip_prefix("ORGANIZATION/").map(|number| number.to_ascii_lowercase().into())
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;
    use crate::domain::PersonId;

    fn encoded(uri: &str) -> String {
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(format!("ciscospark://us/{uri}"))
    }

    #[test]
    fn a_license_says_whose_it_is_and_of_what_kind() {
        let id = encoded("LICENSE/5A4d1c00-0000:MS_1");
        assert_eq!(organization_of(&id).as_deref(), Some("5a4d1c00-0000"));
        assert_eq!(service_code(&id).as_deref(), Some("MS"));
        assert_eq!(tenant(&encoded("ORGANIZATION/5a4D1c00-0000")).as_deref(), Some("5a4d1c00-0000"));
        assert_eq!((organization_of("LIC-1"), tenant("O1")), (None, None));
    }

    #[test]
    fn two_ids_unseen_characters_names_and_words_for_nothing_are_told() {
        let person = encoded("PEOPLE/1");
        let code = |cell: &str| id(cell, PersonId::parse).unwrap_err().code;
        for between in [",", ";", "|", " ", "\n", ""] {
            assert_eq!(code(&format!("{person}{between}{person}")), ProblemCode::TwoIds, "{between}");
        }
        for around in [format!("{person};"), format!("<{person}>"), format!("'{person}")] {
            let fault = id(&around, PersonId::parse).unwrap_err();
            assert_eq!(fault.fix.as_deref(), Some(person.as_str()), "{around}");
        }
        let fault = id(&format!("{}\u{200b}{}", &person[..20], &person[20..]), PersonId::parse).unwrap_err();
        assert_eq!(
            (fault.code, fault.fix.as_deref()),
            (ProblemCode::UnseenCharacters, Some(person.as_str()))
        );
        for cell in ["NULL", "#N/A", "N/A", "-", "null", "(null)", "None", "#REF!", "\\N", "0"] {
            assert_eq!(code(cell), ProblemCode::WordForNothing, "{cell}");
        }
        assert_eq!(code(&encoded("LICENSE/1")), ProblemCode::WrongIdKind);
        for cell in ["2001.0", "1.40856E+10", "1E+15", "TRUE", "wahr", "#FORMULA!", "#NUMBER! 7", "04-Dec"] {
            assert_eq!(code(cell), ProblemCode::NotText, "{cell}");
        }
        assert!(id("P-1", PersonId::parse).is_ok() && id("1e0f", PersonId::parse).is_ok());
        for cell in ["add", "Entfernen", "ada@example.com"] {
            assert_eq!(license_id(cell).unwrap_err().code, ProblemCode::ShiftedCell, "{cell}");
        }
        for cell in ["Messaging", "Webex Calling - Professional"] {
            assert_eq!(license_id(cell).unwrap_err().code, ProblemCode::NameForId, "{cell}");
        }
        assert!(license_id("L1").is_ok());
    }
}
