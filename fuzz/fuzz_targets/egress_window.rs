//! What is looked for in a stream: the pieces do not matter, and nothing that was there remains.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::find::{Needles, Window};

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<Vec<u8>>)| {
    let (texts, pieces) = input;
    let mut needles = Needles::default();
    for (tag, text) in texts.iter().take(8).enumerate() {
        needles.add(tag, text, b"");
        needles.add_encoded(tag, text, b"");
    }
    let needles = Arc::new(needles);
    let through = |pieces: &[Vec<u8>]| {
        let mut window = Window::new(Arc::clone(&needles));
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&window.push(piece.clone().into()).bytes);
        }
        out.extend_from_slice(&window.finish().bytes);
        out
    };
    let whole = pieces.concat();
    let out = through(&pieces);
    assert_eq!(out, through(std::slice::from_ref(&whole)));
    if needles.find(&whole).is_none() {
        assert_eq!(out, whole);
    }
});
