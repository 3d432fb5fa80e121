//! Any names, addresses and message: an answer, with a reason for each agent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::provenance::{Commit, classify};

fuzz_target!(|input: (&str, &str, &str, &str, &str)| {
    let (author_name, author_email, committer_name, committer_email, message) = input;
    let said = classify(&Commit { author_name, author_email, committer_name, committer_email, message });
    assert_eq!(said.agents.len(), said.because.len());
});
