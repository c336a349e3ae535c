//! The HTTP server.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use axum::{Form, Router};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::fault::{Effect, Fault};
use super::log::Requests;
use super::organization::{Organization, Refused, UserState};
use super::tokens::{Integration, Reply, Tokens};
use crate::domain::{Ceiling, WireForm};
use crate::webex::wire::LicenseAssignment;

/// How a sandbox behaves.
#[derive(Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether it may listen to other machines.
    pub public: bool,
    /// The access token it takes from the start.
    pub token: String,
    /// The integration it gives others to.
    pub integration: Integration,
    /// The form of the API it speaks.
    pub wire: WireForm,
    /// Its organization.
    pub organization: Organization,
    /// The most requests it takes in a span of time.
    pub rate_limit: Ceiling,
    /// How many requests it takes at once before the limit is felt.
    pub burst: u32,
    /// How long every answer takes.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Seed of everything that is left to chance.
    pub seed: u64,
}

impl Options {
    /// A sandbox without faults on a free port of this machine.
    #[must_use]
    pub fn new(token: &str, wire: WireForm, organization: Organization) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: false,
            token: token.to_owned(),
            integration: Integration::default(),
            wire,
            organization,
            rate_limit: Ceiling::Unlimited,
            burst: 1,
            latency: Duration::ZERO,
            faults: Vec::new(),
            seed: 0,
        }
    }
}

/// The sandbox cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Another machine could reach it.
    #[error("{0} can be reached from other machines; say --public if that is meant")]
    NotLoopback(IpAddr),
    /// The address cannot be used.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A running sandbox. It ends when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<World>,
    task: JoinHandle<()>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the handlers share.
#[derive(Debug)]
struct World {
    tokens: Tokens,
    wire: WireForm,
    organization: Mutex<Organization>,
    limiter: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
    latency: Duration,
    faults: Mutex<(Vec<Fault>, fastrand::Rng)>,
    requests: Requests,
}

impl Sandbox {
    /// Starts it on the current runtime.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let address = options.listen;
        if !address.ip().is_loopback() && !options.public {
            return Err(SandboxError::NotLoopback(address.ip()));
        }
        let wrong = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let world = Arc::new(World::new(options));
        let router = router(Arc::clone(&world));
        let task = tokio::spawn(accept(listener, router));
        Ok(Self { address, world, task })
    }

    /// The base URL of its API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What the user holds now.
    #[must_use]
    pub fn user(&self, email: &str) -> Option<UserState> {
        self.world.organization().user(email)
    }

    /// Everything the organization holds now.
    #[must_use]
    pub fn state(&self) -> super::State {
        self.world.organization().state()
    }

    /// Ends all access tokens at once.
    pub fn revoke_tokens(&self) {
        self.world.tokens.revoke();
    }

    /// How many access tokens its token endpoints have given out.
    #[must_use]
    pub fn tokens_given(&self) -> u32 {
        self.world.tokens.given()
    }

    /// What was asked of it.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.world.requests
    }

    /// Runs until its task ends, which it does not by itself.
    pub async fn serve(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl World {
    fn new(options: Options) -> Self {
        let limiter = options.rate_limit.period().and_then(Quota::with_period).map(|quota| {
            let burst = std::num::NonZeroU32::new(options.burst).unwrap_or(std::num::NonZeroU32::MIN);
            RateLimiter::direct(quota.allow_burst(burst))
        });
        Self {
            tokens: Tokens::new(options.token, options.integration),
            wire: options.wire,
            organization: Mutex::new(options.organization),
            limiter,
            clock: DefaultClock::default(),
            latency: options.latency,
            faults: Mutex::new((options.faults, fastrand::Rng::with_seed(options.seed))),
            requests: Requests::new(),
        }
    }

    fn organization(&self) -> MutexGuard<'_, Organization> {
        self.organization.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults that this request meets.
    fn faults(&self, number: u64, users: &[String], org: Option<&str>) -> Vec<Fault> {
        let mut guard = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let (faults, chance) = &mut *guard;
        let mut met = Vec::new();
        for fault in faults {
            let concerned = fault.user.as_ref().is_none_or(|user| users.contains(user))
                && fault.org.as_ref().is_none_or(|concerned| Some(concerned.as_str()) == org);
            if concerned && number >= fault.from && fault.times > 0 && chance.f64() < fault.chance {
                fault.times -= 1;
                met.push(fault.clone());
            }
        }
        met
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.and_then(|given| given.strip_prefix("Bearer ")).is_some_and(|token| self.tokens.accepts(token))
    }

    /// Turns a request away at the door, if it must be.
    fn turned_away(&self, headers: &HeaderMap) -> Option<Response> {
        if !self.is_authorized(headers) {
            let message =
                "The request requires a valid access token set in the Authorization request header.";
            return Some(error(StatusCode::UNAUTHORIZED, message, None));
        }
        let refused = self.limiter.as_ref()?.check().err()?;
        let wait = refused.wait_time_from(self.clock.now()).as_secs_f64().ceil().max(1.0);
        let mut response = error(StatusCode::TOO_MANY_REQUESTS, "Too many requests", None);
        response.headers_mut().insert(header::RETRY_AFTER, header_value(&wait.to_string()));
        Some(response)
    }
}

async fn accept(listener: TcpListener, router: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, router.clone()))),
            // Out of file handles, most likely: give the others time to close some.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move {
            let response = router.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
            // An error here closes the connection without a word.
            match response.extensions().get::<HangUp>() {
                Some(HangUp) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                None => Ok(response),
            }
        }
    });
    let _ =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Marks a response that is not to be sent.
