//! Positions of the outermost text.

use std::ops::Range;

/// Maps positions of the outermost text (in characters) to bytes.
#[derive(Debug)]
pub(super) struct Source {
    length: usize,
    /// Byte offset of each character; empty when characters are bytes.
    offsets: Vec<usize>,
}

// === impl Source ===

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
        };
        Self { length: text.len(), offsets }
    }

    pub(super) fn bytes(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let at = |index: usize| match self.offsets.as_slice() {
            [] => (index <= self.length).then_some(index),
            offsets => offsets.get(index).copied(),
        };
        Some(at(start)?..at(end)?).filter(|range| range.start <= range.end)
    }
}
