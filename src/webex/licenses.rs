//! The reading endpoints: `GET /licenses` and `GET /licenses/{licenseId}`.

use std::collections::HashSet;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::Response;
use serde::{Deserialize, Serialize};
use url::Url;

use super::answers::server_error;
use super::client::{BodyError, Unanswered, read_body, retry_after_of, text};
use super::link::{self, UnclearLink};
use super::{Client, its_wait, its_words};
use crate::domain::{IdKey, LicenseId, OrgId, is_passing};

/// Users per page, the API's most.
pub const PAGE_OF_USERS: u32 = 300;

/// `License`. Fields that the service leaves out are left out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

    /// Its ID, and what tells it apart from others of its name.
    #[must_use]
    pub fn told_apart(&self) -> String {
        let apart = [&self.site_url, &self.subscription_id].into_iter().flatten();
        let apart: Vec<&str> = apart.map(String::as_str).collect();
        if apart.is_empty() { self.id.clone() } else { format!("{} ({})", self.id, apart.join(", ")) }
    }

    /// Its ID, parsed.
    #[must_use]
    pub fn license_id(&self) -> Option<LicenseId> {
        LicenseId::parse(&self.id).ok()
    }
}

/// A user of a license.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// A page of `GET /licenses`.
#[derive(Deserialize)]
struct LicenseList {
    items: Vec<License>,
}

/// A page of `GET /licenses/{licenseId}?includeAssignedTo=user`. Without `users` it is no page of holders: it
/// does not say that nobody holds the license.
#[derive(Deserialize)]
struct HolderPage {
    /// Whose holders they are.
    #[serde(default)]
    id: Option<String>,
    users: Vec<LicenseUser>,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No answer came.
    #[error("no answer from the service: {0}")]
    NoAnswer(String),
    /// Something is in the way, and does not go away by waiting.
    #[error("the service cannot be asked: {0}")]
    CutOff(String),
    /// A passing fault.
    #[error("the service answered HTTP {status}{}{}", its_words(message), its_wait(*retry_after))]
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
    #[error("the access token may not read licenses (HTTP 403): it needs the scope spark-admin:licenses_read{}", its_words(.0))]
    Forbidden(Option<String>),
    /// There is no such thing.
    #[error("the service knows no such thing (HTTP 404)")]
    NotFound,
    /// Another status.
    #[error("the service answered HTTP {status}{}", its_words(message))]
    Status {
        /// The status.
        status: u16,
        /// Its words.
        message: Option<String>,
    },
    /// Somebody else answered: a gateway, a sign-in page, another server.
    #[error(
        "{what} answers (HTTP {status}), which is not the API's answer: is the base URL right, with its /v1, and \
         no proxy or sign-in page in between?"
    )]
    Foreign {
        /// The status.
        status: u16,
        /// What it is instead.
        what: String,
    },
    /// A body that cannot be read.
    #[error("the service's answer cannot be read: {0}")]
    Unreadable(String),
    /// A next page that must not be followed.
    #[error("the service's next page leads elsewhere and is not followed: {}", crate::domain::Printable(.0))]
    Astray(String),
    /// A `Link` header that is not understood: there may be a next page.
    #[error(
        "the service's Link header is not understood, so it is not known whether this was the last page: {}",
        crate::domain::Printable(.0)
    )]
    Unclear(String),
    /// An answer about another license.
    #[error("the service's answer is about another license than was asked about: {}", crate::domain::Printable(.0))]
    AnotherLicense(String),
    /// Nothing is wrong, but it is not worth more requests.
    #[error("it takes more requests than it is worth")]
    OutOfRequests,
}

