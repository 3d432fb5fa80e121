//! Any bytes are git's settings of a working copy: each credential that is told stands on a line of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::survey::credentials_of_git;

fuzz_target!(|bytes: &[u8]| {
    let lines = String::from_utf8_lossy(bytes).lines().count();
    for found in credentials_of_git(bytes) {
        assert!(found.line >= 1 && found.line as usize <= lines);
    }
});