#[derive(Debug, Clone, Copy)]
struct HangUp;

fn hang_up() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(HangUp);
    response
}

fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/v1/licenses", get(list))
        .route("/v1/licenses/users", patch(assign))
        .route("/v1/licenses/{id}", get(show))
        .route("/v1/access_token", post(access_token))
        .route("/v1/device/authorize", post(authorize_device))
        .route("/v1/device/token", post(device_token))
        .route("/v1/device/activate", get(activate))
        .route("/sandbox/state", get(state))
        .route("/sandbox/requests", get(requests))
        .with_state(world)
}

fn header_value(text: &str) -> header::HeaderValue {
    header::HeaderValue::from_str(text).unwrap_or_else(|_| header::HeaderValue::from_static(""))
}

fn tracking_id(number: u64) -> String {
    format!("SANDBOX_{number:08}")
}

fn answered(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn error(status: StatusCode, message: &str, code: Option<&str>) -> Response {
    let errors: Vec<Value> =
        code.iter().map(|code| json!({"errorCode": code, "description": message})).collect();
    answered(status, &json!({"message": message, "errors": errors}))
}

/// The organization's whole state, as an organization file; for whoever checks what came of a run.
async fn state(Shared(world): Shared<Arc<World>>) -> Response {
    let state = world.organization().state();
    answered(StatusCode::OK, &serde_json::to_value(state).unwrap_or_default())
}

/// Every `PATCH` so far.
async fn requests(Shared(world): Shared<Arc<World>>) -> Response {
    answered(StatusCode::OK, &serde_json::to_value(world.requests.all()).unwrap_or_default())
}

async fn access_token(
    Shared(world): Shared<Arc<World>>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    replied(world.tokens.refresh(&form))
}

async fn authorize_device(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    replied(world.tokens.authorize_device(&form, &format!("http://{host}/v1")))
}

async fn device_token(
    Shared(world): Shared<Arc<World>>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    replied(world.tokens.device_token(&form))
}

async fn activate(
    Shared(world): Shared<Arc<World>>,
    Query(query): Query<HashMap<String, String>>,
) -> (StatusCode, &'static str) {
    let code = query.get("user_code").map(String::as_str).unwrap_or_default();
    if world.tokens.agree(code) {
        (StatusCode::OK, "You have agreed. Go back to the terminal.\n")
    } else {
        (StatusCode::NOT_FOUND, "There is no such code.\n")
    }
}

fn replied((status, body): Reply) -> Response {
    answered(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
}

async fn list(Shared(world): Shared<Arc<World>>, headers: HeaderMap) -> Response {
    if let Some(response) = world.turned_away(&headers) {
        return response;
    }
    let licenses = world.organization().licenses();
    answered(StatusCode::OK, &json!({ "items": licenses }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    include_assigned_to: Option<String>,
    next: Option<usize>,
    limit: Option<usize>,
}

async fn show(
    Shared(world): Shared<Arc<World>>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Response {
    if let Some(response) = world.turned_away(&headers) {
        return response;
    }
    let organization = world.organization();
    let Some(license) = organization.licenses().into_iter().find(|license| license.id == id) else {
        return error(StatusCode::NOT_FOUND, "License not found", None);
    };
    let mut body = serde_json::to_value(license).unwrap_or_default();
    if page.include_assigned_to.as_deref() != Some("user") {
        return answered(StatusCode::OK, &body);
    }
    let limit = page.limit.unwrap_or(300).clamp(1, 300);
    let (users, next) = organization.users_of(&id, page.next.unwrap_or(0), limit);
    if let Some(body) = body.as_object_mut() {
        body.insert("users".to_owned(), users.iter().map(listed).collect());
    }
    let mut response = answered(StatusCode::OK, &body);
    if let Some(next) = next {
        let link =
            format!("</v1/licenses/{id}?includeAssignedTo=user&limit={limit}&next={next}>; rel=\"next\"");
        response.headers_mut().insert(header::LINK, header_value(&link));
    }
    response
}

fn listed(user: &UserState) -> Value {
    json!({"id": user.person_id, "type": "INTERNAL", "displayName": user.email, "email": user.email})
}

/// Longest request body taken, in bytes.
const LONGEST_REQUEST: usize = 64 << 20;

async fn assign(Shared(world): Shared<Arc<World>>, request: Request) -> Response {
    let number = world.requests.arrived();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LONGEST_REQUEST).await else { return hang_up() };
    tokio::time::sleep(world.latency).await;
    let mut response = match world.turned_away(&parts.headers) {
        Some(response) => response,
        None => assign_bytes(&world, number, &bytes).await,
    };
    response.headers_mut().insert("trackingid", header_value(&tracking_id(number)));
    if response.extensions().get::<HangUp>().is_none() {
        world.requests.note(number, |entry| entry.status = response.status().as_u16());
    }
    response
}

/// The body in the one form that the sandbox speaks.
fn read(wire: WireForm, bytes: &[u8]) -> Option<Vec<LicenseAssignment<'static>>> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    match (wire, value.is_array()) {
        (WireForm::Array, true) => serde_json::from_value(value).ok(),
        (WireForm::Object, false) => serde_json::from_value(value).ok().map(|assignment| vec![assignment]),
        _ => None,
    }
}

async fn assign_bytes(world: &World, number: u64, bytes: &[u8]) -> Response {
    let Some(assignments) = read(world.wire, bytes) else {
        return error(StatusCode::BAD_REQUEST, "The request body is not of the expected form", None);
    };
    let users: Vec<String> = assignments.iter().map(user_of).collect();
    let org = assignments.first().and_then(|assignment| assignment.org_id.as_deref());
    let mixed = assignments.iter().any(|assignment| assignment.org_id.as_deref() != org);
    world.requests.note(number, |entry| {
        entry.users.clone_from(&users);
        entry.org = org.map(str::to_owned);
        entry.mixes_organizations = mixed;
    });
    let faults = world.faults(number, &users, org);
    for fault in &faults {
        match &fault.effect {
            Effect::Delay { millis } => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Effect::DropBefore => return hang_up(),
            Effect::Status { status, retry_after, code } => {
                return refusal(*status, retry_after.as_deref(), code.as_deref());
            }
            _ => {}
        }
    }
    let applied = match world.wire {
        WireForm::Array => apply_array(world, &assignments, &faults),
        WireForm::Object => apply_object(world, assignments.first(), &faults),
    };
    for fault in &faults {
        match fault.effect {
            Effect::DropAfter => return hang_up(),
            Effect::Garbage => return (StatusCode::PARTIAL_CONTENT, "{\"licen").into_response(),
            Effect::Cut => return cut(),
            _ => {}
        }
    }
    applied
}

fn user_of(assignment: &LicenseAssignment<'_>) -> String {
    assignment
        .email
        .as_ref()
        .or(assignment.person_id.as_ref())
        .map_or_else(String::new, |user| user.to_lowercase())
}

fn refusal(status: u16, retry_after: Option<&str>, code: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = error(status, "A fault on request", code);
    if let Some(wait) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, header_value(wait));
    }
    response
}

