//! Lines of the control socket, and what a snapshot's body is read from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_control::api::{Reply, Request};
use writ_control::fold;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = serde_json::from_slice::<Request>(bytes) {
        // What was read is written and read again as the same operation.
        if let Ok(line) = serde_json::to_vec(&request) {
            let again: Request = serde_json::from_slice(&line).expect("our own line");
            assert_eq!(again.op.name(), request.op.name());
        }
    }
    let _ = serde_json::from_slice::<Reply>(bytes);
    let _ = fold::decode(bytes);
});
