//! Frames of a web socket: read alike in any pieces, and never more than came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::Frames;

fuzz_target!(|input: (&[u8], u8)| {
    let (bytes, step) = input;
    let whole = Frames::default().payload(bytes);
    let mut frames = Frames::default();
    let mut pieces = Ok(Vec::new());
    for piece in bytes.chunks(usize::from(step).max(1)) {
        match (&mut pieces, frames.payload(piece)) {
            (Ok(all), Ok(more)) => all.extend(more),
            (pieces, Err(error)) => {
                *pieces = Err(error);
                break;
            }
            (Err(_), Ok(_)) => break,
        }
    }
    assert_eq!(whole.is_ok(), pieces.is_ok());
    if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
        assert_eq!(whole, pieces);
        assert!(whole.len() <= bytes.len());
    }
});
