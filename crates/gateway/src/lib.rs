//! The doors: where a client's bytes become a call that is judged, recorded and answered.
//!
//! A client speaks its own wire format and honours its own form of "no". So each has one file in [`hook`] that reads and
//! writes it, and everything behind speaks [`writ_model`]. The way of a call, each arrow consuming what stands before it:
//!
//! ```text
//! bytes → ToolCall → (session, task, taint) → Permit | Denial | StepUp → Receipt → Admitted<ToolCall> → reply
//! ```
//!
//! "Allow" can only be written with an [`Admitted`] call, which takes a permit that only the judge makes and the receipt
//! of its own record. Every error on the way is a refusal in the client's form.
//!
//! ```text
//! let door = Door::new(ports, plan);                     // one per hook socket
//! let reply = door.handle(frame, peer_pid).await;        // for each hook process
//! door.end_sessions().await;                             // when the client has gone
//! ```
//!
//! [`git`] reads what goes to a git server and lays a push out until it is decided. What other rooms do is asked for through [`port`]. [`setup`] puts the hooks into clients, [`coverage`] says what they
//! see there and what they miss. Deliberately absent: sockets, SQL, keys, Cedar.

mod admit;
mod aside;
pub mod coverage;
mod door;
pub mod git;
pub mod hook;
pub mod http;
mod judge;
pub mod model_traffic;
pub mod names;
pub mod port;
pub mod setup;
mod shown;
mod yes;

pub use admit::{AdmitError, Admitted};
pub use door::{Door, DoorPlan, ModelDoor, Ports, WayOut, WaysOut, unapprovable};
pub use judge::{Bench, Judge, NoJudge, PolicyBench};
pub use shown::plain;
