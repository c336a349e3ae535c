//! The access tokens that the sandbox takes, and the endpoints that give them out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a token lives where nothing else is asked for: an integration's 14 days.
pub(super) const LIFETIME: Duration = Duration::from_secs(14 * 24 * 3600);

/// How long a device code is good for.
const DEVICE_LIFETIME: Duration = Duration::from_secs(300);

/// An integration as the sandbox knows it.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its ID.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// A refresh token that it has been given.
    pub refresh_token: String,
    /// How long the access tokens live; `None` for the usual time, and for ever for the token that the
    /// sandbox starts with.
    pub lifetime: Option<Duration>,
}

impl Default for Integration {
    fn default() -> Self {
        Self {
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            refresh_token: "sandbox-refresh".to_owned(),
            lifetime: None,
        }
    }
}

/// A status and a JSON body.
pub(super) type Reply = (u16, Value);

#[derive(Debug)]
pub(super) struct Tokens {
    integration: Integration,
    state: Mutex<TokenBook>,
}

#[derive(Debug)]
struct TokenBook {
    /// Access tokens and when they end.
    valid: HashMap<String, Option<Instant>>,
    refresh_tokens: Vec<String>,
    /// Device codes with their user codes, and whether the user has agreed.
    devices: HashMap<String, (String, bool)>,
    given: u32,
}

impl Tokens {
    pub(super) fn new(first: String, integration: Integration) -> Self {
        let end = integration.lifetime.map(|lifetime| Instant::now() + lifetime);
        let state = TokenBook {
            valid: HashMap::from([(first, end)]),
            refresh_tokens: vec![integration.refresh_token.clone()],
            devices: HashMap::new(),
            given: 0,
        };
        Self { integration, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, TokenBook> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn accepts(&self, token: &str) -> bool {
        self.state().valid.get(token).is_some_and(|end| end.is_none_or(|end| Instant::now() < end))
    }

    /// Ends all access tokens at once, as an administrator can.
    pub(super) fn revoke(&self) {
        self.state().valid.clear();
    }

    /// How many access tokens were given out.
    pub(super) fn given(&self) -> u32 {
        self.state().given
    }

    /// `POST /access_token`
    pub(super) fn refresh(&self, form: &HashMap<String, String>) -> Reply {
        let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
        if !is("grant_type", "refresh_token") {
            return refused(400, "unsupported_grant_type");
        }
        if !is("client_id", &self.integration.client_id)
            || !is("client_secret", &self.integration.client_secret)
        {
            return refused(401, "invalid_client");
        }
        let known =
            form.get("refresh_token").is_some_and(|token| self.state().refresh_tokens.contains(token));
        if known { self.grant() } else { refused(400, "invalid_grant") }
    }

    /// `POST /device/authorize`
    pub(super) fn authorize_device(&self, form: &HashMap<String, String>, base: &str) -> Reply {
        if form.get("client_id") != Some(&self.integration.client_id) {
            return refused(401, "invalid_client");
        }
        let mut state = self.state();
        let number = state.devices.len() + 1;
        let (device, user) = (format!("device-{number}"), format!("USER-{number}"));
        state.devices.insert(device.clone(), (user.clone(), false));
        let page = format!("{base}/device/activate");
        let body = json!({
            "device_code": device, "user_code": user, "interval": 1, "expires_in": DEVICE_LIFETIME.as_secs(),
            "verification_uri": page, "verification_uri_complete": format!("{page}?user_code={user}"),
        });
        (200, body)
    }

    /// The page where the user agrees. Here, opening it is agreeing.
    pub(super) fn agree(&self, user_code: &str) -> bool {
        let mut state = self.state();
        let asked = state.devices.values_mut().find(|(code, _)| code == user_code);
        asked.map(|(_, agreed)| *agreed = true).is_some()
    }

    /// `POST /device/token`
    pub(super) fn device_token(&self, form: &HashMap<String, String>) -> Reply {
        let device = form.get("device_code").map(String::as_str).unwrap_or_default();
        let agreed = self.state().devices.get(device).map(|(_, agreed)| *agreed);
        match agreed {
            None => refused(400, "expired_token"),
            Some(false) => refused(428, "authorization_pending"),
            Some(true) => {
                self.state().devices.remove(device);
                self.grant()
            }
        }
    }

    fn grant(&self) -> Reply {
        let lifetime = self.integration.lifetime.unwrap_or(LIFETIME);
        let mut state = self.state();
        state.given += 1;
        let access = format!("sandbox-access-{}", state.given);
        let refresh = format!("{}-{}", self.integration.refresh_token, state.given);
        state.valid.insert(access.clone(), Some(Instant::now() + lifetime));
        state.refresh_tokens.push(refresh.clone());
        (200, json!({ "access_token": access, "expires_in": lifetime.as_secs(), "refresh_token": refresh }))
    }
}

fn refused(status: u16, error: &str) -> Reply {
    (status, json!({ "error": error, "message": error }))
}
