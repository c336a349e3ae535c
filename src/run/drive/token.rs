//! Reading the token again: when it was refused, and before it expires.

use std::time::Duration;

use tokio::time::Instant;

use super::{Driver, Message};
use crate::engine::Event;
use crate::live::patiently;
use crate::webex::TokenError;

/// How long after a renewal that failed the next one is tried.
const RENEW_AGAIN: Duration = Duration::from_secs(20);

impl Driver<'_> {
    pub(super) fn token_read(&mut self, changed: bool, problem: Option<&TokenError>) {
        problem.into_iter().for_each(|problem| self.observer.notice(&spelled_out(problem)));
        self.renew_at = self.client.token().renew_at().map(Instant::from_std);
        self.tell(Event::TokenRead { changed });
    }

    pub(super) fn read_token(&self) {
        let (token, max_wait) = (self.client.token().clone(), self.max_wait);
        self.aside(async move || match patiently(max_wait, async || token.renew().await).await {
            Ok(changed) => Message::TokenRead(changed, None),
            Err(error) => Message::TokenRead(false, Some(error)),
        });
    }

    /// Replaces a token before it expires. Where that fails, the token is good for a while yet.
    pub(super) fn renew_token(&mut self) {
        self.renew_at = None;
        let (token, post) = (self.client.token().clone(), self.post.clone());
        tokio::spawn(async move {
            let renewed = token.renew().await;
            let _ = post.send(Message::TokenRenewed(renewed));
        });
    }

    pub(super) fn token_renewed(&mut self, renewed: Result<bool, TokenError>) {
        match renewed {
            Ok(changed) => {
                tracing::info!(changed, "the access token was renewed before its end");
                self.renew_at = self.client.token().renew_at().map(Instant::from_std);
                if changed {
                    self.tell(Event::TokenRead { changed });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the access token could not be renewed before its end");
                self.renew_at = Some(Instant::now() + RENEW_AGAIN);
            }
        }
    }
}

/// The error with its causes.
fn spelled_out(error: &TokenError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
