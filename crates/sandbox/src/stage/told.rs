//! What a stage tells the supervisor of its layers: together, with the next word that matters. Each word by itself would
//! wake the supervisor once, and a start consists mostly of that.

use std::io;
use std::os::unix::net::UnixStream;

use crate::layer::Layer;
use crate::wire::{self, Up};

/// The layers that are in force and not told of yet.
pub(super) struct Told<'a> {
    supervisor: &'a UnixStream,
    layers: Vec<Layer>,
}

// === impl Told ===

impl<'a> Told<'a> {
    pub(super) const fn new(supervisor: &'a UnixStream) -> Self {
        Self { supervisor, layers: Vec::new() }
    }

    /// A layer is in force.
    pub(super) fn applied(&mut self, layer: Layer) {
        self.layers.push(layer);
    }

    /// Tells what is in force by now, and a word.
    pub(super) fn say(&mut self, word: &Up) -> io::Result<()> {
        if self.layers.is_empty() {
            return wire::send(self.supervisor, word);
        }
        wire::send_both(self.supervisor, &Up::Applied(std::mem::take(&mut self.layers)), word)
    }
}
