//! Push options: what a forge does beside taking the push. Sources: the forges' own documents on push options.

use writ_model::{EffectClass, Push, Resource};

use super::Found;

/// Options that ask for a review or say something of it.
const TALK: &[&str] = &[
    "ci.no_pipeline",
    "ci.skip",
    "description",
    "force-push",
    "merge_request.assign",
    "merge_request.create",
    "merge_request.description",
    "merge_request.draft",
    "merge_request.label",
    "merge_request.milestone",
    "merge_request.remove_source_branch",
    "merge_request.squash",
    "merge_request.target",
    "merge_request.target_project",
    "merge_request.title",
    "merge_request.unassign",
    "merge_request.unlabel",
    "title",
    "topic",
];
/// Options that let the change in.
const MERGE: &[&str] = &["merge_request.auto_merge", "merge_request.merge_when_pipeline_succeeds", "submit"];
/// Options that say what pipelines run with.
const PIPELINE: &[&str] = &["ci.input", "ci.variable"];
/// Options that leave out what would look at the push, or open the repository.
const GUARDS: &[&str] = &[
    "integrations.skip_ci",
    "repo.private",
    "repo.template",
    "secret_detection.skip_all",
    "secret_push_protection.skip_all",
    "security_policy.bypass_reason",
];

// === impl Found ===

impl Found<'_> {
    pub(super) fn push_option(&mut self, push: &Push, option: &str) {
        let name = option.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        let name = name.as_str();
        let repository = || Resource::Repository { name: push.remote.clone() };
        if MERGE.contains(&name) {
            self.add(EffectClass::Publish, repository(), "an option of the push merges the change");
        } else if PIPELINE.contains(&name) {
            let target = format!("pipeline of {}", push.remote);
            let because = "an option of the push says what its pipeline runs with";
            self.add(EffectClass::Deploy, Resource::Deployment { target }, because);
        } else if GUARDS.contains(&name) {
            let what = format!("protection of {}", push.remote);
            let because = "an option of the push leaves out what would look at it, or opens the repository";
            self.add(EffectClass::IdentityChange, Resource::Identity { what }, because);
        } else if TALK.contains(&name) {
            self.add(EffectClass::GitPush, repository(), "an option of the push opens or changes a review");
        } else {
            self.unknown(EffectClass::Unknown, "an option of the push that is not known");
        }
    }

    /// One of the words behind `%` of a ref for reviews.
    pub(super) fn review_wish(&mut self, remote: &str, wish: &str) {
        let name = wish.split('=').next().unwrap_or_default();
        match name {
            "submit" | "l" | "label" => {
                let resource = Resource::Repository { name: remote.to_owned() };
                self.add(EffectClass::Publish, resource, "the push submits or votes for its own review");
            }
            "topic"
            | "t"
            | "hashtag"
            | "m"
            | "message"
            | "wip"
            | "ready"
            | "private"
            | "remove-private"
            | "r"
            | "reviewer"
            | "cc"
            | "notify"
            | "edit"
            | "e"
            | "publish-comments"
            | "no-publish-comments"
            | "draft" => {}
            _ => self.unknown(EffectClass::GitPush, "a wish of a push for review that is not known"),
        }
    }
}
