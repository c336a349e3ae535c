//! How a sandbox behaves, and what its handlers share.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::fault::Fault;
use super::log::Requests;
use super::organization::Organization;
use super::reply::{error, with_header};
use super::tokens::{Integration, Tokens};
use crate::domain::{Ceiling, WireForm};

/// How a sandbox behaves.
#[derive(Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether it may listen to other machines.
    pub public: bool,
    /// The access token it takes from the start.
    pub token: String,
    /// The integration it gives others to.
    pub integration: Integration,
    /// The form of the API it speaks.
    pub wire: WireForm,
    /// Its organization.
    pub organization: Organization,
    /// The most requests it takes in a span of time.
    pub rate_limit: Ceiling,
    /// How many requests it takes at once before the limit is felt.
    pub burst: u32,
    /// How long every answer takes.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Seed of everything that is left to chance.
    pub seed: u64,
}

impl Options {
    /// A sandbox without faults on a free port of this machine.
    #[must_use]
    pub fn new(token: &str, wire: WireForm, organization: Organization) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: false,
            token: token.to_owned(),
            integration: Integration::default(),
            wire,
            organization,
            rate_limit: Ceiling::Unlimited,
            burst: 1,
            latency: Duration::ZERO,
            faults: Vec::new(),
            seed: 0,
        }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) tokens: Tokens,
    pub(super) wire: WireForm,
    organization: Mutex<Organization>,
    limiter: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
    pub(super) latency: Duration,
    faults: Mutex<(Vec<Fault>, fastrand::Rng)>,
    pub(super) requests: Requests,
    /// Answers so far to anything but a `PATCH`, for their tracking IDs.
    pub(super) others: AtomicU64,
}

impl World {
    pub(super) fn new(options: Options) -> Self {
        let limiter = options.rate_limit.period().and_then(Quota::with_period).map(|quota| {
            let burst = std::num::NonZeroU32::new(options.burst).unwrap_or(std::num::NonZeroU32::MIN);
            RateLimiter::direct(quota.allow_burst(burst))
        });
        Self {
            tokens: Tokens::new(options.token, options.integration),
            wire: options.wire,
            organization: Mutex::new(options.organization),
            limiter,
            clock: DefaultClock::default(),
            latency: options.latency,
            faults: Mutex::new((options.faults, fastrand::Rng::with_seed(options.seed))),
            requests: Requests::new(),
            others: AtomicU64::new(0),
        }
    }

    pub(super) fn organization(&self) -> MutexGuard<'_, Organization> {
        self.organization.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults that this request meets.
    pub(super) fn faults(&self, number: u64, users: &[String], org: Option<&str>) -> Vec<Fault> {
        let mut guard = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let (faults, chance) = &mut *guard;
        let mut met = Vec::new();
        for fault in faults {
            let concerned = fault.user.as_ref().is_none_or(|user| users.contains(user))
                && fault.org.as_ref().is_none_or(|concerned| Some(concerned.as_str()) == org);
            if concerned && number >= fault.from && fault.times > 0 && chance.f64() < fault.chance {
                fault.times -= 1;
                met.push(fault.clone());
            }
        }
        met
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.and_then(|given| given.strip_prefix("Bearer ")).is_some_and(|token| self.tokens.accepts(token))
    }

    /// Turns a request away at the door, if it must be.
    pub(super) fn turned_away(&self, headers: &HeaderMap) -> Option<Response> {
        if !self.is_authorized(headers) {
            let message =
                "The request requires a valid access token set in the Authorization request header.";
            return Some(error(StatusCode::UNAUTHORIZED, message, None));
        }
        let refused = self.limiter.as_ref()?.check().err()?;
        let wait = refused.wait_time_from(self.clock.now()).as_secs_f64().ceil().max(1.0);
        let response = error(StatusCode::TOO_MANY_REQUESTS, "Too many requests", None);
        Some(with_header(response, header::RETRY_AFTER, &wait.to_string()))
    }
}
