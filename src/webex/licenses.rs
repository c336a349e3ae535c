//! The reading endpoints: `GET /licenses` and `GET /licenses/{licenseId}`.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use reqwest::{Method, Response};
use serde::{Deserialize, Serialize};
use url::Url;

use super::Client;
use super::client::{BodyError, chain, read_body, retry_after_of, text};
use super::wire::server_error;
use crate::domain::{LicenseId, OrgId};

/// Users a page, the API's most.
const PAGE: u32 = 300;

/// `License`. Fields that the service leaves out are left out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct License {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_units: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumed_units: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumed_by_users: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumed_by_workspaces: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_type: Option<String>,
}

impl License {
    /// Units that are left; `None` where the license has no number of units, or no end of them.
    #[must_use]
    pub fn units_left(&self) -> Option<i64> {
        // The live service says -1 for "as many as you like".
        let total = self.total_units.filter(|total| *total >= 0)?;
        Some((total - self.consumed_units.unwrap_or(0)).max(0))
    }
}

/// A user of a license.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct LicenseUser {
    #[serde(default)]
    pub id: String,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

#[derive(Deserialize)]
struct LicenseList {
    #[serde(default)]
    items: Vec<License>,
}

#[derive(Deserialize)]
struct LicenseDetail {
    #[serde(flatten)]
    license: License,
    #[serde(default)]
    users: Vec<LicenseUser>,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No answer came.
    #[error("no answer from the service: {0}")]
    NoAnswer(String),
    /// A passing fault.
    #[error("the service answered HTTP {status}{}", spoken(message))]
    Passing {
        /// The status.
        status: u16,
        /// How long it wants us to wait.
        retry_after: Option<Duration>,
        /// Its words.
        message: Option<String>,
    },
    /// The token is not accepted.
    #[error(
        "the access token is not accepted (HTTP 401); put a new one into WEBEX_ACCESS_TOKEN or the token file"
    )]
    Unauthorized,
    /// The token may not read this.
    #[error("the access token may not read licenses (HTTP 403): it needs the scope spark-admin:licenses_read{}", spoken(.0))]
    Forbidden(Option<String>),
    /// There is no such thing.
    #[error("the service knows no such license (HTTP 404)")]
    NotFound,
    /// Another status.
    #[error("the service answered HTTP {status}{}", spoken(message))]
    Status {
        /// The status.
        status: u16,
        /// Its words.
        message: Option<String>,
    },
    /// A body that cannot be read.
    #[error("the service's answer cannot be read: {0}")]
    Unreadable(String),
    /// A next page that must not be followed.
    #[error("the service's next page leads elsewhere and is not followed: {0}")]
    Astray(String),
}

fn spoken(message: &Option<String>) -> String {
    message.as_ref().map_or_else(String::new, |message| format!(": {}", crate::domain::Printable(message)))
}

impl ReadError {
    /// Whether asking again later may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::NoAnswer(_) | Self::Passing { .. })
    }

    /// How long the service wants us to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Passing { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Client {
    /// `GET /licenses`
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn licenses(&self) -> Result<Vec<License>, ReadError> {
        let mut url = self.base().join(&["licenses"]);
        if let Some(org) = self.org() {
            url.query_pairs_mut().append_pair("orgId", OrgId::as_str(org));
        }
        let (list, _): (LicenseList, _) = self.get(url).await?;
        Ok(list.items)
    }

    /// `GET /licenses/{licenseId}`
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn license(&self, id: &LicenseId) -> Result<License, ReadError> {
        let (detail, _): (LicenseDetail, _) = self.get(self.base().join(&["licenses", id.as_str()])).await?;
        Ok(detail.license)
    }

    /// The users of a license, page by page.
    #[must_use]
    pub fn license_users(&self, id: &LicenseId) -> LicenseUsers<'_> {
        let mut url = self.base().join(&["licenses", id.as_str()]);
        url.query_pairs_mut()
            .append_pair("includeAssignedTo", "user")
            .append_pair("limit", &PAGE.to_string());
        LicenseUsers { client: self, next: Some(url), seen: HashSet::new(), page: VecDeque::new() }
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: Url) -> Result<(T, Option<String>), ReadError> {
        let response = self.request(Method::GET, url).send().await;
        let mut response = response.map_err(|error| ReadError::NoAnswer(chain(&error)))?;
        let next = text(response.headers(), "link").and_then(next_page).map(str::to_owned);
        let bytes = match read_body(&mut response).await {
            Ok(bytes) => bytes,
            Err(BodyError::TooLong) => return Err(ReadError::Unreadable("it is too long".to_owned())),
            Err(BodyError::Broken(reason)) => return Err(ReadError::NoAnswer(reason)),
        };
        refuse(&response, &bytes)?;
        let value =
            serde_json::from_slice(&bytes).map_err(|error| ReadError::Unreadable(error.to_string()))?;
        Ok((value, next))
    }
}

