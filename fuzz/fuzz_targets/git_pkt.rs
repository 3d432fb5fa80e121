//! Packet lines: however the bytes are cut, the same lines come out, and none is longer than git has them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::git::{MAX_PKT_BYTES, Pkt, PktError, PktReader};

fn read(bytes: &[u8], cut: usize) -> Result<Vec<Pkt>, PktError> {
    let mut reader = PktReader::default();
    let mut found = Vec::new();
    for mut piece in bytes.chunks(cut) {
        while let Some(pkt) = reader.next(&mut piece)? {
            if let Pkt::Data(data) = &pkt {
                assert!(data.len() <= MAX_PKT_BYTES - 4);
            }
            found.push(pkt);
        }
    }
    Ok(found)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    assert_eq!(read(bytes, usize::from(cut) + 1), read(bytes, usize::MAX));
});
