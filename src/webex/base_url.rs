//! Where the API is.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The API's base, over https unless it is on this machine: a token must not travel in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text cannot be the API's base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL.
    #[error("'{0}' is not a URL; write it as https://webexapis.com/v1")]
    NotAUrl(String),
    /// Not https, and not on this machine.
    #[error(
        "'{0}' is refused: the access token may only travel over https, or to this machine (127.0.0.1, localhost)"
    )]
    Insecure(String),
    /// It carries what does not belong into a base.
    #[error("'{0}' is refused: a base URL has no user, password, query or fragment")]
    Decorated(String),
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let mut url = Url::parse(text).map_err(|_| BaseUrlError::NotAUrl(text.to_owned()))?;
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            // Not repeated: it may hold a password.
            let shown = format!("{}://{}…", url.scheme(), url.host_str().unwrap_or_default());
            return Err(BaseUrlError::Decorated(shown));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let base = Self(url);
        match base.0.scheme() {
            "https" if base.0.host().is_some() => Ok(base),
            "http" if base.is_loopback() => Ok(base),
            "http" => Err(BaseUrlError::Insecure(text.to_owned())),
            _ => Err(BaseUrlError::NotAUrl(text.to_owned())),
        }
    }
}

impl BaseUrl {
    /// Whether it names this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            None => false,
        }
    }

    /// Whether it is spoken to without TLS, which is for this machine alone.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Its host and port.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        let port = self.0.port_or_known_default().unwrap_or(443);
        format!("{}:{port}", self.0.host_str().unwrap_or_default())
    }

    /// The base with these segments behind it, each encoded where it must be.
    #[must_use]
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // An https or http URL has a path that can be added to.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Whether a URL leads to the same scheme, host and port.
    #[must_use]
    pub fn is_same_origin(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_at_home() {
        for text in [
            "https://webexapis.com/v1",
            "http://127.0.0.1:8080/v1",
            "http://localhost/v1/",
            "http://[::1]:1/v1",
        ] {
            assert!(text.parse::<BaseUrl>().is_ok(), "{text}");
        }
        for text in [
            "http://webexapis.com/v1",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
        ] {
            assert!(matches!(text.parse::<BaseUrl>(), Err(BaseUrlError::Insecure(_))), "{text}");
        }
        for text in ["", "webexapis.com/v1", "ftp://127.0.0.1/", "https:"] {
            assert!(matches!(text.parse::<BaseUrl>(), Err(BaseUrlError::NotAUrl(_))), "{text}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        let error = "https://user:hunter2@example.com/v1".parse::<BaseUrl>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn segments_are_encoded() {
        let base: BaseUrl = "https://example.com/v1/".parse().unwrap();
        assert_eq!(base.join(&["licenses", "a/b?c"]).as_str(), "https://example.com/v1/licenses/a%2Fb%3Fc");
        assert_eq!(base.to_string(), "https://example.com/v1");
        assert!(base.is_same_origin(&"https://example.com:443/x".parse().unwrap()));
        assert!(!base.is_same_origin(&"http://example.com/x".parse().unwrap()));
    }
}
