//! The reading endpoints.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::organization::UserState;
use super::reply::{answered, error, with_header};
use super::world::World;

/// The most users on a page, which is also how many there are where nothing is said.
const PAGE: usize = 300;

/// `GET /licenses`
pub(super) async fn list(
    Shared(world): Shared<Arc<World>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(response) = world.turned_away(&headers) {
        return response;
    }
    let asked = match parameters(query.as_deref()) {
        Ok(asked) => asked,
        Err(message) => return error(StatusCode::BAD_REQUEST, &message, None),
    };
    let organization = world.organization();
    match asked.get("orgId") {
        Some(org) if !organization.knows(org) => {
            error(StatusCode::NOT_FOUND, "The organization was not found", None)
        }
        _ => answered(StatusCode::OK, &json!({ "items": organization.licenses() })),
    }
}

/// `GET /licenses/{licenseId}`
pub(super) async fn show(
    Shared(world): Shared<Arc<World>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(response) = world.turned_away(&headers) {
        return response;
    }
    let page = match parameters(query.as_deref()).and_then(|asked| page(&asked)) {
        Ok(page) => page,
        Err(message) => return error(StatusCode::BAD_REQUEST, &message, None),
    };
    let organization = world.organization();
    let found = id.ok().and_then(|Path(id)| organization.licenses().into_iter().find(|one| one.id == id));
    let Some(license) = found else { return error(StatusCode::NOT_FOUND, "License not found", None) };
    let id = license.id.clone();
    let mut body = serde_json::to_value(license).unwrap_or_default();
    let Page { from, limit, users: true } = page else { return answered(StatusCode::OK, &body) };
    let (users, next) = organization.users_of(&id, from, limit);
    if let Some(body) = body.as_object_mut() {
        body.insert("users".to_owned(), users.iter().map(listed).collect());
    }
    let response = answered(StatusCode::OK, &body);
    let Some(next) = next else { return response };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let base = host.map_or_else(String::new, |host| format!("http://{host}"));
    let link =
        format!("<{base}/v1/licenses/{id}?includeAssignedTo=user&limit={limit}&next={next}>; rel=\"next\"");
    with_header(response, header::LINK, &link)
}

/// The parameters of a query, each once.
fn parameters(query: Option<&str>) -> Result<HashMap<String, String>, String> {
    let mut asked = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match asked.entry(name.into_owned()) {
            Entry::Occupied(entry) => return Err(format!("{} is given twice", entry.key())),
            Entry::Vacant(entry) => entry.insert(value.into_owned()),
        };
    }
    Ok(asked)
}

struct Page {
    /// Whether users are asked for at all.
    users: bool,
    from: usize,
    limit: usize,
}

fn page(asked: &HashMap<String, String>) -> Result<Page, String> {
    let users = match asked.get("includeAssignedTo").map(String::as_str) {
        None => false,
        Some("user") => true,
        Some(_) => return Err("includeAssignedTo must be 'user'".to_owned()),
    };
    let limit = match asked.get("limit").map(|limit| whole(limit)) {
        None => PAGE,
        Some(Some(limit)) if (1..=PAGE).contains(&limit) => limit,
        Some(_) => return Err(format!("limit must be a whole number from 1 to {PAGE}")),
    };
    let from = match asked.get("next").map(|next| whole(next)) {
        None => 0,
        Some(Some(from)) => from,
        Some(None) => return Err("next is not a token that an answer gave".to_owned()),
    };
    Ok(Page { users, from, limit })
}

/// A number in digits alone.
fn whole(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn listed(user: &UserState) -> Value {
    let kind = if user.external { "EXTERNAL" } else { "INTERNAL" };
    json!({"id": user.person_id, "type": kind, "displayName": user.email, "email": user.email})
}