/// A success whose body ends too early.
fn cut() -> Response {
    let parts = [Ok(Bytes::from_static(b"[{\"em")), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let length = [(header::CONTENT_LENGTH, "4096")];
    (StatusCode::OK, length, Body::from_stream(futures_util::stream::iter(parts))).into_response()
}

/// What a fault makes of one user's part.
fn meddled<'f>(assignment: &LicenseAssignment<'_>, faults: &'f [Fault]) -> Option<&'f Effect> {
    let user = user_of(assignment);
    let concerns = |fault: &&Fault| fault.user.as_ref().is_none_or(|concerned| *concerned == user);
    let meddling = |effect: &&Effect| matches!(effect, Effect::Refuse { .. } | Effect::Ignore);
    faults.iter().filter(concerns).map(|fault| &fault.effect).find(meddling)
}

fn apply_array(world: &World, assignments: &[LicenseAssignment<'_>], faults: &[Fault]) -> Response {
    let mut organization = world.organization();
    let mut items = Vec::new();
    for assignment in assignments {
        let (code, message) = match meddled(assignment, faults) {
            Some(Effect::Refuse { code }) => (code.clone(), "A refusal on request".to_owned()),
            Some(_) => continue,
            None => match organization.apply_whole(assignment) {
                Ok(()) => continue,
                Err(Refused { code, message }) => (code.to_owned(), message),
            },
        };
        items.push(json!({
            "email": assignment.email, "personId": assignment.person_id,
            "error": {"code": code, "message": message},
        }));
    }
    if items.is_empty() {
        return StatusCode::OK.into_response();
    }
    answered(StatusCode::PARTIAL_CONTENT, &Value::Array(items))
}

fn apply_object(world: &World, assignment: Option<&LicenseAssignment<'_>>, faults: &[Fault]) -> Response {
    let mut organization = world.organization();
    let Some(assignment) = assignment else { return error(StatusCode::BAD_REQUEST, "No user", None) };
    let user = match organization.find(assignment) {
        Ok(user) => user,
        Err(Refused { code, message }) => return error(StatusCode::NOT_FOUND, &message, Some(code)),
    };
    let refusals = match meddled(assignment, faults) {
        Some(Effect::Refuse { code }) => {
            return error(StatusCode::BAD_REQUEST, "A refusal on request", Some(code));
        }
        Some(_) => Vec::new(),
        None => organization.apply_each(user, assignment),
    };
    let holdings = organization.holdings(user);
    let sites: Vec<Value> =
        holdings.site_urls.iter().map(|site| json!({"siteUrl": site, "accountType": "attendee"})).collect();
    let errors: Vec<Value> =
        refusals.iter().map(|r| json!({"errorCode": r.code, "description": r.message})).collect();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    let body = json!({
        "orgId": organization.org_id(), "personId": holdings.person_id, "email": holdings.email,
        "licenses": holdings.licenses, "siteUrls": sites, "pendingLicenses": [], "pendingSiteUrls": [],
        "errors": errors,
    });
    answered(status, &body)
}
