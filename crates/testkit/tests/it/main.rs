//! The four real clients, run plain: without Writ, so that what is said of them here is their own doing.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking, in its helpers too"
)]

mod clients;
mod recorder;
