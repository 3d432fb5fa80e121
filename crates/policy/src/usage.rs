//! What a task has used of those limits that depend on what calls do: how often something left the machine, and how
//! many files were changed.

use std::collections::BTreeSet;

use writ_model::{Action, CloseCause, EffectClass, Limits, Resource};

use crate::host::Zone;

/// Counts of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    outward: u64,
    files: BTreeSet<String>,
}

// === impl Usage ===

impl Usage {
    /// The limit that a call with these actions would go beyond, if any.
    pub fn beyond(&self, actions: &[Action], limits: &Limits) -> Option<CloseCause> {
        if actions.iter().any(is_outward) && limits.outward_calls.is_some_and(|most| self.outward >= most) {
            return Some(CloseCause::OutwardLimit);
        }
        let fresh: BTreeSet<&str> = written(actions).filter(|path| !self.files.contains(*path)).collect();
        let files = self.files.len().saturating_add(fresh.len());
        let files = u64::try_from(files).unwrap_or(u64::MAX);
        let is_beyond = !fresh.is_empty() && limits.files_written.is_some_and(|most| files > most);
        is_beyond.then_some(CloseCause::FileLimit)
    }

    /// Counts a call that was allowed.
    pub fn count(&mut self, actions: &[Action]) {
        self.outward = self.outward.saturating_add(u64::from(actions.iter().any(is_outward)));
        self.files.extend(written(actions).map(str::to_owned));
    }

    /// How many calls reached out of the machine.
    pub const fn outward(&self) -> u64 {
        self.outward
    }

    /// How many files were changed, each once.
    pub fn files(&self) -> u64 {
        u64::try_from(self.files.len()).unwrap_or(u64::MAX)
    }
}

/// Whether an action can carry something out of the machine.
fn is_outward(action: &Action) -> bool {
    match (action.effect, &action.resource) {
        (EffectClass::Network, Resource::Host { name }) => Zone::of(name) != Zone::Loopback,
        (_, Resource::McpTool { .. }) => true,
        (
            EffectClass::Network
            | EffectClass::PackageInstall
            | EffectClass::GitPush
            | EffectClass::Publish
            | EffectClass::Deploy,
            _,
        ) => true,
        (
            EffectClass::Read
            | EffectClass::WriteWorkspace
            | EffectClass::BuildTest
            | EffectClass::SecretRead
            | EffectClass::IdentityChange
            | EffectClass::Destructive
            | EffectClass::EscapeAttempt
            | EffectClass::Unknown,
            _,
        ) => false,
    }
}

fn written(actions: &[Action]) -> impl Iterator<Item = &str> {
    actions.iter().filter_map(|action| match (&action.resource, action.effect) {
        (
            Resource::Path { path, .. },
            EffectClass::WriteWorkspace | EffectClass::Destructive | EffectClass::IdentityChange,
        ) if !path.starts_with("/dev/") => Some(path.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use writ_model::Place;

    use super::*;

    fn action(effect: EffectClass, resource: Resource) -> Action {
        Action { effect, resource, because: Default::default() }
    }

    #[test]
    fn only_what_leaves_and_what_is_new_counts() {
        let limits = Limits { outward_calls: Some(2), files_written: Some(2), ..Limits::default() };
        let host = |name: &str| vec![action(EffectClass::Network, Resource::Host { name: name.to_owned() })];
        let write =
            |path: &str| vec![action(EffectClass::WriteWorkspace, Resource::path(path, Place::Workspace))];
        let mut usage = Usage::default();
        for actions in
            [host("localhost:3000"), host("example.org"), write("/w/a"), write("/w/a"), write("/w/b")]
        {
            assert_eq!(usage.beyond(&actions, &limits), None);
            usage.count(&actions);
        }
        let tool = vec![action(
            EffectClass::Unknown,
            Resource::McpTool { server: "forge".to_owned(), tool: "get".to_owned() },
        )];
        assert_eq!(usage.beyond(&tool, &limits), None);
        usage.count(&tool);
        assert_eq!((usage.outward(), usage.files()), (2, 2));
        assert_eq!(usage.beyond(&host("example.org"), &limits), Some(CloseCause::OutwardLimit));
        assert_eq!(usage.beyond(&host("127.0.0.1"), &limits), None);
        assert_eq!(usage.beyond(&write("/w/a"), &limits), None);
        assert_eq!(usage.beyond(&write("/w/c"), &limits), Some(CloseCause::FileLimit));
    }
}
