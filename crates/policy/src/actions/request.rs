//! What a request does, as the egress proxy read it off the wire.

use writ_model::{EffectClass, Request, Resource};

use super::Found;

// === impl Found ===

impl Found<'_> {
    pub(super) fn request(&mut self, request: &Request) {
        let name = request.authority();
        self.add(EffectClass::Network, Resource::Host { name }, "the request goes to it");
    }
}
