//! Chains of calls: what the sessions of a task have let in, where it went, and what a call has to do with it.
//!
//! A single call is judged by what it does. Most attacks on agents are chains of harmless ones: a page is read, a file
//! is written after it, the file is run; a secret is read, a link is fetched. So the calls of all sessions and
//! subagents of one task share one [`Session`], which knows
//!
//! - **sources**: untrusted text, private data and secrets that came in, with where from and by which call;
//! - **marks**: files that were written from them, which carry the same over to later tasks of the same workspace;
//! - **stretches**: keyed hashes of untrusted texts and of secrets, to recognise them when they are written or said.
//!
//! ```text
//! let print = Footprint::of(&call, &actions, &ground);
//! let before = session.before(&print, &ground);       // taint, chain and story for the Moment
//! judge.judge(call, &Moment { taint: before.taint, chain: before.chain, story: before.story, … }, files)
//! let risen = session.after(&print, &ground);         // allowed: before the answer leaves
//! let risen = session.heard(call, &Claim { output, untrusted: false });   // the client told what came back
//! ```
//!
//! Taint only rises. Nothing a client says lowers it, and neither a summary of the conversation nor another session of
//! the task begins anew. What is not followed: content that is encoded, reworded or typed anew from memory, pieces
//! shorter than a stretch, and what programs do among themselves once they run. The sandbox and the proxies are what
//! stops those.

mod beacon;
mod carried;
mod command;
mod footprint;
mod ground;
mod marks;
mod output;
mod session;
mod story;
mod stretch;
mod words;

pub(crate) use command::{Change, changes, links};
pub use footprint::Footprint;
pub use ground::{Ground, PrivateData};
pub use marks::{MARKS, Mark, Marked, PathKey};
pub use output::Claim;
pub use session::{Before, Risen, Session, SessionKeys};
pub use story::{Story, Trace};
