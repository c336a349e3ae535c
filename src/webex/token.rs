//! The access token and where it comes from.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use super::oauth::{Oauth, OauthError};
use super::token_text::{TokenFlaw, token_in, token_in_bytes};

/// Where the token comes from.
#[derive(Debug)]
pub enum TokenSource {
    /// A text that does not change, from the environment.
    Fixed(SecretString),
    /// A file that another process may write anew.
    File(PathBuf),
    /// An integration's refresh token.
    Refreshed(Refreshed),
}

/// Access tokens for a refresh token.
pub struct Refreshed {
    oauth: Oauth,
    refresh_token: Mutex<SecretString>,
    /// An access token that the user has already.
    first: Mutex<Option<SecretString>>,
    /// Keeps a refresh token that replaces the one before.
    keep: Box<dyn Fn(&SecretString) + Send + Sync>,
}

impl Refreshed {
    /// `first` is an access token that there is already; `keep` is called with each refresh token
    /// that replaces the one before.
    #[must_use]
    pub fn new(
        oauth: Oauth,
        refresh_token: SecretString,
        first: Option<SecretString>,
        keep: impl Fn(&SecretString) + Send + Sync + 'static,
    ) -> Self {
        let (refresh_token, first) = (Mutex::new(refresh_token), Mutex::new(first));
        Self { oauth, refresh_token, first, keep: Box::new(keep) }
    }
}

impl fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed").finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is there is no token.
    #[error("the access token in {place} {flaw}")]
    Unusable {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        flaw: TokenFlaw,
    },
    /// The refresh token gave none.
    #[error("cannot get an access token for the refresh token")]
    Oauth(#[from] OauthError),
}

impl TokenError {
    /// Whether asking again later may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Oauth(OauthError::NoAnswer(_) | OauthError::Passing { .. }))
    }

    /// How long the service wants us to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Oauth(OauthError::Passing { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}

/// The token in use, shared by all requests.
#[derive(Debug, Clone)]
pub struct Token(Arc<TokenInUse>);

#[derive(Debug)]
struct TokenInUse {
    source: TokenSource,
    current: Mutex<Current>,
    /// One renewal at a time.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Current {
    secret: SecretString,
    bearer: HeaderValue,
    /// When it is better replaced, where that is known.
    renew_at: Option<Instant>,
}

impl Current {
    fn new(secret: SecretString, renew_at: Option<Instant>) -> Self {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", secret.expose_secret()))
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        bearer.set_sensitive(true);
        Self { secret, bearer, renew_at }
    }
}

impl Token {
    /// Holds nothing until it is renewed for the first time.
    #[must_use]
    pub fn new(source: TokenSource) -> Self {
        let current = Mutex::new(Current::new(SecretString::default(), None));
        Self(Arc::new(TokenInUse { source, current, renewing: tokio::sync::Mutex::new(()) }))
    }

    /// Gets it, or gets it again; tells whether it is another one now.
    ///
    /// # Errors
    /// [`TokenError`]; the token in use stays.
    pub async fn renew(&self) -> Result<bool, TokenError> {
        let _alone = self.0.renewing.lock().await;
        let fresh = fetch(&self.0.source).await?;
        let mut current = self.current_now();
        let changed = fresh.secret.expose_secret() != current.secret.expose_secret();
        *current = fresh;
        Ok(changed)
    }

    /// When it is better replaced, where that is known: some time before it expires.
    #[must_use]
    pub fn renew_at(&self) -> Option<Instant> {
        self.current_now().renew_at
    }

    /// The value of the `Authorization` header. It is marked as sensitive, so that nobody prints it.
    pub(super) fn bearer(&self) -> HeaderValue {
        self.current_now().bearer.clone()
    }

    fn current_now(&self) -> std::sync::MutexGuard<'_, Current> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(source: &TokenSource) -> Result<Current, TokenError> {
    let unusable = |place: String| move |flaw| TokenError::Unusable { place, flaw };
    let (secret, lifetime) = match source {
        TokenSource::Fixed(secret) => (token_in(secret.expose_secret()), None),
        TokenSource::File(path) => {
            let bytes = std::fs::read(path);
            let bytes = bytes.map_err(|source| TokenError::Unreadable { path: path.clone(), source })?;
            (token_in_bytes(&bytes), None)
        }
        TokenSource::Refreshed(refreshed) => {
            let (secret, lifetime) = refresh(refreshed).await?;
            (token_in(secret.expose_secret()), lifetime)
        }
    };
    let secret = secret.map_err(unusable(place(source)))?;
    let renew_at = lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime - margin(lifetime)));
    Ok(Current::new(secret, renew_at))
}

/// Where a token stands, for whoever has to mend it.
fn place(source: &TokenSource) -> String {
    match source {
        TokenSource::Fixed(_) => "WEBEX_ACCESS_TOKEN".to_owned(),
        TokenSource::File(path) => format!("the file {}", path.display()),
        TokenSource::Refreshed(_) => "the answer to the refresh token".to_owned(),
    }
}

/// How long before its end a token is replaced.
fn margin(lifetime: Duration) -> Duration {
    (lifetime / 5).min(Duration::from_secs(300))
}

async fn refresh(refreshed: &Refreshed) -> Result<(SecretString, Option<Duration>), TokenError> {
    if let Some(first) = refreshed.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Ok((first, None));
    }
    let stored = || refreshed.refresh_token.lock().unwrap_or_else(PoisonError::into_inner);
    let refresh_token = stored().clone();
    let grant = refreshed.oauth.refresh(&refresh_token).await?;
    if let Some(next) = grant.refresh_token
        && next.expose_secret() != refresh_token.expose_secret()
    {
        (refreshed.keep)(&next);
        *stored() = next;
    }
    Ok((grant.access_token, grant.lifetime))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_again_and_trimmed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first\n").unwrap();
        let token = Token::new(TokenSource::File(file.path().to_owned()));
        assert!(token.renew().await.unwrap());
        assert_eq!(token.bearer(), "Bearer first");
        assert!(!token.renew().await.unwrap());
        std::fs::write(file.path(), "second").unwrap();
        assert!(token.renew().await.unwrap());
        assert_eq!(token.bearer(), "Bearer second");
        std::fs::remove_file(file.path()).unwrap();
        assert!(token.renew().await.is_err());
        assert_eq!(token.bearer(), "Bearer second");
    }

    #[tokio::test]
    async fn what_cannot_be_a_token_is_refused_and_never_shown() {
        for text in ["", " \n", "a b", "a\u{7f}b", "tökén"] {
            let error = Token::new(TokenSource::Fixed(text.to_owned().into())).renew().await.unwrap_err();
            assert!(text.trim().is_empty() || !error.to_string().contains(text), "{error}");
        }
        let token = Token::new(TokenSource::Fixed("hunter2".to_owned().into()));
        assert!(token.renew().await.unwrap());
        assert!(!format!("{token:?}").contains("hunter2"));
    }

    #[test]
    fn a_token_is_replaced_before_its_end() {
        assert_eq!(margin(Duration::from_secs(12 * 3600)), Duration::from_secs(300));
        assert_eq!(margin(Duration::from_secs(10)), Duration::from_secs(2));
    }
}
