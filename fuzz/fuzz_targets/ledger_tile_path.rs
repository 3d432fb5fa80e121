//! Tile paths from untrusted requests: refused, or canonical.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_ledger::tile::TilePath;

fuzz_target!(|path: &str| {
    if let Ok(parsed) = TilePath::parse(path) {
        assert_eq!(parsed.to_string(), path);
    }
});
