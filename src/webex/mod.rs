//! The Webex Licenses API: wire forms, errors, tokens, pages.
//!
//! Alone knows HTTP. Says what was answered and never what follows from it; never retries.

mod base_url;
mod client;
mod licenses;
mod retry_after;
mod token;
pub mod wire;

pub use base_url::{BaseUrl, BaseUrlError};
pub use client::{Client, ClientError};
pub use licenses::{License, LicenseUser, LicenseUsers, ReadError};
pub use token::{Token, TokenError, TokenSource};
