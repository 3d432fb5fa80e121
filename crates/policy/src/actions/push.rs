//! What a push does, as the git door read it off the wire.

use writ_model::{EffectClass, FindingKind, Push, RefStep, Resource};

use super::Found;

// === impl Found ===

impl Found<'_> {
    /// Each ref is an action of its own; so is what the objects hold.
    pub(super) fn push(&mut self, push: &Push) {
        for update in &push.updates {
            let name = short(&update.name).to_owned();
            let (force, because) = match update.step {
                RefStep::Create => (false, "creates the ref"),
                RefStep::Forward => (false, "adds commits to the ref"),
                RefStep::Delete => (true, "deletes the ref"),
                RefStep::Force => (true, "replaces what the ref holds"),
            };
            let resource = Resource::Ref { remote: push.remote.clone(), name, force };
            self.add(EffectClass::GitPush, resource, because);
        }
        if push.updates.is_empty() {
            self.unknown(EffectClass::GitPush, "a push that names no ref");
        }
        for finding in &push.findings {
            let what = format!("{}: {}", finding.path, finding.says);
            match finding.kind {
                FindingKind::Identity => {
                    self.add(EffectClass::IdentityChange, Resource::Identity { what }, "the push carries it");
                }
                FindingKind::Secret => {
                    self.add(EffectClass::SecretRead, Resource::Secret { what }, "the push carries it");
                }
            }
        }
    }
}

/// A branch by its short name; anything else whole.
fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}
