//! The way out from both sides: real clients in front, real servers behind, nothing but loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod decisions;
mod heads;
mod lending;
mod long;
mod names;
mod services;
mod speed;
mod streams;
mod tripwire;
mod world;
