//! The judge through its public door.

#![allow(clippy::disallowed_methods, reason = "tests keep golden files and time what must be bounded")]

mod attacks;
mod classify;
mod ground;
mod judge;
mod matrix;
