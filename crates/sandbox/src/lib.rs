//! The yard: what an agent sees, writes, runs, calls and reaches, whatever it is told.
//!
//! # The problem
//!
//! A coding agent runs as its user, and its user owns the control plane's socket, the signing key, the ledger, the
//! session bus. Whatever the agent is told, it could approve its own requests with them. So the agent is started where
//! these do not exist: in namespaces of its own, with file rights and a filter of system calls, with an environment and
//! descriptors that were chosen one by one, and in a process tree that ends as a whole.
//!
//! # A worked example
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     // First of all: the yard starts this binary again as its own stages.
//!     if let Some(code) = writ_sandbox::dispatch(std::env::args_os()) {
//!         return code;
//!     }
//!     let plan = Plan::draw(Profile {
//!         command: "claude".into(),
//!         env: vec![("PATH".into(), "/usr/bin:/bin".into())],
//!         cwd: "/home/ada/shop".into(),
//!         hide: vec!["/home/ada/.local/state/writ".into()],
//!         hide_if_present: writ_sandbox::ways_out(1000),
//!         keep: vec!["/home/ada/.local/state/writ/run/task-1".into()],
//!         ..Profile::default()
//!     })?;
//!     println!("{plan}");                                   // every step, before any is done
//!     let running = start(&plan, Streams::inherit()?)?;     // returns when all layers are in force
//!     // from another thread, on revocation: running.kill_tree()
//!     running.wait().exit_code().into()
//! }
//! ```
//!
//! # How it holds
//!
//! * **All or nothing.** Each [`Layer`] is put on, then tried from inside with the client's powers (the canary). One
//!   that does not hold is a [`StartError::Layer`] that names it and the host's reason, and the client is never run.
//! * **Masks cannot be taken off.** The client has no capability in the namespace that owns them, and in any namespace
//!   it makes itself the kernel locks them together with what is below. Other names of a hidden directory (bind mounts
//!   of the host) are found and hidden; a directory above a mask cannot be renamed to put a false one in its place.
//! * **One tree.** The first process inside is out of the client's reach (not dumpable, immune to its signals). Its end
//!   is the end of all, daemons included: on [`Running::kill_tree`], when the client ends, when the handle is dropped,
//!   when the supervisor is killed.
//! * **The terminal is lent.** The client is a process group of its own, so `kill 0` does not reach the supervisor. It
//!   gets the terminal when it would have had it, a stop key stops the whole job and everything inside, and modes are
//!   restored after a kill.
//! * **Who asks.** [`origin_of`] tells a control plane whether the peer of a socket lives outside every sandbox.
//!
//! # What a client notices
//!
//! Renames across a directory above a mask fail with `EXDEV`, as between two file systems; programs copy instead.
//! Nested sandboxes, debuggers and 32-bit programs do not run. Changes in private and copied directories are gone at the
//! end.
//!
//! # What is deliberately absent
//!
//! * **Decisions**: the yard is told what shows, what is written and who listens. It knows no client and no host.
//! * **Forwarding**: it makes listening sockets inside and hands them out ([`Running::take_listeners`]).
//! * **Groups**: supplementary groups stay, since only a privileged process may drop them. A member of `docker` or
//!   `disk` is kept out by [`ways_out`] and by nothing else.
//! * **Root**: a yard started by root has few device nodes and protects kernel settings; root reads all files of the
//!   system that show.
//! * **What is made later**: a path that does not exist cannot be masked ([`Plan::absent`] lists them).
//! * **Resources**: processes and private directories are bounded; memory where a control group is delegated; time is not.
//! * **While a job is stopped** with the stop key, the supervisor is stopped too. Everything inside is stopped with it.
//!   A control plane that must revoke then kills the supervisor, and the tree dies with it.
//! * **Other systems**: Linux 6.2 or later, with Landlock, on x86-64 and 64-bit ARM only.
//!
//! With [`Danger::NoNamespaces`] nothing is hidden and the client can end its own helper; see there.
//!
//! # Trust
//!
//! | thing | trusted | what an attacker who owns it can do |
//! |---|---|---|
//! | control socket between the stages | yes; no client ever holds an end | start another program with the same layers |
//! | lifeline | yes; held by the supervisor and the first process | end the yard |
//! | `/proc` of the host | yes | hide other names of a directory from the plan |
//! | `PATH` of the client's environment | no; used inside only | choose which program runs inside |

mod filter;
mod group;
mod layer;
mod limits;
mod peer;
mod plan;
mod probe;
mod profile;
mod recorder;
mod relay;
mod stage;
mod start;
mod sys;
mod ways_out;
mod wire;

pub use filter::refused_calls;
pub use layer::{Layer, Refusal};
pub use limits::PRIVATE_BYTES;
pub use peer::{Namespace, Peer, PeerOrigin, Process, myself, origin_of, seen_from_inside};
pub use plan::{Plan, PlanError};
pub use probe::{Finding, Host, probe, rehearsed};
pub use profile::{Danger, Profile};
pub use recorder::{Found, Recorder, Started};
pub use stage::dispatch;
pub use start::{Ended, Running, Standing, StartError, StillAlive, Streams, start, start_after};
pub use sys::give_memory_back;
pub use ways_out::ways_out;
