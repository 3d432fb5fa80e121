//! What a request does, as the egress proxy read it off the wire.

use writ_model::{Because, EffectClass, Request, Resource};

use super::Found;
use crate::request::{self, What};

// === impl Found ===

impl Found<'_> {
    /// The host that is reached, and what is asked of it.
    pub(super) fn request(&mut self, request: &Request) {
        let name = request.authority();
        let asked = request::read(request, self.known);
        if !asked.is_whole {
            self.add(EffectClass::Network, Resource::Host { name }, request::says(request));
        }
        for ask in asked.asks {
            match ask.what {
                What::Resource(resource) => self.add(ask.effect, resource, ask.says.as_str()),
                What::File(file) => self.file_of_repository(&file, &ask.says),
            }
        }
    }

    /// A file of the repository that somebody else's copy of it gets: judged as if it had been written here.
    pub(super) fn file_of_repository(&mut self, file: &str, says: &str) {
        let root = self.workspace.root.clone();
        let is_below = !file.is_empty()
            && !file.starts_with('/')
            && !file.contains('\0')
            && file.split('/').all(|part| !matches!(part, "" | "." | ".."));
        match root.to_str() {
            Some(root) if is_below => {
                self.path(EffectClass::WriteWorkspace, &format!("{root}/{file}"), Because::from(says));
            }
            Some(_) | None => self.unknown(EffectClass::WriteWorkspace, "a file whose path cannot be read"),
        }
    }
}
