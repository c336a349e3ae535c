//! The HTTP client: one request, one answer.

use std::time::{Duration, SystemTime};

use reqwest::header::{self, HeaderMap};
use reqwest::{Method, RequestBuilder, Response};
use url::Url;

use super::answers::answer_body;
use super::tracking::TRACKING_ID;
use super::wire::request_body;
use super::{BaseUrl, Token, TrackingIds, retry_after};
use crate::domain::{Answer, Assignment, Body, HttpAnswer, OrgId, Said, WireForm};

/// Longest body read, in bytes. A page of 300 users or a 206 for thousands stays far below.
const LONGEST_BODY: usize = 16 << 20;

/// How much is kept of a body that may not be understood, in bytes.
const LONGEST_SAID: usize = 4096;

/// Longest value of a header that is kept, in characters.
const LONGEST_HEADER: usize = 500;

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client")]
pub struct ClientError(#[from] reqwest::Error);

/// Speaks to one API with one token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: BaseUrl,
    /// Where `PATCH` goes.
    users: Url,
    token: Token,
    org: Option<OrgId>,
    tracking: TrackingIds,
}

impl Client {
    /// Makes a client whose requests, connecting included, end after `timeout`. `org` is the
    /// organization of everything that names none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(
        base: BaseUrl,
        token: Token,
        org: Option<OrgId>,
        timeout: Duration,
        tracking: TrackingIds,
    ) -> Result<Self, ClientError> {
        let users = base.join(&["licenses", "users"]);
        Ok(Self { http: http_client(&base, timeout)?, base, users, token, org, tracking })
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
            Ok(response) => response,
            Err(error) if error.is_connect() => return Answer::NotSent(chain(&error).as_str().into()),
            Err(error) => return Answer::Lost(chain(&error)),
        };
        read_answer(form, response).await
    }

    pub(super) fn get_request(&self, url: Url) -> RequestBuilder {
        self.request(Method::GET, url, &self.tracking.next_read())
    }

    fn request(&self, method: Method, url: Url, tracking_id: &str) -> RequestBuilder {
        let request = self.http.request(method, url).header(header::AUTHORIZATION, self.token.bearer());
        request.header(TRACKING_ID, tracking_id)
    }
}

/// Requests to one base that end after `timeout`, follow nothing and are never made again by themselves.
pub(super) fn http_client(base: &BaseUrl, timeout: Duration) -> Result<reqwest::Client, ClientError> {
    // Only the first call of a process sets it; all of ours set the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("seatbatch/", env!("CARGO_PKG_VERSION")))
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .pool_idle_timeout(Duration::from_secs(8))
        .tcp_nodelay(true)
        // The token must not follow to another place.
        .redirect(reqwest::redirect::Policy::none())
        // What is sent again is journaled first, so it is decided elsewhere.
        .retry(reqwest::retry::never());
    builder = if base.is_loopback() { builder.no_proxy() } else { builder.https_only(true) };
    Ok(builder.build()?)
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
        Err(BodyError::TooLong) => Body::Unreadable(format!("is longer than {LONGEST_BODY} bytes")),
        // The status of a refusal says enough; that of a success does not say whether it is whole.
        Err(BodyError::Broken(reason)) if status < 300 => return Answer::Lost(reason),
        Err(BodyError::Broken(_)) => Body::Empty,
    };
    Answer::Http(HttpAnswer { status, retry_after, tracking_id, body, said: Some(Box::new(said)) })
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

pub(super) async fn read_body(response: &mut Response) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > LONGEST_BODY => return Err(BodyError::TooLong),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(BodyError::Broken(chain(&error))),
        }
    }
}

/// An error with its causes, without the URL, which says nothing new.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
