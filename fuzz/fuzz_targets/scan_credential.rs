//! Any bytes stand where a tool keeps its credentials: no reader panics, and each ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::credential::of_bytes;
use writ_scan::secret::Marker;

fuzz_target!(|bytes: &[u8]| {
    let _ = of_bytes(bytes, &Marker::new(b"a key of the target"));
});
