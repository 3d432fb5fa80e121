//! Any bytes are a cache of a scan or none, and what was kept is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::walk::cache::Cache;

fuzz_target!(|bytes: &[u8]| {
    let _ = Cache::new(bytes, 0).bytes();
    // Behind the head, which nobody guesses.
    let whole = [&Cache::default().bytes(), bytes].concat();
    let _ = Cache::new(&whole, 0).bytes();
});
