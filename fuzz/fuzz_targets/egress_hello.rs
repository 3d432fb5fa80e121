//! First flights of handshakes: taken or refused, and the same name is read in two pieces as in one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::hello::Hello;

fuzz_target!(|data: &[u8]| {
    let whole = Hello::default().push(data).ok().flatten();
    let middle = data.len() / 2;
    let mut parts = Hello::default();
    let first = parts.push(&data[..middle]).ok().flatten();
    let read = first.or_else(|| parts.push(&data[middle..]).ok().flatten());
    if let Some(whole) = whole {
        assert_eq!(read, Some(whole));
    }
});
