//! The words of the field as types: IDs, addresses, operations, assignments, answers, outcomes.
//!
//! A constructor is the validation: whoever holds an [`EmailAddress`] holds a well-formed one.
//! This room is pure. It knows no file, socket, clock or database, and imports nothing of ours.

mod address;
mod advice;
mod answer;
mod assignment;
mod batch;
mod clean;
mod held;
mod id;
mod intent;
mod listing;
mod outcome;
mod partition;
mod sending;
pub(crate) mod spelling;

pub use address::{AddressError, EmailAddress, PhoneNumber, PhoneNumberError, address_key, visible};
pub use advice::{Advice, CODES, advice, may_pass};
pub use answer::{
    Answer, Body, Holdings, HttpAnswer, ItemError, Prospect, Said, ServerError, Unconnected, is_passing,
    leaves_open,
};
pub use assignment::{
    Action, Assignment, AssignmentNo, Change, Item, Line, Operation, OperationKey, Properties, SiteUrl,
    Target, User,
};
pub use batch::{
    AttemptId, BatchChange, BatchId, LaneResumePoint, OpenBatch, OperationFailure, Part, ResumePoint, Span,
};
pub use clean::{Printable, is_invisible};
pub use held::Held;
pub use id::{IdError, IdKey, IdKind, LicenseId, LocationId, OrgId, PersonId, with_id_key};
pub use intent::{Intent, Outcome};
pub use listing::Listing;
pub use outcome::{AttemptOutcome, ErrorCode, OperationState, PENDING, Refusal, RunId, RunState, code};
pub use partition::{Partition, PartitionError};
pub use sending::{
    Ceiling, CeilingError, FailureLimit, FailureLimitError, InDoubt, Order, Rate, RatePer, Sequence,
    Snapshot, Unit, Wire, WireForm,
};
