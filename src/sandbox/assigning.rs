//! `PATCH /licenses/users`, with the faults that it meets.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::fault::{Fault, Mishap};
use super::organization::Organization;
use super::reply::{HangUp, TRACKING_ID, answered, error, errors, hang_up, listed, with_header};
use super::request::{Malformed, RequestedAssignment, read};
use super::rules::Refused;
use super::world::World;
use crate::domain::WireForm;

/// Longest request body taken, in bytes.
const LONGEST_REQUEST: usize = 64 << 20;

pub(super) async fn assign(Shared(world): Shared<Arc<World>>, request: Request) -> Response {
    let number = world.requests.arrived();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LONGEST_REQUEST).await else { return hang_up() };
    tokio::time::sleep(world.latency).await;
    let response = match world.turned_away(&parts.headers) {
        Some(response) => response,
        None if !is_json(&parts.headers) => {
            let message = "The Content-Type must be application/json";
            error(StatusCode::UNSUPPORTED_MEDIA_TYPE, message, None)
        }
        None => assign_bytes(&world, number, &bytes).await,
    };
    if response.extensions().get::<HangUp>().is_none() {
        world.requests.note(number, |entry| entry.status = response.status().as_u16());
    }
    with_header(response, TRACKING_ID, &format!("SANDBOX_{number:08}"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

async fn assign_bytes(world: &World, number: u64, bytes: &[u8]) -> Response {
    let assignments = match read(world.wire, bytes) {
        Ok(assignments) => assignments,
        Err(Malformed(what)) => return error(StatusCode::BAD_REQUEST, &what, None),
    };
    let users: Vec<String> = assignments.iter().map(user_of).collect();
    let org = assignments.first().and_then(|assignment| assignment.org_id.as_deref());
    let mixed = assignments.iter().any(|assignment| assignment.org_id.as_deref() != org);
    // Where names are not kept, they are kept nowhere.
    let named = world.organization().has_names();
    world.requests.note(number, |entry| {
        if named {
            entry.users.clone_from(&users);
        }
        entry.org = org.map(str::to_owned);
        entry.mixes_organizations = mixed;
    });
    let faults = world.faults(number, &users, org);
    for fault in &faults {
        match &fault.effect {
            Mishap::Delay { millis } => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Mishap::DropBefore => return hang_up(),
            Mishap::Status { status, retry_after, code } => {
                return on_request(*status, retry_after.as_deref(), code.as_deref());
            }
            _ => {}
        }
    }
    let applied = match (world.wire, assignments.first()) {
        (WireForm::Object, Some(assignment)) => apply_object(&mut world.organization(), assignment, &faults),
        _ => apply_array(&mut world.organization(), &assignments, &faults),
    };
    for fault in &faults {
        match fault.effect {
            Mishap::DropAfter => return hang_up(),
            Mishap::Garbage => return (StatusCode::PARTIAL_CONTENT, "{\"licen").into_response(),
            Mishap::Cut => return cut(),
            _ => {}
        }
    }
    applied
}

fn user_of(assignment: &RequestedAssignment) -> String {
    let named = assignment.email.as_ref().or(assignment.person_id.as_ref());
    named.map_or_else(String::new, |user| user.to_lowercase())
}

fn on_request(status: u16, retry_after: Option<&str>, code: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = error(status, "A fault on request", code);
    match retry_after {
        Some(wait) => with_header(response, header::RETRY_AFTER, wait),
        None => response,
    }
}

/// A success whose body ends too early.
fn cut() -> Response {
    let parts = [Ok(Bytes::from_static(b"[{\"em")), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let length = [(header::CONTENT_LENGTH, "4096")];
    (StatusCode::OK, length, Body::from_stream(futures_util::stream::iter(parts))).into_response()
}

/// What a fault makes of one user's part.
fn meddled<'f>(assignment: &RequestedAssignment, faults: &'f [Fault]) -> Option<&'f Mishap> {
    let user = user_of(assignment);
    let concerns = |fault: &&Fault| fault.user.as_ref().is_none_or(|concerned| *concerned == user);
    let meddling = |effect: &&Mishap| matches!(effect, Mishap::Refuse { .. } | Mishap::Ignore);
    faults.iter().filter(concerns).map(|fault| &fault.effect).find(meddling)
}

fn apply_array(
    organization: &mut Organization,
    assignments: &[RequestedAssignment],
    faults: &[Fault],
) -> Response {
    if let Some(twice) = named_twice(organization, assignments) {
        let message = format!("The request names {twice} twice");
        return error(StatusCode::BAD_REQUEST, &message, None);
    }
    let mut items = Vec::new();
    for assignment in assignments {
        let (code, message) = match meddled(assignment, faults) {
            Some(Mishap::Refuse { code }) => (code.clone(), "A refusal on request".to_owned()),
            Some(_) => continue,
            None => match organization.apply_whole(assignment) {
                Ok(()) => continue,
                Err(Refused { code, message }) => (code.to_owned(), message),
            },
        };
        items.push(item(assignment, &code, &message));
    }
    if items.is_empty() {
        return StatusCode::OK.into_response();
    }
    answered(StatusCode::PARTIAL_CONTENT, &Value::Array(items))
}

/// An item of a 206: the user as the request has it, and why not.
fn item(assignment: &RequestedAssignment, code: &str, message: &str) -> Value {
    let mut item = Map::new();
    for (name, value) in [("email", &assignment.email), ("personId", &assignment.person_id)] {
        if let Some(value) = value {
            item.insert(name.to_owned(), value.as_str().into());
        }
    }
    item.insert("error".to_owned(), json!({"code": code, "message": message}));
    Value::Object(item)
}

/// A user whom two assignments are about, by whatever names.
fn named_twice(organization: &Organization, assignments: &[RequestedAssignment]) -> Option<String> {
    let mut found = HashSet::new();
    let mut unknown = HashSet::new();
    let twice = |assignment: &&RequestedAssignment| match (organization.find(assignment), user_of(assignment))
    {
        (Ok(user), _) => !found.insert(user),
        (Err(_), nobody) if nobody.is_empty() => false,
        (Err(_), user) => !unknown.insert((user, assignment.org_id.clone())),
    };
    assignments.iter().find(twice).map(user_of)
}

fn apply_object(
    organization: &mut Organization,
    assignment: &RequestedAssignment,
    faults: &[Fault],
) -> Response {
    let user = match organization.find(assignment) {
        Ok(user) => user,
        Err(refused) if refused.code == "400" => return errors(StatusCode::BAD_REQUEST, &[refused]),
        Err(refused) => return errors(StatusCode::NOT_FOUND, &[refused]),
    };
    let refusals = match (meddled(assignment, faults), organization.unknown_license(assignment)) {
        (Some(Mishap::Refuse { code }), _) => {
            return error(StatusCode::BAD_REQUEST, "A refusal on request", Some(code));
        }
        (Some(_), _) => Vec::new(),
        (None, Some(unknown)) => vec![unknown],
        (None, None) => organization.apply_each(user, assignment),
    };
    let operations = assignment.licenses.len() + assignment.sites.len();
    let nothing_known = refusals.iter().any(|refused| refused.code == "400000");
    if nothing_known || (!refusals.is_empty() && refusals.len() == operations) {
        return errors(StatusCode::BAD_REQUEST, &refusals);
    }
    let status = if refusals.is_empty() { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    answered(status, &holdings(organization, user, assignment, &refusals))
}

/// What the user holds now, with the errors where there are some.
fn holdings(
    organization: &Organization,
    user: usize,
    asked: &RequestedAssignment,
    refusals: &[Refused],
) -> Value {
    let held = organization.user_state(user);
    // Clients that write it in capitals read it in capitals alone.
    let kind = asked.sites.iter().find_map(|site| site.account_type.as_deref()).unwrap_or("attendee");
    let sites = |urls: &[String]| -> Value {
        urls.iter().map(|site| json!({"siteUrl": site, "accountType": kind})).collect()
    };
    let (mut person, mut email) = (Some(&held.person_id), Some(&held.email));
    if !organization.has_names() {
        (person, email) = (asked.person_id.as_ref(), asked.email.as_ref());
    }
    let mut body = json!({
        "orgId": organization.org_of(asked), "personId": person, "email": email,
        "licenses": held.licenses, "siteUrls": sites(&held.site_urls),
        "pendingLicenses": held.pending_licenses, "pendingSiteUrls": sites(&held.pending_site_urls),
    });
    if let (Some(body), false) = (body.as_object_mut(), refusals.is_empty()) {
        body.insert("errors".to_owned(), listed(refusals));
    }
    body
}
