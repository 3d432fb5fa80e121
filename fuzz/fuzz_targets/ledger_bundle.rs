//! Entry bundles: every byte belongs to an entry, or the walk says where the bundle breaks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_ledger::entry::{BundleEntries, BundleError};

fuzz_target!(|bundle: &[u8]| {
    let mut seen = 0;
    for entry in BundleEntries::new(bundle) {
        match entry {
            Ok(entry) => seen += entry.len() + 2,
            Err(BundleError::Truncated { at }) => {
                assert_eq!(at, seen);
                return;
            }
        }
    }
    assert_eq!(seen, bundle.len());
});
