//! A run's life: taken in, sent, stopped, gone on with.
//!
//! Introduces to each other the rooms that do not know each other: input and journal, engine and
//! HTTP. Alone has tasks, a clock and random numbers. Holds no rule of Webex, no SQL, no JSON form.

mod asked;
mod bystanders;
mod changes;
mod clock;
mod drive;
mod fit;
mod holders;
mod import;
mod names;
mod now;
mod observe;
mod outlook;
mod path;
mod settings;
mod snapshot;
mod verify;

pub use asked::operations_sha256;
pub use changes::{Changes, ChangesError, Sync, changes};
pub use clock::unix_millis;
pub use drive::{SendError, Sent, Stop, send};
pub use fit::{NotFit, arrange};
pub use holders::effect_of;
pub use import::{Background, ImportError, import};
pub use names::{Catalog, KnownError};
pub use now::{Now, NowError};
pub use observe::{FailedOperation, Observer, Progress, Silent};
pub use outlook::{Depth, Label, NotRead, OrgUsers, Outlook, OutlookError, Spared};
pub use settings::RunSettings;
pub use verify::{Verified, VerifyError, verify};
