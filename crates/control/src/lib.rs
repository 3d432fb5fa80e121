//! The office: registry, tasks, writs, approvals, revocation, audit, and the ledger's stores.
//!
//! The problem: many supervisors decide at the edge, and one place must know which agents exist, who answers for
//! them, what each was asked to do, and what a person allowed; must end all of it at once; and must be able to show
//! afterwards that it did. So every change is an event: it is decided on the state that the events before it give,
//! recorded, and only then true. Revocation alone acts first.
//!
//! Worked example, a task from end to end:
//!
//! ```text
//! let keys = Keys::open(directory, WhenMissing::Make)?;
//! let ledger = SqliteLedger::open(directory, keys.ledger_keys(keys.origin()?), Options::default())?;
//! let office = Office::open(Equipment { ledger, origin, clock, boot, random, people }, &keys)?;
//! office.agent_register(&me, AgentRegister { … })?;          // requested
//! office.agent_approve(&me, &AgentApprove { agent })?;        // active
//! let task = office.task_open(&me, TaskOpen { … })?;          // with its writ, held by the supervisor
//! office.record(Record { writ, activity, … })?;               // a receipt, or the call does not happen
//! office.task_end(&TaskEnd { writ, cause })?;                 // signed checkpoints of both logs
//! ```
//!
//! Over the socket the same is said with [`api::client::Client`]; [`api::server::Control`] is its other end.
//!
//! Deliberately absent: policy (supervisors decide; the office refuses to record what nothing stands behind), any way
//! for an agent to speak here, any change of state that is not an event, and a clock that can be set back.

pub mod api;
mod approvals;
pub mod audit;
pub mod fold;
mod identity;
pub mod keys;
mod office;
mod record;
mod revocation;
mod secret;
pub mod store;
mod taint;
mod task;
pub mod writ;

pub use approvals::ApprovalError;
pub use identity::IdentityError;
pub use office::{
    BootTime, Equipment, Office, OfficeError, OpenOfficeError, People, Presence, Random, RandomFailed,
    SWEEP_EVERY, StandingError, StandingStream, SystemBoot, SystemClock, SystemRandom,
};
pub use record::RecordError;
pub use secret::SecretError;
pub use task::TaskError;
