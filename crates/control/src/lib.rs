//! The office: registry, tasks, writs, approvals, revocation, audit, and the ledger's stores.

pub mod api;
pub mod fold;
pub mod keys;
pub mod writ;
