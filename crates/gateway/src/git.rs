//! The git door: smart HTTP, as far as the egress proxy sees it.
//!
//! A fetch is decided by its repository. A push is decided by what it does: each ref that it moves, each file that
//! differs, what the new objects hold. For that its commands are parsed, its pack is laid on disk and taken into a room
//! beside a mirror of the remote, and only what was looked at there goes on.
//!
//! ```text
//! match recognise(authority, method, path, query) {
//!     Recognised::Git(call) => …                             // which service, step and repository
//!     Recognised::Other => …                                 // an ordinary request
//!     Recognised::Lfs { .. } | Recognised::Refused(_) => …
//! }
//! // GET …/info/refs?service=git-receive-pack: the server's answer goes through, and is read
//! let mut advertisement = Advertisement::default();
//! advertisement.take(bytes, &mut out)?;
//! door.advertised(&call.remote, advertisement)?;
//! // POST …/git-receive-pack
//! let mut intake = door.receive(&call.remote, account, Encoding::Plain);
//! intake.take(bytes).await?;                                 // to the end, whatever is wrong
//! match intake.finish().await {
//!     Received::Probe => …                                   // 200 with nothing
//!     Received::Refused(refused) => …                        // 200 with refused.body, else 403
//!     Received::Push(prepared) => …                          // decide on prepared.push(), record prepared.commits()
//! }
//! let mut body = prepared.forward().await?;                  // or prepared.refuse(&reasons, &says)
//! let mut report = ReportReader::new(&commands);             // reads the server's answer while it goes through
//! // where prepared.narrow(&keep).await took refs out, Joined adds them to that answer
//! body.finish(&report.finish()?).await;                      // what the server took, the mirror keeps
//! // POST …/git-upload-pack: UploadReader checks the request while it goes through
//! ```
//!
//! Deliberately absent: running git. That is behind [`Mirrors`] and [`Room`].

mod address;
mod advertisement;
mod capability;
mod command;
mod finding;
mod inflate;
mod inspect;
mod oid;
mod pkt;
mod push;
mod ref_name;
mod report;
mod room;
mod spool;
mod ssh;
mod standing;
mod upload;

pub use address::{AddressError, GitCall, Recognised, Service, Step, leads_to_git, recognise};
pub use advertisement::{Advertisement, AdvertisementError, refused as refused_advertisement};
pub use capability::Capabilities;
pub use command::{Command, CommandError, CommandReader, Commands, Heading, MAX_COMMANDS};
pub use inflate::{InflateError, Inflater, MAX_INFLATED_BYTES};
pub use oid::{ObjectFormat, Oid};
pub use pkt::{MAX_PKT_BYTES, Pkt, PktError, PktReader};
pub use push::{Encoding, Forward, Intake, Prepared, PushDoor, PushError, Received, Refused};
pub use ref_name::problem_of_ref;
pub use report::{Joined, Report, ReportError, ReportReader, Status, refusal, refused_pack};
pub use room::{
    Change, Changes, GitError, Mirrors, NewCommits, NewObjects, ObjectKind, Piece, PushedCommit, ReadBounds,
    Room,
};
pub use spool::{Arriving, MAX_PACK_BYTES, SpoolError};
pub use ssh::ssh_hint;
pub use upload::{Upload, UploadError, UploadReader};

#[cfg(test)]
mod tests;
