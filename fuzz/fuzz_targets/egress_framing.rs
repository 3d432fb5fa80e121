//! Where messages of a connection end: the same, however its bytes are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::framing::Framing;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let whole = Framing::default().push(bytes);
    let mut framing = Framing::default();
    let parts: Vec<usize> =
        bytes.chunks(usize::from(cut).max(1)).filter_map(|part| framing.push(part)).collect();
    assert_eq!(whole, parts.first().copied());
});
