//! The bodies of answers, as they travel.
//!
//! Types are taken as they come, since the live service differs from its specification: a code may be a
//! text or a number, an ID a text or an object with an `id`. What a body means is taken strictly: what no
//! form describes is not made to mean something.

use serde_json::{Map, Value};

use super::said_twice;
use crate::domain::{Body, ErrorCode, Holdings, ItemError, ServerError, WireForm};

/// Reads the body of an answer to `PATCH /licenses/users`.
#[must_use]
pub fn answer_body(form: WireForm, status: u16, content_type: Option<&str>, bytes: &[u8]) -> Body {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Body::Empty;
    }
    let value = match said_twice::value(bytes) {
        Ok(value) => value,
        Err(_) if is_page(content_type, bytes) => return Body::Page,
        Err(_) => return Body::Unreadable("is not JSON, or is cut off".to_owned()),
    };
    match (status, form) {
        (206, WireForm::Array) => items(&value).map_or_else(Body::Unreadable, Body::Items),
        (200 | 206, WireForm::Object) => {
            holdings(&value).map_or_else(Body::Unreadable, |held| Body::Holdings(Box::new(held)))
        }
        (200 | 204, WireForm::Array) => success(&value),
        (400.., _) if is_error(&value) => Body::Error(server_error(&value)),
        _ => Body::Json,
    }
}

/// Whether a body that is no JSON is a web page.
fn is_page(content_type: Option<&str>, bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let begins = |with: &[u8]| start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    says_page(content_type)
        || [&b"<!doctype"[..], b"<html", b"<head", b"<body", b"<title"].into_iter().any(begins)
}

/// Whether the type of a body says that it is a web page.
pub(super) fn says_page(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
}

/// Array form: no body is described for plain success, but what tells of an error is none.
fn success(value: &Value) -> Body {
    let list: &[Value] = match value {
        Value::Object(map) if is_item(map) => std::slice::from_ref(value),
        Value::Object(map) => match map.get("items") {
            Some(Value::Array(list)) if !tells_of_error(map.iter().filter(|(name, _)| *name != "items")) => {
                list
            }
            _ => &[],
        },
        Value::Array(list) => list,
        _ => &[],
    };
    let items: Option<Vec<_>> = list.iter().map(|value| value.as_object().map(held_item)).collect();
    match items {
        // An error that stands where no item has one is nobody's in particular.
        Some(items) if !list.is_empty() && !list.iter().any(is_error_hidden) => Body::Items(items),
        _ if mentions_error(value) || has_bad_code(value) => Body::Error(server_error(value)),
        Some(items) if value.is_array() => Body::Items(items),
        _ => Body::Json,
    }
}

fn is_item(map: &Map<String, Value>) -> bool {
    map.contains_key("personId") || map.contains_key("email")
}

/// Whether an item without an error of its own has one somewhere inside.
fn is_error_hidden(value: &Value) -> bool {
    value.as_object().is_some_and(|map| item(map).error.is_none()) && mentions_error(value)
}

/// Whether something tells of an error, however deep.
fn mentions_error(value: &Value) -> bool {
    match value {
        Value::Object(map) => tells_of_error(map.iter()),
        Value::Array(list) => list.iter().any(mentions_error),
        _ => false,
    }
}

fn tells_of_error<'a>(mut fields: impl Iterator<Item = (&'a String, &'a Value)>) -> bool {
    const NAMES: [&str; 4] = ["error", "fault", "fail", "exception"];
    fields.any(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let told = says_something(value) && !is_none_counted(value);
        (told && NAMES.into_iter().any(|begins| name.starts_with(begins))) || mentions_error(value)
    })
}

/// None failed, so many: `"failed": 0`.
fn is_none_counted(value: &Value) -> bool {
    value.as_u64() == Some(0)
}

/// Whether a body has a code of its own, and it does not repeat the status of a success.
fn has_bad_code(value: &Value) -> bool {
    value.get("code").filter(|code| says_something(code) && !is_none_counted(code)).is_some_and(|code| {
        !scalar(code).is_some_and(|code| {
            code.eq_ignore_ascii_case("ok") || code.parse().is_ok_and(|code: u16| (200..300).contains(&code))
        })
    })
}

