//! What a push does, as the git door read it off the wire.

mod options;

use writ_model::{Binding, EffectClass, FindingKind, Place, Push, RefStep, Resource};

use super::Found;

/// How many files of one push are judged one by one, those first that something obeys. A push that changes more is
/// shown to a person.
const FILES: usize = 160;

// === impl Found ===

impl Found<'_> {
    /// Each ref is an action of its own; so is each file, as if it had been written, and what the objects hold.
    pub(super) fn push(&mut self, push: &Push) {
        for update in &push.updates {
            self.update(push, &update.name, update.step);
        }
        if push.updates.is_empty() {
            self.unknown(EffectClass::GitPush, "a push that names no ref");
        }
        for option in &push.options {
            self.push_option(push, option);
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
        if push.is_cut {
            self.unknown(EffectClass::Unknown, "which files the push changes cannot be said");
        }
        self.files_of_push(push);
    }

    fn update(&mut self, push: &Push, name: &str, step: RefStep) {
        let remote = push.remote.clone();
        let (force, because) = match step {
            RefStep::Create => (false, "creates the ref"),
            RefStep::Forward => (false, "adds commits to the ref"),
            RefStep::Delete => (true, "deletes the ref"),
            RefStep::Force => (true, "replaces what the ref holds"),
        };
        if !name.starts_with("refs/") {
            return self.unknown(EffectClass::GitPush, "a push to what is no ref");
        }
        // What follows the sign is a wish to the server of reviews (Gerrit).
        let (plain, wishes) = name.split_once('%').unwrap_or((name, ""));
        let is_review = plain.starts_with("refs/for/") || plain.starts_with("refs/publish/");
        let resource = Resource::Ref { remote: remote.clone(), name: short(plain).to_owned(), force };
        self.add(EffectClass::GitPush, resource.clone(), because);
        if force {
            self.add(EffectClass::Destructive, resource, because);
        }
        if plain.starts_with("refs/meta/") {
            let what = format!("{plain} of {remote}");
            let because = "the ref says who may do what with the repository";
            self.add(EffectClass::IdentityChange, Resource::Identity { what }, because);
        }
        if !wishes.is_empty() {
            if is_review {
                for wish in wishes.split(',') {
                    self.review_wish(&remote, wish);
                }
            } else {
                self.unknown(EffectClass::GitPush, "a ref with wishes that nobody knows");
            }
        }
    }

    fn files_of_push(&mut self, push: &Push) {
        const SAYS: &str = "the push changes it for all who have the repository";
        let root = self.workspace.root.clone();
        let cwd = root.to_str().unwrap_or_default();
        let is_obeyed = |file: &&String| {
            self.workspace.place(self.files, cwd, &format!("{cwd}/{file}")).map_or(true, |found| {
                found.iter().any(|placed| {
                    placed.place != Place::Workspace
                        || placed.binding.is_some_and(|binding| binding != Binding::LockFile)
                })
            })
        };
        let (obeyed, plain): (Vec<&String>, Vec<&String>) = push.paths.iter().partition(is_obeyed);
        for file in obeyed.iter().chain(&plain).take(FILES) {
            self.file_of_repository(file, SAYS);
        }
        if push.paths.len() > FILES {
            self.unknown(
                EffectClass::WriteWorkspace,
                "the push changes more files than are judged one by one",
            );
        }
    }
}

/// A branch by its short name; anything else whole.
fn short(name: &str) -> &str {
    match name.strip_prefix("refs/heads/") {
        // A branch that plays a ref of another sort keeps its whole name, and is nobody's own.
        Some(short) if short.starts_with("refs/") => name,
        Some(short) => short,
        None => name,
    }
}
