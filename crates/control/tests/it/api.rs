//! The office's doors: the control socket and loopback HTTP.

mod lines;
mod public;
mod refusals;
mod server;
mod socket;
mod streams;
