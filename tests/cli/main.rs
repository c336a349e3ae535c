//! The real binary from outside, against the sandbox and against a service that says what a test
//! wants it to say.

mod crash;
mod harness;
mod input;
mod journal;
mod lifecycle;
mod outcomes;
mod scripted;
mod secrets;
