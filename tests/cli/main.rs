//! The real binary from outside, against the sandbox and against a service that says what a test
//! wants it to say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

// What the tests stand on.
mod harness;
mod schema;
mod screen;
mod scripted;
mod services;

// One file a command.
mod apply;
mod check;
mod demo;
mod diff;
mod failures;
mod journal;
mod licenses;
mod login;
mod plan;
mod rehearse;
mod report;
mod resume;
mod retry;
mod runs;
mod sandbox;
mod undo;
mod user;
mod verify;

// What concerns several commands.
mod against_words;
mod answers;
mod columns;
mod doubts;
mod endurance;
mod files;
mod fit;
mod forms;
mod given_back;
mod guides;
mod headers;
mod hints;
mod mending;
mod names;
mod options;
mod organizations;
mod outcomes;
mod outputs;
mod partition;
mod partner;
mod proposals;
mod scenes;
mod stories;
mod terminal;
mod together;
mod tokens;
mod waits;
mod workbooks;

// What goes wrong around a run.
mod faults;
