//! The organization as it is: its licenses, their units, who holds them. Reads, and changes nothing.
//!
//! The one reader of it for every command: paced, patient, with a token that is renewed, page by page to the
//! end. A list that was not read whole is an error and never a shorter list, so that nothing is concluded from
//! what is missing in it. Knows no file, no journal and no run.

mod catalog;
mod crowd;
mod holders;
mod patience;
mod readings;

pub use catalog::{LicenseMatch, Licenses};
pub use crowd::{Crowd, People, PersonNamed};
pub use holders::{Roll, Rolls, read_all, read_all_telling};
pub use patience::{Passing, patiently};
pub use readings::{Pacing, ReadingEvent, Readings, Unread};
