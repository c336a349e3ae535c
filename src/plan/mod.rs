//! What a file would make of an organization, said before anything is sent.
//!
//! Pure: what is asked, what there is and who holds it come in; counts, names and times come out. What is not
//! known is counted gross, as if it changed something, and said to be unknown.

mod capacity;
mod forecast;
mod foresight;
mod order;
mod rules;
mod seat_changes;
mod waves;

pub use capacity::{Capacity, Fit, capacities};
pub use forecast::{Forecast, Manner, RequestCount, Stretch, forecast};
pub use foresight::{Foreseen, Foresight, Why, foresee};
pub use order::{Need, needed_order, sequence};
pub use rules::{LicenseKind, Rule, Situation, may_add, may_remove};
pub use seat_changes::{Holders, Mentions, NobodyKnown, SeatChange, SeatChanges, Stock};
pub use waves::{Waves, waves};
