//! Answers and refusals, as the live service words them.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::rules::Refused;

/// The header that support asks for. Every answer has it.
pub(super) const TRACKING_ID: HeaderName = HeaderName::from_static("trackingid");

/// Marks a response that is not to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct HangUp;

pub(super) fn hang_up() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(HangUp);
    response
}

pub(super) fn answered(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

pub(super) fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The body of a refusal that has no tracking ID yet.
#[derive(Debug, Clone)]
struct RefusalBody(Value);

/// `{message, errors: [{errorCode, description}], trackingId}`
pub(super) fn error(status: StatusCode, message: &str, code: Option<&str>) -> Response {
    let error = match code {
        Some(code) => json!({"errorCode": code, "description": message}),
        None => json!({ "description": message }),
    };
    refusal(status, message, &Value::Array(vec![error]))
}

/// The same, for all that was refused.
pub(super) fn errors(status: StatusCode, refused: &[Refused]) -> Response {
    let message = refused.first().map_or("", |refused| refused.message.as_str());
    refusal(status, message, &listed(refused))
}

/// `errors[]`
pub(super) fn listed(refused: &[Refused]) -> Value {
    let entry = |refused: &Refused| json!({"errorCode": refused.code, "description": refused.message});
    refused.iter().map(entry).collect()
}

fn refusal(status: StatusCode, message: &str, errors: &Value) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(RefusalBody(json!({"message": message, "errors": errors})));
    response
}

/// A refusal says its tracking ID in the body too, once it has one.
pub(super) fn finished(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(RefusalBody(mut refusal)) = parts.extensions.remove::<RefusalBody>() else {
        return Response::from_parts(parts, body);
    };
    let tracking_id = parts.headers.get(TRACKING_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    if let Some(refusal) = refusal.as_object_mut() {
        refusal.insert("trackingId".to_owned(), tracking_id.into());
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(refusal.to_string()))
}
