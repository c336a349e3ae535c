//! The bodies of requests and answers, as they travel.
//!
//! Request forms follow the specification; answers are read leniently, since the live service
//! differs from it: a code may be a text or a number, an ID a text or an object with an `id`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    Action, Assignment, Body, Change, ErrorCode, Holdings, ItemError, OrgId, Properties, ServerError,
    WireForm,
};

/// `LicenseAssignment`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct LicenseAssignment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<LicenseRequest<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub site_urls: Vec<SiteRequest<'a>>,
}

/// An item of `licenses`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the specification's names")]
pub struct LicenseRequest<'a> {
    pub id: Cow<'a, str>,
    #[serde(default = "add")]
    pub operation: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<LicenseProperties<'a>>,
}

/// `properties` of a license.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct LicenseProperties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Cow<'a, str>>,
}

/// An item of `siteUrls`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct SiteRequest<'a> {
    pub site_url: Cow<'a, str>,
    #[serde(default = "attendee")]
    pub account_type: Cow<'a, str>,
    #[serde(default = "add")]
    pub operation: Cow<'a, str>,
}

const fn add<'a>() -> Cow<'a, str> {
    Cow::Borrowed("add")
}

const fn attendee<'a>() -> Cow<'a, str> {
    Cow::Borrowed("attendee")
}

impl<'a> From<&'a Assignment> for LicenseAssignment<'a> {
    fn from(assignment: &'a Assignment) -> Self {
        let mut wire = Self {
            email: assignment.user.email().map(|email| email.as_str().into()),
            person_id: assignment.user.person().map(|person| person.as_str().into()),
            org_id: assignment.org.as_ref().map(|org| org.as_str().into()),
            ..Self::default()
        };
        for operation in &assignment.operations {
            let word = Cow::Borrowed(operation.action.as_str());
            match &operation.change {
                Change::License(id, properties) => wire.licenses.push(LicenseRequest {
                    id: id.as_str().into(),
                    operation: word,
                    properties: (operation.action == Action::Add)
                        .then(|| wire_properties(properties))
                        .flatten(),
                }),
                Change::Site(url) => wire.site_urls.push(SiteRequest {
                    site_url: url.as_str().into(),
                    account_type: attendee(),
                    operation: word,
                }),
            }
        }
        wire
    }
}

fn wire_properties(properties: &Properties) -> Option<LicenseProperties<'_>> {
    (*properties != Properties::default()).then(|| LicenseProperties {
        location_id: properties.location.as_ref().map(|location| location.as_str().into()),
        phone_number: properties.phone_number.as_ref().map(|number| number.as_str().into()),
        extension: properties.extension.as_deref().map(Into::into),
    })
}

/// The body of a `PATCH /licenses/users`, with `org` for those that name no organization. The object
/// form carries the first assignment; it is sent with one.
#[must_use]
pub fn request_body(form: WireForm, org: Option<&OrgId>, assignments: &[Assignment]) -> Vec<u8> {
    let mut wire: Vec<LicenseAssignment<'_>> = assignments.iter().map(Into::into).collect();
    for assignment in &mut wire {
        assignment.org_id = assignment.org_id.take().or_else(|| org.map(|org| org.as_str().into()));
    }
    let body = match form {
        WireForm::Array => serde_json::to_vec(&wire),
        WireForm::Object => serde_json::to_vec(&wire.first()),
    };
    // Texts alone, written to memory: this cannot fail.
    body.unwrap_or_default()
}

/// Reads the body of an answer to `PATCH /licenses/users`.
#[must_use]
pub fn answer_body(form: WireForm, status: u16, bytes: &[u8]) -> Body {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Body::Empty;
    }
    match (status, form) {
        (206, WireForm::Array) => items(bytes).unwrap_or_else(Body::Unreadable),
        (200 | 206, WireForm::Object) => holdings(bytes).unwrap_or_else(Body::Unreadable),
        (400.., _) => {
            serde_json::from_slice(bytes).map_or(Body::Empty, |value| Body::Error(server_error(&value)))
        }
        // No form describes a body here, and none is needed.
        _ => Body::Empty,
    }
}