fn items(value: &Value) -> Result<Vec<ItemError>, String> {
    let no_list = || "is not a list of users".to_owned();
    let list = value.as_array().ok_or_else(no_list)?;
    if list.iter().any(is_error_hidden) {
        return Err("tells of an error where no item has one".to_owned());
    }
    list.iter().map(|value| value.as_object().map(held_item).ok_or_else(no_list)).collect()
}

/// An item of a success, in part or whole, with what the user holds where it lists that.
fn held_item(map: &Map<String, Value>) -> ItemError {
    // An item that repeats what was asked for says nothing of what is held.
    let repeats = |list: &Value| {
        list.as_array().is_some_and(|list| list.iter().any(|license| license.get("operation").is_some()))
    };
    let lists = map.get("licenses").is_some_and(|list| list.is_array() && !repeats(list));
    let held = lists.then(|| holdings_of(map).ok()).flatten();
    ItemError { held: held.map(Box::new), ..item(map) }
}

fn item(map: &Map<String, Value>) -> ItemError {
    const ERRORS: [&str; 6] = ["error", "errors", "code", "errorCode", "message", "description"];
    let failed = ERRORS.into_iter().filter_map(|name| map.get(name)).any(says_something);
    ItemError {
        person_id: text(map.get("personId")),
        email: text(map.get("email")),
        error: failed.then(|| server_error_of(map)),
        held: None,
    }
}

/// Whether a value that tells of an error tells of one: an error without a code and a message is one.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => list.iter().any(says_something),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
    }
}

fn holdings(value: &Value) -> Result<Holdings, String> {
    holdings_of(value.as_object().ok_or_else(|| "is not what a user holds".to_owned())?)
}

fn holdings_of(map: &Map<String, Value>) -> Result<Holdings, String> {
    Ok(Holdings {
        person_id: text(map.get("personId")),
        email: text(map.get("email")),
        org_id: text(map.get("orgId")),
        licenses: list(map, "licenses", "id")?,
        pending_licenses: list(map, "pendingLicenses", "id")?.unwrap_or_default(),
        attendee_sites: list(map, "siteUrls", "siteUrl")?,
        pending_attendee_sites: list(map, "pendingSiteUrls", "siteUrl")?.unwrap_or_default(),
        errors: errors(map),
    })
}

/// The texts of a list of texts or of objects; host accounts are no attendee access.
fn list(map: &Map<String, Value>, name: &str, key: &str) -> Result<Option<Vec<String>>, String> {
    let items = match map.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(format!("has a '{name}' that is not a list")),
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
        .map(Some)
        .ok_or_else(|| format!("has a '{name}' with something else than texts in it"))
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

/// Longest message kept, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// Whether a body is an error of the API: it says one of the things that its errors say.
fn is_error(value: &Value) -> bool {
    const ERRORS: [&str; 6] = ["error", "errors", "code", "errorCode", "message", "trackingId"];
    value.as_object().is_some_and(|map| ERRORS.into_iter().any(|name| map.contains_key(name)))
}

/// Reads `{code, message}`, `{error: {code, message}}` and
/// `{message, errors: [{errorCode, description}], trackingId}`.
pub(super) fn server_error(value: &Value) -> ServerError {
    value.as_object().map_or_else(|| single(value), server_error_of)
}

fn server_error_of(map: &Map<String, Value>) -> ServerError {
    let own = ServerError {
        code: pick(map, &["errorCode", "code"]).and_then(|code| ErrorCode::from_server(&code)),
        message: pick(map, &["description", "message"]).and_then(|message| kept(&message)),
    };
    let inner = errors(map);
    let code = inner.iter().find_map(|error| error.code.clone()).or(own.code);
    let messages: Vec<String> = inner.into_iter().filter_map(|error| error.message).collect();
    let message = kept(&messages.join("; ")).or(own.message);
    ServerError { code, message }
}

/// What stands in `errors` and `error`, one by one.
fn errors(map: &Map<String, Value>) -> Vec<ServerError> {
    let list = match map.get("errors") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(other) => std::slice::from_ref(other),
        None => &[],
    };
    list.iter().chain(map.get("error")).filter(|value| says_something(value)).map(single).collect()
}

