//! The real binary, driven as a person or a client drives it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking, in its helpers too"
)]

mod absent;
mod bounds;
mod cast;
mod certificate;
mod check;
mod classify;
mod compatibility;
mod corner;
mod coverage;
mod demo;
mod doctor;
mod egress;
mod escape;
mod git_way;
mod grant;
mod hook;
mod house;
mod install;
mod mark;
mod model;
mod parts;
mod policy;
mod provenance;
mod reach;
mod real_client;
mod replay;
mod run;
mod scan;
mod scan_home;
mod scan_secrets;
mod secret;
mod serve;
mod terminal;
mod yard;
