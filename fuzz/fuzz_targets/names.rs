//! Whatever is asked of a sandbox's resolver: a short answer or none, and never an answer to an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::names::answer;

fuzz_target!(|message: &[u8]| {
    if let Some(found) = answer(message) {
        assert!(found.bytes.len() <= 300);
        assert!(found.asked.is_none_or(|name| name.len() <= 1020));
        assert_eq!(answer(&found.bytes), None);
    }
});
