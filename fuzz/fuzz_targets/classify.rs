//! Any text is classified: no panic, no runaway, and never nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_policy::{Facts, classify};

fuzz_target!(|text: &str| {
    let facts = Facts { workspace: Some("/w"), cwd: Some("/w/a"), home: Some("/home/u") };
    let bare = classify(text, &facts);
    assert!(!bare.effects.is_empty());
    let first = classify(&format!("true && {text}"), &facts);
    assert!(!first.effects.is_empty());
});
