//! seatbatch: change the Webex licenses of many people from one CSV file.

pub mod assign;
pub mod cli;
pub mod domain;
pub mod engine;
pub mod input;
pub mod journal;
pub mod pace;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod webex;
