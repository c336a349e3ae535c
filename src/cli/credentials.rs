//! Where the access token comes from: a file, the environment, or a login.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::exit::Failure;
use super::logins::{self, Login};
use crate::webex::{BaseUrl, ClientCredentials, Network, Oauth, Refreshed, TokenSource, token_in};

const ACCESS_TOKEN: &str = "WEBEX_ACCESS_TOKEN";
const REFRESH_TOKEN: &str = "WEBEX_REFRESH_TOKEN";
const CLIENT_ID: &str = "WEBEX_CLIENT_ID";
const CLIENT_SECRET: &str = "WEBEX_CLIENT_SECRET";

/// What the user has said of the token.
#[derive(Debug)]
pub(super) enum Credentials {
    /// The file of `--token-file`.
    File(PathBuf),
    /// A token of our own sandbox.
    Fixed(SecretString),
    /// What the environment holds, or a login.
    Found,
}

impl Credentials {
    /// Where the token for this service comes from. `login` is the command that makes one, for whoever has none.
    pub(super) fn source(
        &self,
        base: &BaseUrl,
        network: &Network,
        login: &str,
    ) -> Result<TokenSource, Failure> {
        match self {
            Self::File(path) => Ok(TokenSource::File(path.clone())),
            Self::Fixed(secret) => Ok(TokenSource::Fixed(secret.clone())),
            Self::Found => found(base, network, login),
        }
    }
}

fn found(base: &BaseUrl, network: &Network, login: &str) -> Result<TokenSource, Failure> {
    let access_token = secret(ACCESS_TOKEN)?;
    if let Some(refresh_token) = secret(REFRESH_TOKEN)? {
        let oauth = Oauth::new(base.clone(), client_credentials()?, network)?;
        return Ok(TokenSource::Refreshed(Refreshed::new(oauth, refresh_token, access_token, |_| {})));
    }
    if let Some(access_token) = access_token {
        return Ok(TokenSource::Fixed(access_token));
    }
    let Some((kept, place)) = logins::find(base) else {
        return Err(Failure::usage(format!(
            "no access token; put it into {ACCESS_TOKEN}, name a file with --token-file, or run: {login}"
        )));
    };
    let oauth = Oauth::new(base.clone(), kept.client.clone(), network)?;
    let (base, client) = (base.clone(), kept.client);
    let keep = move |refresh_token: &SecretString| {
        let login = Login { client: client.clone(), refresh_token: refresh_token.clone() };
        if let Err(error) = logins::keep(&base, &login, &place) {
            tracing::warn!(%error, "the new refresh token could not be kept");
        }
    };
    Ok(TokenSource::Refreshed(Refreshed::new(oauth, kept.refresh_token, None, keep)))
}

/// The integration's ID and secret, from the environment.
pub(super) fn client_credentials() -> Result<ClientCredentials, Failure> {
    let id = secret(CLIENT_ID)?.map(|id| id.expose_secret().to_owned());
    match (id, secret(CLIENT_SECRET)?) {
        (Some(id), Some(secret)) => Ok(ClientCredentials { id, secret }),
        _ => Err(Failure::usage(format!(
            "the integration's ID and secret are missing; make an integration on developer.webex.com, with the scopes \
             spark-admin:people_write, spark-admin:licenses_read and spark-admin:people_read, and put its ID and secret into \
             {CLIENT_ID} and {CLIENT_SECRET}"
        ))),
    }
}

/// What a variable holds, without what shells and copying put around it. One that is empty counts as not
/// set; one that holds something else than a token is refused before anything is sent.
fn secret(variable: &str) -> Result<Option<SecretString>, Failure> {
    match std::env::var_os(variable) {
        Some(text) if !text.is_empty() => token_in(&text.to_string_lossy())
            .map(Some)
            .map_err(|flaw| Failure::usage(format!("the text in {variable} {flaw}"))),
        _ => Ok(None),
    }
}
