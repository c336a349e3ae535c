//! The Webex Licenses API: wire forms, errors, tokens, pages.
//!
//! Alone knows HTTP. Says what was answered and never what follows from it; never retries.

mod answers;
mod base_url;
mod client;
mod licenses;
mod link;
mod network;
mod oauth;
mod retry_after;
mod said_twice;
mod token;
mod token_text;
mod tracking;
mod trust;
pub mod wire;

pub use base_url::{BaseUrl, BaseUrlError};
pub use client::Client;
pub use licenses::{License, LicenseUser, PAGE_OF_USERS, Pages, ReadError};
pub use link::{UnclearLink, next_page};
pub use network::{ClientError, Network};
pub use oauth::{ClientCredentials, DeviceCode, Grant, Oauth, OauthError, Polled, SCOPES};
pub use retry_after::parse as parse_retry_after;
pub use token::{Refreshed, Token, TokenError, TokenSource};
pub use token_text::{TokenFlaw, token_in};
pub use tracking::TrackingIds;
pub use trust::{Authorities, AuthoritiesError};

/// How long the service wants nobody to ask, where it said so.
fn its_wait(wait: Option<std::time::Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!(", and asks to wait {} s", wait.as_secs_f64().ceil()))
}

/// What the service said of an error, where it said anything, behind what we say.
fn its_words(message: &Option<String>) -> String {
    message.as_ref().map_or_else(String::new, |message| format!(": {}", crate::domain::Printable(message)))
}
