//! Engines of the ledger: the only rooms that name a database.
//!
//! | store | trusted? | what an attacker who owns it can do |
//! |---|---|---|
//! | `ledger.sqlite` and its write-ahead log | no | delete or garble the record, which `verify` shows against any checkpoint held elsewhere; learn ids, enums and commitments; never read a payload without the master key, never sign |
//! | `ledger.lock` | no | keep the ledger from being opened |
//! | `reserve` | no | take away the space that revocations have on a full disk |
//!
//! [`sqlite`] is the embedded default: one directory, one writer thread, group commit. [`memory`] keeps everything in
//! memory, for tests and as the second engine of the conformance suite that every engine has to pass.

pub mod fault;
mod keys;
pub mod memory;
mod queue;
pub mod sqlite;
mod subject;

pub use fault::{FaultHook, FaultPoint};
pub use keys::LedgerKeys;
pub use memory::MemoryLedger;
pub use queue::{Done, Submission};
pub use sqlite::SqliteLedger;
pub use sqlite::audit::{AuditError, SqliteAudit};
pub use sqlite::open::{OpenError, Options};
