//! The ledger's engines: one suite for all of them, and what only files can suffer.

#![cfg(test)]

mod conformance;
mod crash;
mod disk;
mod erase;
mod fixture;
mod opening;
mod tamper;
mod torn;
