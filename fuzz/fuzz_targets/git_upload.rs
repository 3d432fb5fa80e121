//! A request for refs or objects, compressed or not: of a known kind, or refused, within bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::git::{Inflater, UploadReader, recognise};

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (path, query, bytes) = input;
    let _ = recognise("forge.example", "POST", path, Some(query));
    let mut reader = UploadReader::default();
    if reader.take(bytes).is_ok() {
        let _ = reader.finish();
    }
    let mut inflater = Inflater::default();
    let (mut rest, mut piece) = (bytes, Vec::new());
    while let Ok(true) = inflater.next(&mut rest, &mut piece) {
        assert!(piece.len() <= 1 << 20);
    }
    let _ = inflater.finish();
});
