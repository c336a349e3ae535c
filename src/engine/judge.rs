//! The contract's Outcomes table: what an answer means for the assignments that were sent.

mod holdings;
mod items;
#[cfg(test)]
mod tests;

pub use super::verdict::{Foreign, MayBeDone, Rejection, Verdict};
use crate::domain::{
    Answer, Assignment, Body, HttpAnswer, Operation, OperationFailure, OrgId, Printable, Prospect, Refusal,
    Said, ServerError, Unconnected, WireForm, is_passing, leaves_open,
};

/// Reads the Outcomes table for one answer. `org` is the organization of those that name none.
#[must_use]
pub fn judge(wire: WireForm, org: Option<&OrgId>, sent: &[Assignment], answer: &Answer) -> Verdict {
    match answer {
        Answer::NotSent(Unconnected { reason, prospect: Prospect::Passing }) => {
            unanswered(reason, MayBeDone::No)
        }
        Answer::NotSent(unconnected) => Verdict::CutOff(unconnected.clone()),
        Answer::Lost(reason) => unanswered(reason, MayBeDone::InDoubt),
        Answer::Http(http) => judge_status(wire, org, sent, http),
    }
}

fn unanswered(reason: &str, done: MayBeDone) -> Verdict {
    let reason = reason.to_owned();
    Verdict::SendAgain { retry_after: None, done, answered: false, throttled: false, reason }
}

fn judge_status(wire: WireForm, org: Option<&OrgId>, sent: &[Assignment], http: &HttpAnswer) -> Verdict {
    match (http.status, &http.body) {
        // Gateways say these with a page of their own, and they pass whoever says them.
        (status, _) if is_passing(status) => Verdict::SendAgain {
            retry_after: http.retry_after,
            // The answer is known: in doubt is only what was sent and not answered.
            done: if leaves_open(status) { MayBeDone::Perhaps } else { MayBeDone::No },
            answered: true,
            throttled: http.status == 429,
            reason: described(http),
        },
        // So says every gateway that a request is too large for, and halves of it may get through.
        (413, Body::Page) if sent.len() > 1 => Verdict::Rejected(rejection(http)),
        // A page has a status of its own making, and the API never answers with one.
        (_, Body::Page) => foreign(http),
        (200 | 204, body) if wire == WireForm::Array => succeeded(sent, org, http, body),
        (200 | 204, Body::Empty) => succeeded_silently(http),
        (206, body) if wire == WireForm::Array => items::of_206(sent, org, body),
        (200 | 206, body) => holdings::compared(sent, org, body),
        (401, _) => Verdict::Unauthorized,
        (403, Body::Empty | Body::Error(_)) => Verdict::Forbidden(rejection(http)),
        (403, _) => foreign(http),
        (400..=499, _) => Verdict::Rejected(rejection(http)),
        _ => foreign(http),
    }
}

/// Array form, 200 and 204: done, unless a body says otherwise or is somebody else's.
fn succeeded(sent: &[Assignment], org: Option<&OrgId>, http: &HttpAnswer, body: &Body) -> Verdict {
    match body {
        Body::Empty | Body::Json => Verdict::Accepted { failures: Vec::new(), words: None },
        Body::Items(list) => items::of_success(sent, org, list),
        Body::Error(error) => {
            let words = error.to_string();
            Verdict::InDoubt(format!("HTTP {} with an error for nobody in particular: {words}", http.status))
        }
        Body::Holdings(_) | Body::Page | Body::Unreadable(_) => foreign(http),
    }
}

/// Object form, 200 and 204 without a body: nothing shows what came of it, and nothing but the tracking
/// ID, which every answer of the API has, that it was the API at all.
fn succeeded_silently(http: &HttpAnswer) -> Verdict {
    match http.tracking_id {
        Some(_) => Verdict::Accepted { failures: Vec::new(), words: None },
        None => Verdict::InDoubt(format!(
            "HTTP {} without a word of what the user holds now, and without a tracking ID",
            http.status
        )),
    }
}

fn rejection(http: &HttpAnswer) -> Rejection {
    let (code, message) = match &http.body {
        Body::Error(ServerError { code, message }) => (code.clone(), message.clone()),
        _ => (None, None),
    };
    let message = message.unwrap_or_else(|| described(http));
    Rejection { status: http.status, code, message, tracking_id: http.tracking_id.clone() }
}

fn described(http: &HttpAnswer) -> String {
    let status = http.status;
    match &http.body {
        Body::Error(error) => match &error.message {
            Some(message) => format!("HTTP {status}: {message}"),
            None => format!("HTTP {status}"),
        },
        Body::Page => format!("HTTP {status} with {}", page(http)),
        Body::Unreadable(_) => match http.said.as_ref().map(|said| said.text.trim()) {
            Some(text) if !text.is_empty() => format!("HTTP {status}: {}", Printable(text)),
            _ => format!("HTTP {status}"),
        },
        _ => format!("HTTP {status}"),
    }
}

/// An answer that is not the API's, and whose it seems to be.
fn foreign(http: &HttpAnswer) -> Verdict {
    let status = http.status;
    let nothing = Said::default();
    let said = http.said.as_deref().unwrap_or(&nothing);
    let by = said.server.as_ref().map(|server| format!(" by '{}'", Printable(server)));
    let by = by.unwrap_or_default();
    let reason = match (&http.body, &said.location, status) {
        (_, Some(location), 300..=399) => format!(
            "HTTP {status}{by}, which leads to {} and is not followed: a sign-in page, a proxy, or a wrong --base-url",
            Printable(location)
        ),
        (Body::Page, ..) => {
            format!("HTTP {status} with {}{by}, not the API's answer: a sign-in page or a proxy", page(http))
        }
        (_, _, 200..=499) if http.body != Body::Empty => {
            format!("{}{by}, not the API's answer: a proxy, or another service", described(http))
        }
        _ => format!("{}{by}, a status that the API does not answer with", described(http)),
    };
    Verdict::Foreign(Foreign { status, reason })
}

fn page(http: &HttpAnswer) -> String {
    match http.said.as_ref().and_then(|said| said.title()) {
        Some(title) => format!("a web page ('{}')", Printable(title)),
        None => "a web page".to_owned(),
    }
}

fn failure(assignment: &Assignment, operation: &Operation, refusal: Refusal) -> OperationFailure {
    OperationFailure { assignment: assignment.number, key: operation.key, rows: operation.rows, refusal }
}
