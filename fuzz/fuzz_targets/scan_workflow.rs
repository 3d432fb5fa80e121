//! Any YAML is a workflow or none: no panic, and no call of local files without end, even where each names itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::ci::{audit, gitlab};
use writ_scan::document::{Notation, parse};

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = parse(bytes, Notation::Yaml) else { return };
    let _ = audit(&document, &|_| Some(bytes.to_vec()));
    let _ = gitlab::audit(&document, &|path| {
        parse(bytes, Notation::Yaml).ok().map(|node| (path.to_owned(), node)).into_iter().collect()
    });
});
