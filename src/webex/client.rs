//! The HTTP client: one request, one answer.

use std::time::{Duration, SystemTime};

use reqwest::header::{self, HeaderMap};
use reqwest::{Method, RequestBuilder, Response};
use url::Url;

use super::answers::{answer_body, says_page};
use super::network::{ClientError, Network, NoAnswer, Route, lost};
use super::tracking::TRACKING_ID;
use super::wire::request_body;
use super::{BaseUrl, Token, TrackingIds, retry_after};
use crate::domain::{
    Answer, Assignment, Body, HttpAnswer, OrgId, Prospect, Said, Unconnected, WireForm, is_passing,
};

/// Longest body read, in bytes. A page of 300 users or a 206 for thousands stays far below.
const LONGEST_BODY: usize = 16 << 20;

/// How much is kept of a body that may not be understood, in bytes.
const LONGEST_SAID: usize = 4096;

/// Longest value of a header that is kept, in characters.
const LONGEST_HEADER: usize = 500;

/// Speaks to one API with one token.
#[derive(Debug, Clone)]
pub struct Client {
    route: Route,
    base: BaseUrl,
    /// Where `PATCH` goes.
    users: Url,
    token: Token,
    org: Option<OrgId>,
    tracking: TrackingIds,
}

impl Client {
    /// Makes a client whose requests, connecting included, end after `timeout`, and which keeps no more than
    /// `idle` connections that are not in use. `org` is the organization of everything that names none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(
        base: BaseUrl,
        token: Token,
        org: Option<OrgId>,
        timeout: Duration,
        tracking: TrackingIds,
        network: &Network,
        idle: usize,
    ) -> Result<Self, ClientError> {
        let users = base.join(&["licenses", "users"]);
        Ok(Self { route: Route::new(&base, network, timeout, idle)?, base, users, token, org, tracking })
    }

    /// Where it speaks to.
    #[must_use]
    pub const fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Its token.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// The organization of everything that names none.
    #[must_use]
    pub const fn org(&self) -> Option<&OrgId> {
        self.org.as_ref()
    }

    /// What its requests are called.
    #[must_use]
    pub const fn tracking(&self) -> &TrackingIds {
        &self.tracking
    }

    /// Sends `PATCH /licenses/users` once, under this name.
    pub async fn patch(&self, form: WireForm, tracking_id: &str, assignments: &[Assignment]) -> Answer {
        let request = self
            .request(Method::PATCH, self.users.clone(), tracking_id)
            .header(header::CONTENT_TYPE, "application/json")
            .body(request_body(form, self.org.as_ref(), assignments));
        let response = match request.send().await {
            Ok(response) => {
                self.route.spoke();
                response
            }
            Err(error) => {
                return match self.route.failed(&error).await {
                    NoAnswer::NotSent(unconnected) => Answer::NotSent(unconnected),
                    NoAnswer::Lost(reason) => Answer::Lost(reason),
                };
            }
        };
        read_answer(form, response).await
    }

    /// Sends a `GET` once.
    pub(super) async fn get_once(&self, url: Url) -> Result<Response, Unanswered> {
        let request = self.request(Method::GET, url, &self.tracking.next_read());
        Unanswered::of(&self.route, request.send().await).await
    }

    fn request(&self, method: Method, url: Url, tracking_id: &str) -> RequestBuilder {
        let request = self.route.http.request(method, url).header(header::AUTHORIZATION, self.token.bearer());
        request.header(TRACKING_ID, tracking_id)
    }
}

/// Why a request that may be made again at any time has no answer.
pub(super) enum Unanswered {
    /// Something is in the way.
    CutOff(Unconnected),
    /// It may pass.
    Lost(String),
}

impl Unanswered {
    pub(super) async fn of(
        route: &Route,
        response: Result<Response, reqwest::Error>,
    ) -> Result<Response, Self> {
        match response {
            Ok(response) => {
                route.spoke();
                Ok(response)
            }
            Err(error) => Err(match route.failed(&error).await {
                NoAnswer::Lost(reason)
                | NoAnswer::NotSent(Unconnected { reason, prospect: Prospect::Passing }) => {
                    Self::Lost(reason)
                }
                NoAnswer::NotSent(unconnected) => Self::CutOff(unconnected),
            }),
        }
    }
}

async fn read_answer(form: WireForm, mut response: Response) -> Answer {
    let status = response.status().as_u16();
    let headers = response.headers();
    let retry_after = retry_after_of(headers);
    let tracking_id = text(headers, "trackingid").map(|id| id.chars().take(200).collect());
    let kept = |name| text(headers, name).map(|value| value.chars().take(LONGEST_HEADER).collect());
    let mut said = Said {
        content_type: kept("content-type"),
        location: kept("location"),
        server: kept("server").or_else(|| kept("via")),
        text: String::new(),
    };
    let body = match read_body(&mut response).await {
        Ok(bytes) => {
            let beginning = bytes.get(..LONGEST_SAID).unwrap_or(&bytes);
            said.text = String::from_utf8_lossy(beginning).into_owned();
            answer_body(form, status, said.content_type.as_deref(), &bytes)
        }
        // No answer of the API comes near that length, a refusal least of all: its sender is known by its type alone.
        Err(BodyError::TooLong) if says_page(said.content_type.as_deref()) => Body::Page,
        Err(BodyError::TooLong) => Body::Unreadable(format!("is longer than {LONGEST_BODY} bytes")),
        // A status that passes says enough, as does that of a refused token. That of a success does not say whether it is
        // whole, nor that of a refusal whose it is: the page of a gateway may break off, too.
        Err(BodyError::Broken(reason)) if !says_enough(status) => return Answer::Lost(reason),
        Err(BodyError::Broken(_)) => Body::Empty,
    };
    Answer::Http(HttpAnswer { status, retry_after, tracking_id, body, said: Some(Box::new(said)) })
}

/// Whether a status is all that is needed of an answer: nothing in a body would change what follows from it.
const fn says_enough(status: u16) -> bool {
    status == 401 || is_passing(status) || !matches!(status, 200..=299 | 400..=499)
}

pub(super) fn retry_after_of(headers: &HeaderMap) -> Option<Duration> {
    let date = text(headers, "date");
    // Bytes that are no text are a wait that cannot be read.
    let asked = String::from_utf8_lossy(headers.get(header::RETRY_AFTER)?.as_bytes());
    retry_after::parse(&asked, date, SystemTime::now())
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) enum BodyError {
    TooLong,
    Broken(String),
}

/// A body to its end, without the byte order mark that some gateways put before it.
pub(super) async fn read_body(response: &mut Response) -> Result<Vec<u8>, BodyError> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > LONGEST_BODY => return Err(BodyError::TooLong),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => {
                if bytes.starts_with(MARK) {
                    bytes.drain(..MARK.len());
                }
                return Ok(bytes);
            }
            Err(error) => return Err(BodyError::Broken(lost(&error))),
        }
    }
}