/// An error without others in it.
fn single(value: &Value) -> ServerError {
    match value {
        Value::Object(map) => ServerError {
            code: pick(map, &["errorCode", "code"]).and_then(|code| ErrorCode::from_server(&code)),
            message: pick(map, &["description", "message"]).and_then(|message| kept(&message)),
        },
        other => ServerError { code: None, message: scalar(other).and_then(|message| kept(&message)) },
    }
}

fn pick(map: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| scalar(map.get(*name)?).filter(|text| !text.trim().is_empty()))
}

fn kept(message: &str) -> Option<String> {
    let message = message.trim();
    (!message.is_empty()).then(|| message.chars().take(LONGEST_MESSAGE).collect())
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

    fn read(form: WireForm, status: u16, body: &[u8]) -> Body {
        answer_body(form, status, Some("application/json"), body)
    }

    fn list_of(body: &[u8]) -> Vec<ItemError> {
        match read(WireForm::Array, 206, body) {
            Body::Items(items) => items,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_item_may_tell_of_its_error_in_every_form() {
        for error in [
            r#""error":{"code":"400411","message":"no number"}"#,
            r#""error":{"code":400411,"message":"no number"}"#,
            r#""errors":[{"errorCode":"400411","description":"no number"}]"#,
            r#""errors":[{"code":400411,"message":"no number"}]"#,
            r#""message":"Partial","errors":[{"code":400411,"description":"no number"}],"error":null"#,
            r#""errors":{"errorCode":400411,"description":"no number"}"#,
            r#""code":"400411","message":"no number""#,
            r#""errorCode":400411,"description":" no number ","errors":[]"#,
        ] {
            let items = list_of(format!(r#"[{{"email":"a@example.com",{error}}}]"#).as_bytes());
            let read = items[0].error.as_ref().unwrap_or_else(|| panic!("{error}"));
            assert_eq!(read.code.as_ref().unwrap().as_str(), "400411", "{error}");
            assert_eq!(read.message.as_deref(), Some("no number"), "{error}");
        }
        for error in [r#""error":{}"#, r#""errors":[{}]"#, r#""error":true"#] {
            let items = list_of(format!(r#"[{{"email":"a@example.com",{error}}}]"#).as_bytes());
            assert_eq!(items[0].error, Some(ServerError::default()), "{error}");
        }
        for error in [r#""error":"odd""#, r#""errors":["odd"]"#, r#""message":"odd""#] {
            let items = list_of(format!(r#"[{{"email":"a@example.com",{error}}}]"#).as_bytes());
            assert_eq!(items[0].error.as_ref().unwrap().message.as_deref(), Some("odd"), "{error}");
        }
        for none in [r#""error":null"#, r#""errors":[]"#, r#""code":null,"message":"""#, r#""error":false"#] {
            let items = list_of(format!(r#"[{{"email":"a@example.com",{none}}}]"#).as_bytes());
            assert_eq!(items[0].error, None, "{none}");
        }
    }

    #[test]
    fn several_errors_of_one_user_are_one_with_all_their_words() {
        let items = list_of(
            br#"[{"personId":"P","errors":[{"description":"first"},{"code":7,"description":"second"}]}]"#,
        );
        let error = items[0].error.as_ref().unwrap();
        assert_eq!(
            (error.code.as_ref().unwrap().as_str(), error.message.as_deref()),
            ("7", Some("first; second"))
        );
    }

    #[test]
    fn what_is_no_list_of_users_is_unreadable() {
        for body in [&b"{}"[..], b"[1]", b"[", b"nonsense", b"[{}", "[".repeat(100_000).as_bytes()] {
            assert!(matches!(read(WireForm::Array, 206, body), Body::Unreadable(_)));
        }
        assert_eq!(read(WireForm::Array, 206, b" \n"), Body::Empty);
    }

    #[test]
    fn plain_success_may_have_any_json_and_errors_in_it_are_seen() {
        for body in ["{}", "[]", "null", r#"{"ok":true}"#, r#"{"message":"ok"}"#, r#"{"errors":[]}"#, "[1]"] {
            let body = read(WireForm::Array, 200, body.as_bytes());
            assert!(body == Body::Json || body == Body::Items(vec![]), "{body:?}");
        }
        let Body::Items(items) =
            read(WireForm::Array, 200, br#"{"email":"a@example.com","error":{"code":"X"}}"#)
        else {
            panic!()
        };
        assert!(items[0].error.is_some());
        for body in [
            r#"{"errors":[{"code":"X"}]}"#,
            r#"{"error":"X"}"#,
            r#"{"fault":{"faultstring":"Quota violation","detail":{"errorcode":"policies.QuotaViolation"}}}"#,
            r#"{"result":{"items":[{"email":"a@example.com","error":{"code":"X"}}]}}"#,
            r#"{"items":[],"errors":[{"code":"X"}]}"#,
            r#"[{"user":{"email":"a@example.com"},"result":{"error":"X"}}]"#,
            r#"[{"Email":"a@example.com","Error":{"Code":"X"}}]"#,
            r#"[[{"email":"a@example.com","error":"X"}]]"#,
            r#"{"code":"400","message":"Bad"}"#,
            r#"{"failed":2}"#,
        ] {
            assert!(matches!(read(WireForm::Array, 200, body.as_bytes()), Body::Error(_)), "{body}");
        }
        for body in [r#"{"failed":0}"#, r#"{"code":200,"message":"OK"}"#, r#""OK""#, r#"{"items":[]}"#] {
            assert_eq!(read(WireForm::Array, 200, body.as_bytes()), Body::Json, "{body}");
        }
        let wrapped = br#"{"items":[{"email":"a@example.com","error":{"code":"X"}}]}"#;
        let Body::Items(items) = read(WireForm::Array, 200, wrapped) else { panic!() };
        assert!(items[0].error.is_some());
        for text in ["ok", "[{", "\u{0}"] {
            assert!(matches!(read(WireForm::Array, 200, text.as_bytes()), Body::Unreadable(_)), "{text}");
        }
    }

    #[test]
    fn an_item_of_a_success_may_list_what_is_held_and_what_repeats_the_request_does_not() {
        let held = |body: &str| match read(WireForm::Array, 200, body.as_bytes()) {
            Body::Items(mut items) => items.remove(0).held.map(|held| held.licenses.unwrap()),
            other => panic!("{other:?}"),
        };
        assert_eq!(held(r#"[{"email":"a@example.com","licenses":["L1"]}]"#), Some(vec!["L1".to_owned()]));
        assert_eq!(held(r#"[{"email":"a@example.com","licenses":[]}]"#), Some(vec![]));
        for none in [r#""x":1"#, r#""licenses":null"#, r#""licenses":[{"id":"L1","operation":"remove"}]"#] {
            assert_eq!(held(&format!(r#"[{{"email":"a@example.com",{none}}}]"#)), None, "{none}");
        }
    }

    #[test]
    fn a_web_page_is_known_by_its_type_or_by_its_beginning() {
        for (content_type, body) in [
            (Some("text/html; charset=utf-8"), "Sign in"),
            (Some("Application/XHTML+xml"), "<?xml version=\"1.0\"?>"),
            (None, " <!DOCTYPE html>"),
            (Some("application/json"), "<HTML>"),
        ] {
            for (status, form) in [(200, WireForm::Array), (200, WireForm::Object), (404, WireForm::Array)] {
                assert_eq!(answer_body(form, status, content_type, body.as_bytes()), Body::Page, "{body}");
            }
        }
        // JSON is JSON, whatever it is said to be.
        assert_eq!(answer_body(WireForm::Array, 200, Some("text/html"), b"{}"), Body::Json);
        assert_eq!(answer_body(WireForm::Array, 200, Some("text/html"), b""), Body::Empty);
    }

    #[test]
    fn holdings_are_read_in_every_spelling_seen() {
        let body = br#"{"orgId":"O","personId":"P","email":"a@example.com",
            "licenses":["L1",{"id":"L2"}],"pendingLicenses":["L3"],
            "siteUrls":[{"siteUrl":"a.example.com","accountType":"ATTENDEE"},{"siteUrl":"b.example.com","accountType":"host"}],
            "errors":[{"errorCode":"400216","description":"no such site"},{"code":7}]}"#;
        let Body::Holdings(holdings) = read(WireForm::Object, 206, body) else { panic!() };
        assert_eq!(holdings.licenses.unwrap(), ["L1", "L2"]);
        assert_eq!(holdings.pending_licenses, ["L3"]);
        assert_eq!(holdings.attendee_sites.unwrap(), ["a.example.com"]);
        let whose = [holdings.org_id, holdings.person_id, holdings.email].map(Option::unwrap);
        assert_eq!(whose, ["O", "P", "a@example.com"]);
        let errors: Vec<String> = holdings.errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors, ["400216: no such site", "7"]);
    }

    #[test]
    fn a_list_that_is_not_there_is_not_an_empty_one() {
        for body in [&b"{}"[..], br#"{"licenses":null}"#, br#"{"ok":true}"#, br#"{"email":"a@example.com"}"#]
        {
            let Body::Holdings(holdings) = read(WireForm::Object, 200, body) else { panic!() };
            assert_eq!((holdings.licenses, holdings.attendee_sites), (None, None));
        }
    }

    #[test]
    fn an_object_about_something_else_is_unreadable() {
        for body in [&br#"{"licenses":7}"#[..], br#"{"licenses":[7]}"#, b"[]", b"\xff"] {
            for status in [200, 206] {
                assert!(matches!(read(WireForm::Object, status, body), Body::Unreadable(_)), "{body:?}");
            }
        }
    }

    #[test]
    fn errors_are_read_in_every_documented_form() {
        for (body, code, message) in [
            (
                r#"{"message":"Bad","errors":[{"errorCode":"400000","description":"d"}],"trackingId":"T"}"#,
                "400000",
                "d",
            ),
            (r#"{"message":"Bad","errors":[{"code":400000,"message":"d"}]}"#, "400000", "d"),
            (r#"{"message":"Bad","errors":[{"errorCode":400000}],"trackingId":"T"}"#, "400000", "Bad"),
            (r#"{"code":"400000","message":"d"}"#, "400000", "d"),
            (r#"{"errorCode":400000,"description":"d"}"#, "400000", "d"),
            (r#"{"error":{"code":400000,"message":"d"}}"#, "400000", "d"),
        ] {
            let Body::Error(error) = read(WireForm::Array, 400, body.as_bytes()) else { panic!("{body}") };
            assert_eq!(error.code.unwrap().as_str(), code, "{body}");
            assert_eq!(error.message.as_deref(), Some(message), "{body}");
        }
        for (body, words) in [
            (r#"{"message":"Bad","errors":[{"description":"d"}]}"#, Some("d")),
            (r#"{"message":"Bad","errors":null,"trackingId":"T"}"#, Some("Bad")),
            (r#"{"message":null,"errors":[null],"trackingId":"T"}"#, None),
            (r#"{"error":"Not Found"}"#, Some("Not Found")),
        ] {
            let Body::Error(error) = read(WireForm::Array, 400, body.as_bytes()) else { panic!("{body}") };
            assert_eq!((error.code, error.message.as_deref()), (None, words), "{body}");
        }
        for (body, read_as) in
            [("<html>", Body::Page), (r#"{"blocked":true}"#, Body::Json), ("[]", Body::Json)]
        {
            assert_eq!(read(WireForm::Array, 403, body.as_bytes()), read_as);
        }
    }
}
