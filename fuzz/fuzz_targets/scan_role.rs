//! Any bytes are a person's role or none, in every notation that one is read in: no panic, and an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::document::{self, Notation};
use writ_scan::reach::role::Role;

fuzz_target!(|bytes: &[u8]| {
    for notation in [Notation::Json, Notation::Toml, Notation::Yaml] {
        if let Ok(document) = document::parse(bytes, notation) {
            let _ = Role::read(&document);
        }
    }
});
