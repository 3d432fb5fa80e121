//! Any address has one host or none, and a host that was read is its own normal form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_policy::{Zone, host_of};

fuzz_target!(|text: &str| {
    if let Some(host) = host_of(text) {
        assert!(host_of(&format!("http://{host}/")).is_some());
        let _ = Zone::of(&host);
    }
});
