//! The door from outside: real wire messages in, replies out, with the shipped policies and an office in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod attacks;
mod bounds;
mod calls;
mod granted;
mod held;
mod leaving;
mod limits;
mod office;
mod recorded;
mod say;
mod standing;
mod taint;
