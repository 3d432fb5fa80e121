//! The real binary, driven as a person or a client drives it.

mod corner;
mod hook;
