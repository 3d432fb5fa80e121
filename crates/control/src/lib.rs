//! The office: registry, tasks, writs, approvals, revocation, audit, and the ledger's stores.

pub mod api;
mod approvals;
pub mod audit;
pub mod fold;
mod identity;
pub mod keys;
mod office;
mod record;
mod revocation;
pub mod store;
mod task;
pub mod writ;

pub use approvals::ApprovalError;
pub use identity::IdentityError;
pub use office::{
    BootTime, Equipment, Office, OfficeError, OpenOfficeError, Presence, Random, RandomFailed, SWEEP_EVERY,
    StandingError, StandingStream, SystemBoot, SystemClock, SystemRandom,
};
pub use record::RecordError;
pub use task::TaskError;