fn items(bytes: &[u8]) -> Result<Body, String> {
    let values: Vec<serde_json::Map<String, Value>> =
        serde_json::from_slice(bytes).map_err(|error| format!("is not a list of users ({error})"))?;
    let item = |map: &serde_json::Map<String, Value>| ItemError {
        person_id: text(map.get("personId")),
        email: text(map.get("email")),
        error: map.get("error").filter(|error| !error.is_null()).map(server_error),
    };
    Ok(Body::Items(values.iter().map(item).collect()))
}

fn holdings(bytes: &[u8]) -> Result<Body, String> {
    let map: serde_json::Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|error| format!("is not what a user holds ({error})"))?;
    const KNOWN: [&str; 7] =
        ["orgId", "personId", "email", "licenses", "siteUrls", "pendingLicenses", "pendingSiteUrls"];
    if !KNOWN.iter().any(|name| map.contains_key(*name)) {
        return Err("says nothing of what a user holds".to_owned());
    }
    let errors = map.contains_key("errors").then(|| server_error(&Value::Object(map.clone())));
    Ok(Body::Holdings(Holdings {
        licenses: list(&map, "licenses", "id")?,
        pending_licenses: list(&map, "pendingLicenses", "id")?,
        attendee_sites: list(&map, "siteUrls", "siteUrl")?,
        pending_attendee_sites: list(&map, "pendingSiteUrls", "siteUrl")?,
        error: errors.filter(|error| *error != ServerError::default()),
    }))
}

/// The texts of a list of texts or of objects; host accounts are no attendee access.
fn list(map: &serde_json::Map<String, Value>, name: &str, key: &str) -> Result<Vec<String>, String> {
    let items = match map.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(format!("has a '{name}' that is no list")),
    };
    let attendee = |item: &&Value| {
        item.get("accountType")
            .and_then(Value::as_str)
            .is_none_or(|kind| kind.eq_ignore_ascii_case("attendee"))
    };
    items
        .iter()
        .filter(attendee)
        .map(|item| text(Some(item)).or_else(|| text(item.get(key))))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("has a '{name}' with something else than texts in it"))
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

