//! The survey: what makes an AI coding tool on this machine behave as it does.
//!
//! Reads files and runs nothing. Everything found is untrusted input: bounded, never obeyed. What could not be looked
//! at is `None`, which means unobserved and never unchanged.
//!
//! ```text
//! let seen = fingerprint(Client::ClaudeCode, &Surroundings { home, workspace, program, arguments });
//! ```

pub mod approval;
pub mod autonomy;
mod bypass;
pub mod ci;
pub mod credential;
mod credential_name;
pub mod detour;
mod digest;
pub mod document;
pub mod finding;
mod fingerprint;
pub mod home;
pub mod identity_code;
pub mod machine;
pub mod provenance;
pub mod reach;
pub mod report;
pub mod sarif;
pub mod secret;
pub mod server;
pub mod session;
pub mod survey;
pub mod tool;
pub mod walk;

pub use fingerprint::{Surroundings, fingerprint};
