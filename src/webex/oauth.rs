//! The token endpoints: an integration's refresh token, and the device grant.
//!
//! `POST /access_token` with `grant_type=refresh_token`, `POST /device/authorize` and
//! `POST /device/token`, form-encoded, as the service documents them for integrations.

use std::time::Duration;

use reqwest::Response;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::answers::server_error;
use super::client::{BodyError, Unanswered, read_body, retry_after_of};
use super::network::{ClientError, Network, Route};
use super::{BaseUrl, its_wait, its_words};
use crate::domain::is_passing;

/// What this program does: change users' licenses, and read licenses.
pub const SCOPES: &str = "spark-admin:people_write spark-admin:people_read spark-admin:licenses_read";

/// How long the service may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An integration's ID and secret.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// `client_id`
    pub id: String,
    /// `client_secret`
    pub secret: SecretString,
}

/// An access token, and what it takes to get the next one.
#[derive(Debug)]
pub struct Grant {
    /// The access token.
    pub access_token: SecretString,
    /// How long it lives.
    pub lifetime: Option<Duration>,
    /// The refresh token, where the answer has one.
    pub refresh_token: Option<SecretString>,
}

/// What the user has to do to let the program in.
#[derive(Debug)]
pub struct DeviceCode {
    /// To be typed at `address`.
    pub user_code: String,
    /// Where to.
    pub address: String,
    /// The same with the code in it, where the service gives one.
    pub complete_address: Option<String>,
    /// How long to wait between two questions.
    pub interval: Duration,
    /// How long the code is good for.
    pub lifetime: Duration,
    device_code: SecretString,
}

/// What the service says while the user is asked.
#[derive(Debug)]
pub enum Polled {
    /// The user has agreed.
    Granted(Grant),
    /// Ask again.
    Pending,
    /// Ask again, and less often.
    SlowDown,
}

/// Why there is no token. Nothing of a request or an answer's token is ever in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OauthError {
    /// No answer came.
    #[error("no answer from the token endpoint: {0}")]
    NoAnswer(String),
    /// Something is in the way, and does not go away by waiting.
    #[error("the token endpoint cannot be asked: {0}")]
    CutOff(String),
    /// A passing fault.
    #[error("the token endpoint answered HTTP {status}{}", its_wait(*.retry_after))]
    Passing {
        /// The status.
        status: u16,
        /// How long it wants us to wait.
        retry_after: Option<Duration>,
    },
    /// It will not give one.
    #[error("the token endpoint refused (HTTP {status}{})", its_words(.message))]
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        message: Option<String>,
    },
    /// Its answer cannot be read.
    #[error("the token endpoint's answer cannot be read: {0}")]
    Unreadable(&'static str),
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct DeviceBody {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    #[serde(default = "five")]
    interval: u64,
    expires_in: u64,
}

/// RFC 8628 has five seconds where the answer says nothing.
const fn five() -> u64 {
    5
}

/// Speaks to the token endpoints of one service.
#[derive(Debug, Clone)]
pub struct Oauth {
    route: Route,
    base: BaseUrl,
    credentials: ClientCredentials,
}

impl Oauth {
    /// Speaks for an integration.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(
        base: BaseUrl,
        credentials: ClientCredentials,
        network: &Network,
    ) -> Result<Self, ClientError> {
        Ok(Self { route: Route::new(&base, network, TIMEOUT, 1)?, base, credentials })
    }

    /// A fresh access token for a refresh token.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Grant, OauthError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &self.credentials.id),
            ("client_secret", self.credentials.secret.expose_secret()),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        let (status, body) = self.post(&["access_token"], &form, false).await?;
        if status == 200 { granted(&body) } else { Err(refused(status, &body)) }
    }

    /// Begins the device grant.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn authorize_device(&self) -> Result<DeviceCode, OauthError> {
        let form = [("client_id", self.credentials.id.as_str()), ("scope", SCOPES)];
        let (status, body) = self.post(&["device", "authorize"], &form, false).await?;
        if status != 200 {
            return Err(refused(status, &body));
        }
        let body: DeviceBody =
            serde_json::from_slice(&body).map_err(|_| OauthError::Unreadable("it is not a device code"))?;
        Ok(DeviceCode {
            user_code: body.user_code,
            address: body.verification_uri,
            complete_address: body.verification_uri_complete,
            interval: Duration::from_secs(body.interval.clamp(1, 60)),
            lifetime: Duration::from_secs(body.expires_in.min(3600)),
            device_code: body.device_code.into(),
        })
    }

    /// Asks whether the user has agreed.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn poll_device(&self, code: &DeviceCode) -> Result<Polled, OauthError> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", &self.credentials.id),
            ("device_code", code.device_code.expose_secret()),
        ];
        let (status, body) = self.post(&["device", "token"], &form, true).await?;
        // RFC 8628 says it in `error` with a 400; the service says 428 while the user is asked.
        let says = |word: &[u8]| body.windows(word.len()).any(|window| window == word);
        match status {
            200 => granted(&body).map(Polled::Granted),
            _ if says(b"slow_down") => Ok(Polled::SlowDown),
            428 => Ok(Polled::Pending),
            _ if says(b"authorization_pending") => Ok(Polled::Pending),
            _ => Err(refused(status, &body)),
        }
    }

    async fn post(
        &self,
        path: &[&str],
        form: &[(&str, &str)],
        with_secret: bool,
    ) -> Result<(u16, Vec<u8>), OauthError> {
        let mut request = self.route.http.post(self.base.join(path)).form(form);
        if with_secret {
            let ClientCredentials { id, secret } = &self.credentials;
            request = request.basic_auth(id, Some(secret.expose_secret()));
        }
        let answered = Unanswered::of(&self.route, request.send().await).await;
        let mut response: Response = answered.map_err(|unanswered| match unanswered {
            Unanswered::CutOff(unconnected) => OauthError::CutOff(unconnected.reason),
            Unanswered::Lost(reason) => OauthError::NoAnswer(reason),
        })?;
        let status = response.status().as_u16();
        if is_passing(status) {
            return Err(OauthError::Passing { status, retry_after: retry_after_of(response.headers()) });
        }
        match read_body(&mut response).await {
            Ok(body) => Ok((status, body)),
            Err(BodyError::TooLong) => Err(OauthError::Unreadable("it is too long")),
            Err(BodyError::Broken(reason)) => Err(OauthError::NoAnswer(reason)),
        }
    }
}

fn granted(body: &[u8]) -> Result<Grant, OauthError> {
    // The error of the parser might quote the token.
    let body: TokenBody =
        serde_json::from_slice(body).map_err(|_| OauthError::Unreadable("it holds no access token"))?;
    Ok(Grant {
        access_token: body.access_token.into(),
        lifetime: body.expires_in.map(Duration::from_secs),
        refresh_token: body.refresh_token.map(Into::into),
    })
}

fn refused(status: u16, body: &[u8]) -> OauthError {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let words = |value: &serde_json::Value| {
        let told = ["error_description", "error"].iter().find_map(|name| value.get(name)?.as_str());
        told.map(str::to_owned).or_else(|| server_error(value).message)
    };
    OauthError::Refused { status, message: value.as_ref().and_then(words) }
}
