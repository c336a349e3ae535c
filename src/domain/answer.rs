//! What came back from the service, read and not yet judged.

use std::fmt;
use std::time::Duration;

use super::ErrorCode;

/// The end of one attempt, as the sender saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The service answered.
    Http(HttpAnswer),
    /// The connection was never made: surely not sent.
    NotSent(Unconnected),
    /// Sent, perhaps, and no whole answer came. The text says why.
    Lost(String),
}

/// Whether a status says that the same may pass later: who answers so was busy or ill, gateways included.
#[must_use]
pub const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 423 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Whether a status leaves open whether what was asked for was done: something failed in the middle of it, or behind
/// a gateway that did not wait. It counts as not done, and who is then refused may be refused for having it.
#[must_use]
pub const fn leaves_open(status: u16) -> bool {
    matches!(status, 500 | 502 | 504)
}

/// Why there is no connection, and whether waiting may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconnected {
    /// What is in the way, with its remedy where it has one.
    pub reason: String,
    /// What may be hoped for.
    pub prospect: Prospect,
}

/// Whether waiting may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// It may: the service restarts, or the network is away.
    Passing,
    /// It may where it has worked before: a name that does not resolve, nothing that listens at the proxy.
    Doubtful,
    /// It does not: a certificate that nobody trusts, a proxy that wants a login.
    Hopeless,
}

impl From<&str> for Unconnected {
    fn from(reason: &str) -> Self {
        Self { reason: reason.to_owned(), prospect: Prospect::Passing }
    }
}

/// An HTTP answer, as far as a decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// `Retry-After`, relative to the answer's own `Date`; `None` where absent or senseless.
    pub retry_after: Option<Duration>,
    /// The `trackingid` header, which support asks for.
    pub tracking_id: Option<String>,
    /// The body.
    pub body: Body,
    /// The answer's own words, where nothing of the API was found in it.
    pub said: Option<Box<Said>>,
}

impl HttpAnswer {
    /// An answer with a status and a body, and nothing else to it.
    #[must_use]
    pub const fn new(status: u16, body: Body) -> Self {
        Self { status, retry_after: None, tracking_id: None, body, said: None }
    }
}

/// What an answer consists of that is not understood: for whoever has to find out who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Location`
    pub location: Option<String>,
    /// `Server` or `Via`: who says that the answer is its own.
    pub server: Option<String>,
    /// The beginning of the body.
    pub text: String,
}

impl Said {
    /// The title, where the text is that of a web page.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        let lower = self.text.to_ascii_lowercase();
        let tag = lower.find("<title")?;
        let from = tag + lower.get(tag..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        self.text.get(from..to).map(str::trim).filter(|title| !title.is_empty())
    }
}

impl fmt::Display for Said {
    /// For the journal: the lines of the head that matter, and what there is of the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads =
            [("Content-Type", &self.content_type), ("Location", &self.location), ("Server", &self.server)];
        for (name, value) in heads {
            value.iter().try_for_each(|value| writeln!(f, "{name}: {value}"))?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, "\n{}", self.text) }
    }
}

/// The body of an answer to `PATCH /licenses/users`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No body.
    Empty,
    /// The array form's 206: one item a user.
    Items(Vec<ItemError>),
    /// The object form's 200 and 206: what the user holds now.
    Holdings(Box<Holdings>),
    /// An error body.
    Error(ServerError),
    /// Something that no form of the API describes, in JSON.
    Json,
    /// A web page.
    Page,
    /// Something, and nothing known. The text says what was wrong with it.
    Unreadable(String),
}

/// An item of the array form's 206 body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemError {
    /// The user by person ID.
    pub person_id: Option<String>,
    /// The user by address.
    pub email: Option<String>,
    /// Why it failed; `None` where the item carries no error.
    pub error: Option<ServerError>,
    /// What the user holds now, where an item of a success lists it.
    pub held: Option<Box<Holdings>>,
}

/// What a user holds, as the object form answers it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holdings {
    /// Whom it is about, by person ID.
    pub person_id: Option<String>,
    /// Whom it is about, by address.
    pub email: Option<String>,
    /// In which organization.
    pub org_id: Option<String>,
    /// License IDs held; `None` where the answer does not list them.
    pub licenses: Option<Vec<String>>,
    /// License IDs in `pendingLicenses` alone.
    pub pending_licenses: Vec<String>,
    /// Sites with attendee access, in the service's spelling; `None` where the answer does not list them.
    pub attendee_sites: Option<Vec<String>>,
    /// `pendingSiteUrls` with attendee access.
    pub pending_attendee_sites: Vec<String>,
    /// Error details, which the pages promise and the published schema has no field for.
    pub errors: Vec<ServerError>,
}

/// An error in the service's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerError {
    /// Its code, where it gave one.
    pub code: Option<ErrorCode>,
    /// Its message, where it gave one.
    pub message: Option<String>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(code), None) => write!(f, "{code}"),
            (None, Some(message)) => f.write_str(message),
            (None, None) => f.write_str("an error without a code and without a reason"),
        }
    }
}