/// Longest message kept, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// Reads `{code, message}`, and `{message, errors: [{errorCode, description}], trackingId}`.
pub(super) fn server_error(value: &Value) -> ServerError {
    if let Some(text) = value.as_str() {
        return ServerError { code: None, message: Some(text.chars().take(LONGEST_MESSAGE).collect()) };
    }
    let nested = value.get("error").filter(|nested| nested.is_object());
    let first = value.get("errors").and_then(|errors| errors.get(0));
    let places = [first, nested, Some(value)];
    let find = |names: &[&str]| {
        places.iter().flatten().find_map(|place| names.iter().find_map(|name| scalar(place.get(name)?)))
    };
    ServerError {
        code: find(&["errorCode", "code"]).and_then(|code| ErrorCode::from_server(&code)),
        message: find(&["description", "message"])
            .filter(|message| !message.trim().is_empty())
            .map(|message| message.chars().take(LONGEST_MESSAGE).collect()),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AssignmentNo, EmailAddress, LicenseId, Line, Operation, OperationKey, PhoneNumber, SiteUrl, User,
    };

    fn assignment() -> Assignment {
        let operation = |line, action, change| Operation {
            key: OperationKey::of_line(Line::new(line)),
            action,
            change,
            rows: 1,
        };
        let license = |id: &str| LicenseId::parse(id).unwrap();
        let calling = Properties {
            phone_number: Some(PhoneNumber::parse("+14085550100").unwrap()),
            ..Default::default()
        };
        Assignment {
            number: AssignmentNo(0),
            user: User::Email(EmailAddress::parse("ada@example.com").unwrap()),
            org: None,
            operations: vec![
                operation(2, Action::Add, Change::License(license("L1"), calling.clone())),
                operation(3, Action::Remove, Change::License(license("L2"), calling)),
                operation(4, Action::Add, Change::Site(SiteUrl::parse("meet.example.com").unwrap())),
            ],
        }
    }

    #[test]
    fn an_assignment_travels_as_the_specification_says() {
        let expected = serde_json::json!({
            "email": "ada@example.com",
            "licenses": [
                {"id": "L1", "operation": "add", "properties": {"phoneNumber": "+14085550100"}},
                {"id": "L2", "operation": "remove"},
            ],
            "siteUrls": [{"siteUrl": "meet.example.com", "accountType": "attendee", "operation": "add"}],
        });
        let object: Value =
            serde_json::from_slice(&request_body(WireForm::Object, None, &[assignment()])).unwrap();
        assert_eq!(object, expected);
        let array: Value =
            serde_json::from_slice(&request_body(WireForm::Array, None, &[assignment()])).unwrap();
        assert_eq!(array, Value::Array(vec![expected]));
    }

    #[test]
    fn items_of_a_206_are_read() {
        let body = br#"[{"email":"a@example.com","error":{"code":400411,"message":"no number"}},
                        {"personId":"P","error":null},{"personId":"Q","error":"odd"}]"#;
        let Body::Items(items) = answer_body(WireForm::Array, 206, body) else { panic!() };
        let error = items[0].error.as_ref().unwrap();
        assert_eq!(error.code.as_ref().unwrap().as_str(), "400411");
        assert_eq!(error.message.as_deref(), Some("no number"));
        assert_eq!(items[1].error, None);
        assert_eq!(items[2].error.as_ref().unwrap().message.as_deref(), Some("odd"));
    }

    #[test]
    fn what_is_no_list_of_users_is_unreadable() {
        for body in [&b"{}"[..], b"[1]", b"[", b"nonsense", b"[{}", "[".repeat(100_000).as_bytes()] {
            assert!(matches!(answer_body(WireForm::Array, 206, body), Body::Unreadable(_)));
        }
        assert_eq!(answer_body(WireForm::Array, 206, b" \n"), Body::Empty);
    }

    #[test]
    fn holdings_are_read_in_every_spelling_seen() {
        let body = br#"{"licenses":["L1",{"id":"L2"}],"pendingLicenses":["L3"],
            "siteUrls":[{"siteUrl":"a.example.com","accountType":"ATTENDEE"},{"siteUrl":"b.example.com","accountType":"host"}],
            "errors":[{"errorCode":"400216","description":"no such site"}]}"#;
        let Body::Holdings(holdings) = answer_body(WireForm::Object, 206, body) else { panic!() };
        assert_eq!(holdings.licenses, ["L1", "L2"]);
        assert_eq!(holdings.pending_licenses, ["L3"]);
        assert_eq!(holdings.attendee_sites, ["a.example.com"]);
        assert_eq!(holdings.error.unwrap().message.as_deref(), Some("no such site"));
    }

    #[test]
    fn an_object_about_something_else_is_unreadable() {
        for body in
            [&b"{}"[..], br#"{"ok":true}"#, br#"{"licenses":7}"#, br#"{"licenses":[7]}"#, b"[]", b"\xff"]
        {
            for status in [200, 206] {
                assert!(
                    matches!(answer_body(WireForm::Object, status, body), Body::Unreadable(_)),
                    "{body:?}"
                );
            }
        }
    }

    #[test]
    fn errors_are_read_in_both_forms() {
        let live = br#"{"message":"Bad","errors":[{"errorCode":"400000","description":"not recognized"}],"trackingId":"T"}"#;
        let plain = br#"{"code":"X1","message":"m"}"#;
        for (body, code, message) in [(&live[..], "400000", "not recognized"), (plain, "X1", "m")] {
            let Body::Error(error) = answer_body(WireForm::Array, 400, body) else { panic!() };
            assert_eq!(error.code.unwrap().as_str(), code);
            assert_eq!(error.message.as_deref(), Some(message));
        }
        let Body::Error(error) = answer_body(WireForm::Array, 400, br#"{"message":"Bad"}"#) else { panic!() };
        assert_eq!((error.code, error.message.as_deref()), (None, Some("Bad")));
        assert_eq!(answer_body(WireForm::Array, 400, b"<html>"), Body::Empty);
    }
}
