//! Where a login is kept: in the system's keyring where there is one, else in a file of its owner
//! alone. One login for each service, so that none is ever sent to another.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::webex::{BaseUrl, ClientCredentials};

/// The name under which keyrings know us.
const SERVICE: &str = "seatbatch";

/// An integration with the refresh token that a user has given it.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) client: ClientCredentials,
    pub(super) refresh_token: SecretString,
}

/// Where logins can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LoginPlace {
    Keyring,
    File(PathBuf),
}

/// Why a login cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginsError {
    #[error("the system's keyring cannot be used")]
    Keyring(#[source] keyring::Error),
    #[error("cannot keep the login in {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("there is no folder for the login; set HOME or XDG_CONFIG_HOME")]
    Nowhere,
}

/// A login as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptLogin {
    client_id: String,
    client_secret: String,
    refresh_token: String,
}

impl From<&Login> for KeptLogin {
    fn from(login: &Login) -> Self {
        Self {
            client_id: login.client.id.clone(),
            client_secret: login.client.secret.expose_secret().to_owned(),
            refresh_token: login.refresh_token.expose_secret().to_owned(),
        }
    }
}

impl From<KeptLogin> for Login {
    fn from(kept: KeptLogin) -> Self {
        let client = ClientCredentials { id: kept.client_id, secret: kept.client_secret.into() };
        Self { client, refresh_token: kept.refresh_token.into() }
    }
}

/// The file for where there is no keyring.
pub(super) fn file() -> Result<PathBuf, LoginsError> {
    let folder = dirs::config_dir().ok_or(LoginsError::Nowhere)?;
    Ok(folder.join("seatbatch").join("logins.json"))
}

/// The login for a service, and where it is kept.
pub(super) fn find(base: &BaseUrl) -> Option<(Login, LoginPlace)> {
    let path = file().ok()?;
    if let Some(kept) = read(&path).ok().and_then(|mut logins| logins.remove(&base.to_string())) {
        return Some((kept.into(), LoginPlace::File(path)));
    }
    let text = SecretString::from(entry(base).ok()?.get_password().ok()?);
    let kept: KeptLogin = serde_json::from_str(text.expose_secret()).ok()?;
    Some((kept.into(), LoginPlace::Keyring))
}

/// Keeps a login for a service.
pub(super) fn keep(base: &BaseUrl, login: &Login, place: &LoginPlace) -> Result<(), LoginsError> {
    match place {
        LoginPlace::Keyring => {
            let text = serde_json::to_string(&KeptLogin::from(login)).unwrap_or_default();
            entry(base).and_then(|entry| entry.set_password(&text)).map_err(LoginsError::Keyring)
        }
        LoginPlace::File(path) => change(path, |logins| drop(logins.insert(base.to_string(), login.into()))),
    }
}

/// Forgets the login for a service, wherever it is; tells whether there was one.
pub(super) fn forget(base: &BaseUrl) -> Result<bool, LoginsError> {
    let Some((_, place)) = find(base) else { return Ok(false) };
    match place {
        LoginPlace::Keyring => {
            entry(base).and_then(|entry| entry.delete_credential()).map_err(LoginsError::Keyring)?;
        }
        LoginPlace::File(path) => change(&path, |logins| drop(logins.remove(&base.to_string())))?,
    }
    Ok(true)
}

fn entry(base: &BaseUrl) -> keyring::Result<keyring::Entry> {
    keyring::Entry::new(SERVICE, &base.to_string())
}

fn read(path: &Path) -> io::Result<BTreeMap<String, KeptLogin>> {
    match std::fs::read(path) {
        // The parser's error might quote a secret.
        Ok(text) => serde_json::from_slice(&text).map_err(|_| io::Error::other("it is not a file of logins")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Writes the file anew. It is its owner's alone from the first byte on.
fn change(path: &Path, change: impl FnOnce(&mut BTreeMap<String, KeptLogin>)) -> Result<(), LoginsError> {
    let write = || {
        let mut logins = read(path)?;
        change(&mut logins);
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix("logins").tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, &logins)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| LoginsError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_one_login_a_service_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("logins.json");
        let place = LoginPlace::File(path.clone());
        let login = |token: &str| Login {
            client: ClientCredentials { id: "id".into(), secret: "secret".to_owned().into() },
            refresh_token: token.to_owned().into(),
        };
        let [one, two]: [BaseUrl; 2] =
            ["https://a.example.com/v1", "https://b.example.com/v1"].map(|url| url.parse().unwrap());
        keep(&one, &login("first"), &place).unwrap();
        keep(&two, &login("other"), &place).unwrap();
        keep(&one, &login("second"), &place).unwrap();
        let logins = read(&path).unwrap();
        assert_eq!(logins["https://a.example.com/v1"].refresh_token, "second");
        assert_eq!(logins["https://b.example.com/v1"].refresh_token, "other");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "{\"secret\": oops").unwrap();
        let error = keep(&one, &login("third"), &place).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(!cause.contains("secret"), "{cause}");
    }
}
