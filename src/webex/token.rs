//! The access token and where it comes from.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

/// Where the token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// A text that does not change, from the environment.
    Fixed(SecretString),
    /// A file that another process may write anew.
    File(PathBuf),
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
    /// Nothing, or something that cannot stand in a header.
    #[error(
        "the access token is empty or has characters that no token has; give it in WEBEX_ACCESS_TOKEN or with --token-file"
    )]
    Unusable,
}

/// The token in use, shared by all requests.
#[derive(Debug, Clone)]
pub struct Token {
    source: TokenSource,
    current: Arc<Mutex<SecretString>>,
}

impl Token {
    /// Reads the token for the first time.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(source: TokenSource) -> Result<Self, TokenError> {
        let current = Arc::new(Mutex::new(fetch(&source)?));
        Ok(Self { source, current })
    }

    /// Reads it again; tells whether it is another one now.
    ///
    /// # Errors
    /// [`TokenError`]; the token in use stays.
    pub fn read_again(&self) -> Result<bool, TokenError> {
        let fresh = fetch(&self.source)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = fresh.expose_secret() != current.expose_secret();
        *current = fresh;
        Ok(changed)
    }

    /// The token, for a header.
    pub(super) fn current(&self) -> SecretString {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn fetch(source: &TokenSource) -> Result<SecretString, TokenError> {
    let secret = match source {
        TokenSource::Fixed(secret) => secret.clone(),
        TokenSource::File(path) => std::fs::read_to_string(path)
            .map(SecretString::from)
            .map_err(|source| TokenError::Unreadable { path: path.clone(), source })?,
    };
    let trimmed = secret.expose_secret().trim();
    let usable = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then(|| SecretString::from(trimmed.to_owned())).ok_or(TokenError::Unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_and_trimmed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first\n").unwrap();
        let token = Token::read(TokenSource::File(file.path().to_owned())).unwrap();
        assert_eq!(token.current().expose_secret(), "first");
        assert!(!token.read_again().unwrap());
        std::fs::write(file.path(), "second").unwrap();
        assert!(token.read_again().unwrap());
        assert_eq!(token.current().expose_secret(), "second");
        std::fs::remove_file(file.path()).unwrap();
        assert!(token.read_again().is_err());
        assert_eq!(token.current().expose_secret(), "second");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_and_never_shown() {
        for text in ["", " \n", "a b", "a\u{7f}b", "tökén"] {
            let error = Token::read(TokenSource::Fixed(text.to_owned().into())).unwrap_err();
            assert!(text.trim().is_empty() || !error.to_string().contains(text), "{error}");
        }
        let token = Token::read(TokenSource::Fixed("hunter2".to_owned().into())).unwrap();
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
