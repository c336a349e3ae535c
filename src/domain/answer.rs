//! What came back from the service, read and not yet judged.

use std::time::Duration;

use super::ErrorCode;

/// The end of one attempt, as the sender saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The service answered.
    Http(HttpAnswer),
    /// The connection was never made: surely not sent. The text says why.
    NotSent(String),
    /// Sent, perhaps, and no whole answer came. The text says why.
    Lost(String),
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
}

/// The body of an answer to `PATCH /licenses/users`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No body.
    Empty,
    /// The array form's 206: one item a user.
    Items(Vec<ItemError>),
    /// The object form's 200 and 206: what the user holds now.
    Holdings(Holdings),
    /// An error body.
    Error(ServerError),
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
}

/// What a user holds, as the object form answers it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holdings {
    /// License IDs held, pending ones included.
    pub licenses: Vec<String>,
    /// License IDs in `pendingLicenses` alone.
    pub pending_licenses: Vec<String>,
    /// Sites with attendee access, in the service's spelling.
    pub attendee_sites: Vec<String>,
    /// `pendingSiteUrls` with attendee access.
    pub pending_attendee_sites: Vec<String>,
    /// Error details, which the pages promise and the published schema has no field for.
    pub error: Option<ServerError>,
}

/// An error in the service's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerError {
    /// Its code, where it gave one.
    pub code: Option<ErrorCode>,
    /// Its message, where it gave one.
    pub message: Option<String>,
}
