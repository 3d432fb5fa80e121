//! The real binary, driven as a person or a client drives it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking, in its helpers too"
)]

mod cast;
mod corner;
mod coverage;
mod demo;
mod hook;
mod house;
mod real_client;
mod run;