impl ReadError {
    /// Whether asking again later may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::NoAnswer(_) | Self::Passing { .. })
    }

    /// Whether it is about what the token may do rather than about what was asked.
    #[must_use]
    pub const fn is_about_rights(&self) -> bool {
        matches!(self, Self::Forbidden(_))
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

/// A list of the API, page by page: it is whole once [`Pages::next`] has given `None`, and only then may
/// anything be concluded from what is not in it.
#[derive(Debug)]
pub struct Pages<T> {
    next: Option<Url>,
    /// Where the last page was asked for.
    asked: Url,
    /// Where the first page is: all of them are of one path.
    first: Url,
    /// The license that the list is about, where it is about one.
    license: Option<IdKey>,
    /// Pages read: one that leads back to itself or in a circle is not followed.
    seen: HashSet<String>,
    read: ReadPage<T>,
}

/// Reads a page: the license that it says it is about, and what is on it.
type ReadPage<T> = fn(&[u8]) -> serde_json::Result<(Option<String>, Vec<T>)>;

impl<T> Pages<T> {
    fn new(url: Url, license: Option<IdKey>, read: ReadPage<T>) -> Self {
        Self { next: Some(url.clone()), asked: url.clone(), first: url, license, seen: HashSet::new(), read }
    }

    /// The address that was asked last.
    #[must_use]
    pub fn address(&self) -> &str {
        self.asked.as_str()
    }

    /// How many pages have been read.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// The next page; `None` after the last. After an error it may be called again, and asks for the same page.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn next(&mut self, client: &Client) -> Result<Option<Vec<T>>, ReadError> {
        let Some(url) = self.next.clone() else { return Ok(None) };
        self.asked = url.clone();
        let (bytes, link) = client.get(url.clone()).await?;
        let (about, page) = (self.read)(&bytes).map_err(|error| not_a_page(&error))?;
        if let (Some(asked), Some(about)) = (&self.license, about) {
            is_about(asked, &about)?;
        }
        self.seen.insert(url.to_string());
        let link = link.map_err(|UnclearLink(text)| ReadError::Unclear(shortened(&text)))?;
        self.next = link.map(|link| self.follow(client, &url, &link)).transpose()?;
        Ok(Some(page))
    }

    fn follow(&self, client: &Client, from: &Url, link: &str) -> Result<Url, ReadError> {
        let astray = || ReadError::Astray(shortened(link));
        let url = from.join(link).map_err(|_| astray())?;
        let new = !self.seen.contains(url.as_str());
        let is_of_list = client.base().is_same_origin(&url) && is_same_path(&self.first, &url);
        (new && is_of_list).then_some(url).ok_or_else(astray)
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Whether two addresses have one path; an ID at its end may be spelled otherwise.
fn is_same_path(one: &Url, other: &Url) -> bool {
    let split = |url: &Url| {
        let (folder, name) = url.path().rsplit_once('/')?;
        let name = percent_decode_str(name).decode_utf8().ok()?;
        Some((folder.to_owned(), IdKey::of(&name)))
    };
    split(one).is_some_and(|one| split(other) == Some(one))
}

/// That an answer is about the license that was asked about.
fn is_about(asked: &IdKey, answered: &str) -> Result<(), ReadError> {
    if *asked == IdKey::of(answered) { Ok(()) } else { Err(ReadError::AnotherLicense(shortened(answered))) }
}

fn not_a_page(error: &serde_json::Error) -> ReadError {
    match error.classify() {
        serde_json::error::Category::Data => {
            ReadError::Unreadable("it is JSON, and not the list that was asked for".to_owned())
        }
        _ => ReadError::Unreadable("it breaks off or is not JSON".to_owned()),
    }
}

impl Client {
    /// `GET /licenses` of an organization; of the client's own, or the token's, where none is named.
    #[must_use]
    pub fn licenses(&self, org: Option<&OrgId>) -> Pages<License> {
        let mut url = self.base().join(&["licenses"]);
        if let Some(org) = org.or_else(|| self.org()) {
            url.query_pairs_mut().append_pair("orgId", OrgId::as_str(org));
        }
        Pages::new(url, None, |bytes| {
            serde_json::from_slice(bytes).map(|page: LicenseList| (None, page.items))
        })
    }

    /// The users of a license.
    #[must_use]
    pub fn holders(&self, id: &LicenseId) -> Pages<LicenseUser> {
        let mut url = self.base().join(&["licenses", id.as_str()]);
        url.query_pairs_mut()
            .append_pair("includeAssignedTo", "user")
            .append_pair("limit", &PAGE_OF_USERS.to_string());
        Pages::new(url, Some(id.key()), |bytes| {
            serde_json::from_slice(bytes).map(|page: HolderPage| (page.id, page.users))
        })
    }

    /// `GET /licenses/{licenseId}`
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn license(&self, id: &LicenseId) -> Result<License, ReadError> {
        let (bytes, _) = self.get(self.base().join(&["licenses", id.as_str()])).await?;
        let license: License = serde_json::from_slice(&bytes).map_err(|error| not_a_page(&error))?;
        is_about(&id.key(), &license.id)?;
        Ok(license)
    }

    /// The body of a successful answer, and where the next page is.
    async fn get(&self, url: Url) -> Result<(Vec<u8>, Result<Option<String>, UnclearLink>), ReadError> {
        let mut response = self.get_once(url).await.map_err(|unanswered| match unanswered {
            Unanswered::CutOff(unconnected) => ReadError::CutOff(unconnected.reason),
            Unanswered::Lost(reason) => ReadError::NoAnswer(reason),
        })?;
        let next = link::next_in(response.headers());
        let bytes = match read_body(&mut response).await {
            Ok(bytes) => bytes,
            Err(BodyError::TooLong) => return Err(ReadError::Unreadable("it is too long".to_owned())),
            Err(BodyError::Broken(reason)) => return Err(ReadError::NoAnswer(reason)),
        };
        refuse(&response, &bytes)?;
        Ok((bytes, next))
    }
}

/// What an answer is where it is not the API's.
fn foreign(response: &Response, body: &[u8]) -> Option<String> {
    let start = body.trim_ascii_start();
    let kind = text(response.headers(), "content-type").unwrap_or_default().to_ascii_lowercase();
    if kind.contains("html") || start.first() == Some(&b'<') {
        return Some("a web page".to_owned());
    }
    if response.status().is_redirection() {
        let place = text(response.headers(), "location").unwrap_or("an unnamed place");
        return Some(format!("a redirect to {}", crate::domain::Printable(place)));
    }
    if start.is_empty() && response.status().as_u16() == 403 {
        return None;
    }
    if start.is_empty() {
        return Some("an empty body".to_owned());
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body)
        .is_err()
        .then(|| "something that is not JSON".to_owned())
}

fn refuse(response: &Response, body: &[u8]) -> Result<(), ReadError> {
    let status = response.status().as_u16();
    let message = || serde_json::from_slice(body).ok().and_then(|value| server_error(&value).message);
    match status {
        401 => return Err(ReadError::Unauthorized),
        passing if is_passing(passing) => {
            let retry_after = retry_after_of(response.headers());
            return Err(ReadError::Passing { status, retry_after, message: message() });
        }
        _ => {}
    }
    if let Some(what) = foreign(response, body) {
        return Err(ReadError::Foreign { status, what });
    }
    match status {
        200 => Ok(()),
        403 => Err(ReadError::Forbidden(message())),
        404 => Err(ReadError::NotFound),
        _ => Err(ReadError::Status { status, message: message() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_stays_in_its_path_whatever_the_spelling_of_the_id() {
        let same = |one: &str, other: &str| is_same_path(&one.parse().unwrap(), &other.parse().unwrap());
        let id = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTpi";
        let list = |name: &str| format!("https://a/v1/licenses/{name}?x=1");
        assert!(same(&list("L1"), "https://a/v1/licenses/L1?next=2"));
        assert!(same(&list("A%3D"), "https://a/v1/licenses/A="));
        // The cluster and padding of an ID say nothing.
        let (us, eu) = ("Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTpiYw", "Y2lzY29zcGFyazovL2V1L0xJQ0VOU0UvYTpiYw==");
        assert!(same(&list(us), &list(eu)));
        for other in ["L2", "l1", "L1/users", ""] {
            assert!(!same(&list("L1"), &list(other)), "{other}");
        }
        assert!(!same(&list(id), &list(us)));
        assert!(!same("https://a/v1/licenses/L1", "https://a/v2/licenses/L1"));
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
