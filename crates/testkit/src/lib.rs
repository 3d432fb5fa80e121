//! Test parts: what the end-to-end tests run the house against. Dev-dependency only.
//!
//! A real coding client needs a model. [`ScriptedModel`] is one: a loopback server that speaks the four wire
//! formats the clients speak and plays a [`Script`], a list of turns such as "run this command" or "spawn a
//! subagent". [`Clients`] builds the command that starts each real client headless on that model, in a [`Stage`]:
//! a throw-away home and repository. The clients keep running their own code, so what a test sees is what a user
//! would see.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use writ_model::Client;
//! use writ_testkit::{Clients, ScriptedModel, Script, Stage};
//!
//! let model = ScriptedModel::start(Script::new().shell("touch made").say("done"))?;
//! let stage = Stage::new(env!("CARGO_TARGET_TMPDIR").as_ref())?;
//! let clients = Clients::find(env!("CARGO_MANIFEST_DIR").as_ref())?;
//! let ended = clients.headless(Client::ClaudeCode, &model, &stage, "make it")?.run(Duration::from_secs(60))?;
//! assert!(ended.status.success() && stage.repo().join("made").exists());
//! # Ok(()) }
//! ```
//!
//! [`GitServer`] is a git server: the real `git http-backend` on loopback.
//!
//! Invariants: loopback only; no real account and no real key; nothing outside the stage is written; every wait has
//! a limit. A missing client is an error and never a skipped test.

mod client;
mod git_server;
mod invocation;
mod script;
mod scripted_model;
mod stage;

pub use client::{Clients, ClientsError};
pub use git_server::{GitServer, Head, Incoming};
pub use invocation::{Ended, Invocation, InvocationError, Running};
pub use script::{Script, Turn};
pub use scripted_model::{Exchange, Lane, ScriptedModel, ToolResult};
pub use stage::Stage;
