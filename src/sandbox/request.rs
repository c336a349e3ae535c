//! The body of a `PATCH /licenses/users`, read to the letter of the specification.
//!
//! What our own client sends is read by nothing of ours: a word that the specification does not have is
//! refused here, whoever sent it.

use serde_json::{Map, Value};

use crate::domain::WireForm;

/// One `LicenseAssignment`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RequestedAssignment {
    pub(super) email: Option<String>,
    pub(super) person_id: Option<String>,
    pub(super) org_id: Option<String>,
    pub(super) licenses: Vec<RequestedLicense>,
    pub(super) sites: Vec<RequestedSite>,
}

/// An item of `licenses`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestedLicense {
    pub(super) id: String,
    pub(super) verb: Verb,
    pub(super) location: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) extension: Option<String>,
}

/// An item of `siteUrls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestedSite {
    pub(super) url: Option<String>,
    /// As the request spells it.
    pub(super) account_type: Option<String>,
    pub(super) verb: Verb,
}

/// An `operation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Remove,
}

/// What is wrong with a body, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

fn malformed<T>(place: &str, name: &str, what: &str) -> Result<T, Malformed> {
    let dot = if place.is_empty() || name.is_empty() { "" } else { "." };
    Err(Malformed(format!("{place}{dot}{name} {what}")))
}

/// Reads a body in the one form that is spoken.
pub(super) fn read(wire: WireForm, bytes: &[u8]) -> Result<Vec<RequestedAssignment>, Malformed> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Malformed(format!("The request body is not JSON: {error}")))?;
    match (wire, &value) {
        (WireForm::Array, Value::Array(items)) => {
            items.iter().enumerate().map(|(n, item)| asked(item, &format!("[{n}]"))).collect()
        }
        (WireForm::Object, Value::Object(_)) => Ok(vec![asked(&value, "")?]),
        (WireForm::Array, _) => malformed("The request body", "", "must be an array of LicenseAssignment"),
        (WireForm::Object, _) => malformed("The request body", "", "must be one LicenseAssignment object"),
    }
}

fn asked(value: &Value, place: &str) -> Result<RequestedAssignment, Malformed> {
    let map = object(value, place)?;
    let asked = RequestedAssignment {
        email: text(map, "email", place)?,
        person_id: text(map, "personId", place)?,
        org_id: text(map, "orgId", place)?,
        licenses: list(map, "licenses", place, license)?,
        sites: list(map, "siteUrls", place, site)?,
    };
    match &asked.email {
        Some(email) if !is_address(email) => malformed(place, "email", "must be an e-mail address"),
        _ => Ok(asked),
    }
}

fn license(value: &Value, place: &str) -> Result<RequestedLicense, Malformed> {
    let map = object(value, place)?;
    let Some(id) = text(map, "id", place)? else { return malformed(place, "id", "is required") };
    let empty = Map::new();
    let properties = match map.get("properties") {
        None => &empty,
        Some(value) => object(value, &format!("{place}.properties"))?,
    };
    let property = |name| text(properties, name, &format!("{place}.properties"));
    Ok(RequestedLicense {
        id,
        verb: verb(map, place)?,
        location: property("locationId")?,
        phone_number: property("phoneNumber")?,
        extension: property("extension")?,
    })
}

fn site(value: &Value, place: &str) -> Result<RequestedSite, Malformed> {
    let map = object(value, place)?;
    // Some clients write it in capitals, and the live service takes it so.
    let account_type = text(map, "accountType", place)?;
    match &account_type {
        Some(kind) if !kind.eq_ignore_ascii_case("attendee") => {
            malformed(place, "accountType", "must be 'attendee'")
        }
        _ => Ok(RequestedSite { url: text(map, "siteUrl", place)?, account_type, verb: verb(map, place)? }),
    }
}

fn verb(map: &Map<String, Value>, place: &str) -> Result<Verb, Malformed> {
    match text(map, "operation", place)?.as_deref() {
        None | Some("add") => Ok(Verb::Add),
        Some("remove") => Ok(Verb::Remove),
        Some(_) => malformed(place, "operation", "must be 'add' or 'remove'"),
    }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, Malformed> {
    value.as_object().map_or_else(|| malformed(place, "", "must be an object"), Ok)
}

fn text(map: &Map<String, Value>, name: &str, place: &str) -> Result<Option<String>, Malformed> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => malformed(place, name, "must be a string"),
    }
}

fn list<T>(
    map: &Map<String, Value>,
    name: &str,
    place: &str,
    read: impl Fn(&Value, &str) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let dot = if place.is_empty() { "" } else { "." };
    match map.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(number, item)| read(item, &format!("{place}{dot}{name}[{number}]")))
            .collect(),
        Some(_) => malformed(place, name, "must be an array"),
    }
}

fn is_address(text: &str) -> bool {
    let options = email_address::Options::default().without_display_text();
    email_address::EmailAddress::parse_with_options(text, options).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_specification_leaves_out_is_left_out() {
        let body = br#"{"email":"ada@example.com","licenses":[{"id":"L"}],"siteUrls":[{"siteUrl":"s","accountType":"ATTENDEE"}]}"#;
        let asked = read(WireForm::Object, body).unwrap();
        assert_eq!(asked[0].licenses[0].verb, Verb::Add);
        let site =
            RequestedSite { url: Some("s".into()), account_type: Some("ATTENDEE".into()), verb: Verb::Add };
        assert_eq!(asked[0].sites, [site]);
        assert_eq!(read(WireForm::Array, b"[]").unwrap(), []);
        assert_eq!(read(WireForm::Array, b"[{}]").unwrap(), [RequestedAssignment::default()]);
    }

    #[test]
    fn what_the_specification_does_not_have_is_refused_with_its_place() {
        for (item, place) in [
            (r#"{"email":null}"#, "[0].email"),
            (r#"{"email":"nobody"}"#, "[0].email"),
            (r#"{"personId":7}"#, "[0].personId"),
            (r#"{"licenses":{}}"#, "[0].licenses"),
            (r#"{"licenses":[{"operation":"add"}]}"#, "[0].licenses[0].id"),
            (r#"{"licenses":[{"id":"L","operation":"AAA"}]}"#, "[0].licenses[0].operation"),
            (r#"{"licenses":[{"id":"L","properties":[]}]}"#, "[0].licenses[0].properties"),
            (
                r#"{"licenses":[{"id":"L","properties":{"extension":7}}]}"#,
                "[0].licenses[0].properties.extension",
            ),
            (r#"{"siteUrls":[{},{"operation":"AAA"}]}"#, "[0].siteUrls[1].operation"),
            (r#"{"siteUrls":[{"accountType":"host"}]}"#, "[0].siteUrls[0].accountType"),
            ("7", "[0]"),
        ] {
            let Malformed(what) = read(WireForm::Array, format!("[{item}]").as_bytes()).unwrap_err();
            assert!(what.starts_with(&format!("{place} ")), "{item}: {what}");
        }
        for (wire, body) in [
            (WireForm::Array, "{}"),
            (WireForm::Object, "[]"),
            (WireForm::Array, "7"),
            (WireForm::Array, ""),
            (WireForm::Object, "[{}]"),
        ] {
            assert!(read(wire, body.as_bytes()).is_err(), "{body}");
        }
    }
}
