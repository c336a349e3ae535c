//! A local simulator of the Webex Licenses API, with an organization, limits and faults of its own.
//!
//! It is the demo, the tests' server, and a place to rehearse a file before the real thing. It
//! reads requests by itself, to the letter: it shares no decision, and no mistake, with the program it tests.

mod assigning;
mod fault;
mod log;
mod members;
mod organization;
mod reading;
mod reply;
mod request;
mod rules;
mod server;
mod tokens;
mod world;

pub use fault::{Fault, FaultError};
pub use log::{RequestLog, Requests};
pub use members::Nameless;
pub use organization::{Organization, OrganizationError, OrganizationState, UserState};
pub use server::{Sandbox, SandboxError};
pub use tokens::Integration;
pub use world::Options;
