//! The record: everything that happens becomes one entry in an append-only, Merkle-hashed log.
//!
//! The problem: a stranger who gets a copy of the record must be able to see, offline and with public tools, that no
//! entry was changed, dropped or moved; and a payload must be erasable without breaking that proof. So leaves hold
//! only ids, enums and commitments, hashed by RFC 6962 and published as C2SP tiles and signed checkpoints; payloads lie
//! beside the log, each encrypted under the key of its subject.
//!
//! Worked example, without any storage:
//!
//! ```text
//! let entry = Entry::new(br#"{"type":"task.opened"}"#.to_vec())?;   // canonical JSON made by the caller
//! let plan = append::plan(&Tree::default(), vec![entry])?;          // new tree, one row, completed tiles
//! let checkpoint = Checkpoint::new("writ.example/control", plan.tree.size(), plan.tree.root())?;
//! let signed = signer.sign_note(&checkpoint.to_text())?;            // any C2SP client can read it
//! ```
//!
//! Deliberately absent: files, sockets, clocks, threads, runtimes, randomness (salts and nonces are arguments) and any
//! knowledge of what an entry means. Engines live in `control::store` and implement [`storage::Storage`].

#![forbid(unsafe_code)]

pub mod append;
pub mod checkpoint;
pub mod entry;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod snapshot;
pub mod storage;
pub mod stream;
pub mod tile;
pub mod tree;
pub mod vault;
pub mod verify;

pub use append::{Plan, Row};
pub use checkpoint::Checkpoint;
pub use entry::Entry;
pub use receipt::Receipt;
pub use snapshot::Snapshot;
pub use storage::{Append, Durability, Expected, Head, Storage};
pub use stream::{Origin, Stream};
pub use tree::{Hash, Tree};
pub use vault::{Commitment, Payload, SubjectId};
