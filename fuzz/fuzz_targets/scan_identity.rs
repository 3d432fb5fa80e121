//! Any bytes are code that makes identities or none, in every notation: no panic, and an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::identity_code::identities;

fuzz_target!(|bytes: &[u8]| {
    for name in ["main.tf", "main.tf.json", "role.json", "role.yaml"] {
        let _ = identities(name, bytes);
    }
});
