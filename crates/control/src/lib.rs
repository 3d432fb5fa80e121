//! The office: registry, tasks, writs, approvals, revocation, audit, and the ledger's stores.

pub mod api;
