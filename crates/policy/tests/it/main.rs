//! The judge through its public door.

#![allow(clippy::disallowed_methods, reason = "tests keep golden files and time what must be bounded")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails loudly"
)]

mod attacks;
mod chains;
mod classify;
mod commands;
mod friction;
mod git;
mod ground;
mod identity;
mod judge;
mod matrix;
mod push;
mod random;
mod request;
mod taint;
mod touch;