fn refuse(response: &Response, body: &[u8]) -> Result<(), ReadError> {
    let status = response.status().as_u16();
    let message = || serde_json::from_slice(body).ok().and_then(|value| server_error(&value).message);
    match status {
        200 => Ok(()),
        401 => Err(ReadError::Unauthorized),
        403 => Err(ReadError::Forbidden(message())),
        404 => Err(ReadError::NotFound),
        408 | 423 | 425 | 429 | 500 | 502 | 503 | 504 => {
            let retry_after = retry_after_of(response.headers());
            Err(ReadError::Passing { status, retry_after, message: message() })
        }
        _ => Err(ReadError::Status { status, message: message() }),
    }
}

/// The URL of `rel="next"` in a `Link` header (RFC 8288). URLs and quoted parameters may hold commas.
#[must_use]
pub fn next_page(link: &str) -> Option<&str> {
    let mut rest = link;
    loop {
        let (url, tail) = rest.split_once('<')?.1.split_once('>')?;
        let mut quoted = false;
        let end = tail.find(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        let (parameters, more) = tail.split_at(end.unwrap_or(tail.len()));
        let mut quoted = false;
        let outside = |c| {
            quoted ^= c == '"';
            c == ';' && !quoted
        };
        if parameters.split(outside).any(says_next) {
            return Some(url);
        }
        rest = more;
    }
}

fn says_next(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or_default();
    let mut relations = value.trim().trim_matches('"').split_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

/// The users of a license, a page at a time, so that a license of 500,000 needs no more memory
/// than one of 300.
#[derive(Debug)]
pub struct LicenseUsers<'a> {
    client: &'a Client,
    next: Option<Url>,
    /// Pages asked for: one that leads back to itself or in a circle is not followed.
    seen: HashSet<String>,
    page: VecDeque<LicenseUser>,
}

impl LicenseUsers<'_> {
    /// The next user; `None` after the last. After an error it may be called again, and asks for
    /// the same page.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn next(&mut self) -> Result<Option<LicenseUser>, ReadError> {
        loop {
            if let Some(user) = self.page.pop_front() {
                return Ok(Some(user));
            }
            let Some(url) = self.next.clone() else { return Ok(None) };
            let (detail, link): (LicenseDetail, _) = self.client.get(url.clone()).await?;
            self.seen.insert(url.to_string());
            self.next = link.map(|link| self.follow(&url, &link)).transpose()?;
            self.page = detail.users.into();
        }
    }

    fn follow(&self, from: &Url, link: &str) -> Result<Url, ReadError> {
        let astray = || ReadError::Astray(link.chars().take(200).collect());
        let url = from.join(link).map_err(|_| astray())?;
        let new = !self.seen.contains(url.as_str());
        (new && self.client.base().is_same_origin(&url)).then_some(url).ok_or_else(astray)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        assert_eq!(next_page(r#"<https://a/b?x=1>; rel="next""#), Some("https://a/b?x=1"));
        assert_eq!(
            next_page(r#"<https://a/1>; rel="prev", <https://a/2>; title="t"; REL=next"#),
            Some("https://a/2")
        );
        assert_eq!(next_page(r#"<https://a/1>; rel="first next""#), Some("https://a/1"));
        // Commas and semicolons have no say inside a URL or quotes.
        let commas =
            r#"<https://a/1?x=1,2>; title="a, <b>; rel=next"; rel=prev, <https://a/3?y=4,5;6>; rel=next"#;
        assert_eq!(next_page(commas), Some("https://a/3?y=4,5;6"));
        for none in ["", "https://a", "<https://a", r#"<https://a>; rel="last""#, r#"<https://a>"#] {
            assert_eq!(next_page(none), None, "{none}");
        }
    }

    #[test]
    fn unlimited_units_are_no_number() {
        let license: License =
            serde_json::from_str(r#"{"id":"L","totalUnits":-1,"consumedUnits":5}"#).unwrap();
        assert_eq!(license.units_left(), None);
        let license: License =
            serde_json::from_str(r#"{"id":"L","totalUnits":7,"consumedUnits":5}"#).unwrap();
        assert_eq!(license.units_left(), Some(2));
    }
}
