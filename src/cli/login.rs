//! `seatbatch login` and `seatbatch logout`

use std::time::{Duration, Instant};

use super::args::{self, Store};
use super::context::Context;
use super::credentials::client_credentials;
use super::event::Event;
use super::exit::{Exit, Failure};
use super::logins::{self, Login, LoginPlace};
use crate::domain::Printable;
use crate::webex::{BaseUrl, ClientCredentials, DeviceCode, Grant, Oauth, OauthError, Polled};

pub(super) fn run(context: &Context, args: &args::Login) -> Result<Exit, Failure> {
    let base = context.base()?;
    let client = client_credentials()?;
    let oauth = Oauth::new(base.clone(), client.clone(), &context.network)?;
    let runtime = context.runtime()?;
    let code = runtime.block_on(oauth.authorize_device())?;
    tell(context, &code);
    let grant = runtime.block_on(agreed(&oauth, &code))?;
    let place = store(&base, client, grant, args.store)?;
    let where_to = match &place {
        LoginPlace::Keyring => "the system's keyring".to_owned(),
        LoginPlace::File(path) => path.display().to_string(),
    };
    context.output.say(format_args!("Logged in to {base}. The login is kept in {where_to}"));
    context.output.event(&Event::Login { base_url: &base.to_string(), kept_in: &where_to });
    Ok(Exit::Done)
}

pub(super) fn forget(context: &Context) -> Result<Exit, Failure> {
    let base = context.base()?;
    let words = if logins::forget(&base)? { "is forgotten" } else { "was not kept" };
    context.output.say(format_args!("The login for {base} {words}"));
    Ok(Exit::Done)
}

fn tell(context: &Context, code: &DeviceCode) {
    let address = code.complete_address.as_deref().unwrap_or(&code.address);
    context.output.insist(format_args!(
        "Open {} as an administrator of the organization, and enter the code {}",
        Printable(address),
        Printable(&code.user_code)
    ));
    context.output.event(&Event::DeviceCode { address, user_code: &code.user_code });
}

/// Asks until the user has agreed, or the code's time is over.
async fn agreed(oauth: &Oauth, code: &DeviceCode) -> Result<Grant, Failure> {
    let end = Instant::now() + code.lifetime;
    let mut interval = code.interval;
    while Instant::now() < end {
        tokio::time::sleep(interval).await;
        match oauth.poll_device(code).await {
            Ok(Polled::Granted(grant)) => return Ok(grant),
            // RFC 8628: five seconds more from then on.
            Ok(Polled::SlowDown) => interval += Duration::from_secs(5),
            Ok(Polled::Pending) | Err(OauthError::NoAnswer(_) | OauthError::Passing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::usage("nobody agreed in time; run login again"))
}

fn store(
    base: &BaseUrl,
    client: ClientCredentials,
    grant: Grant,
    store: Store,
) -> Result<LoginPlace, Failure> {
    let refresh_token = grant.refresh_token.ok_or_else(|| {
        Failure::usage("the service gave no refresh token; the integration may not be allowed to have one")
    })?;
    let login = Login { client, refresh_token };
    // One login a service: what was kept elsewhere would be found first.
    logins::forget(base)?;
    if store != Store::File {
        match logins::keep(base, &login, &LoginPlace::Keyring) {
            Err(_) if store == Store::Auto => {}
            kept => return Ok(kept.map(|()| LoginPlace::Keyring)?),
        }
    }
    let place = LoginPlace::File(logins::file()?);
    logins::keep(base, &login, &place)?;
    Ok(place)
}
