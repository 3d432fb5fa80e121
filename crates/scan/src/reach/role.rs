//! A person's role: what its holder reaches by the same rules, so that it shows what an agent has beyond it.

use thiserror::Error;

use super::facts::Facts;
use super::{Place, Reach, Refused, reach};
use crate::document::Node;

/// Most rights that a role lists.
const MAX_LISTED: usize = 10_000;
/// GitLab's access level from which a member may push (docs.gitlab.com, "Members API": 30 is Developer).
const GITLAB_PUSHES: u64 = 30;

/// The rights of a role.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Role {
    pub name: String,
    /// Its holders push branches.
    pub push: bool,
    /// They edit workflows, so that they choose what runs.
    pub edit_workflows: bool,
    /// What they reach in other ways: the kind of a place and its name, which may end in `*`.
    pub reaches: Vec<(String, String)>,
}

/// Why a document is no role.
#[derive(Debug, Error, PartialEq)]
pub enum RoleError {
    #[error("`{0}` is no role of a forge that is known")]
    Unknown(String),
    #[error("`{0}` is written KIND:NAME, as `secret:DEPLOY_KEY` or `cloud:*`")]
    Right(String),
    #[error("it lists more than {MAX_LISTED} rights")]
    TooMany,
    #[error(
        "it is neither a role of ours (`role`, `push`, `edit_workflows`, `reaches`) nor a forge's export of one"
    )]
    NoRole,
}

// === impl Role ===

impl Role {
    /// Reads a role: ours, GitHub's answer about a collaborator's permission or a custom role, or GitLab's about a member.
    ///
    /// # Errors
    ///
    /// [`RoleError`] when it is none of them; nothing is guessed.
    pub fn read(document: &Node) -> Result<Self, RoleError> {
        let text = |key: &str| document.get(key).and_then(Node::text).map(str::to_owned);
        if let Some(name) = text("role") {
            let is = |key: &str| document.get(key).is_some_and(Node::is_true);
            let listed = document.get("reaches").map_or(&[][..], Node::items);
            if listed.len() > MAX_LISTED {
                return Err(RoleError::TooMany);
            }
            let reaches = listed.iter().map(right).collect::<Result<_, _>>()?;
            return Ok(Self { name, push: is("push"), edit_workflows: is("edit_workflows"), reaches });
        }
        // A custom role has a name of its own, and stands on one that is known.
        for key in ["base_role", "role_name", "permission"] {
            if let Some(name) = text(key) {
                match Self::of_github(&name) {
                    Ok(role) => return Ok(role),
                    // A custom role as the answer about a collaborator names it: `permission` says what it stands on.
                    Err(_) if key == "role_name" && text("permission").is_some() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(permissions) = document.get("permissions") {
            let is = |key: &str| permissions.get(key).is_some_and(Node::is_true);
            let known = ["admin", "maintain", "push", "triage", "pull"];
            if known.iter().any(|key| permissions.get(key).is_some()) {
                let name = known.iter().find(|key| is(key)).copied().unwrap_or("none");
                return Self::of_github(match name {
                    "push" => "write",
                    "pull" => "read",
                    name => name,
                });
            }
        }
        let level = document.get("access_level").and_then(Node::scalar);
        if let Some(level) = level.and_then(|level| level.parse::<u64>().ok()) {
            let push = level >= GITLAB_PUSHES;
            return Ok(Self {
                name: format!("access level {level}"),
                push,
                edit_workflows: push,
                reaches: Vec::new(),
            });
        }
        Err(RoleError::NoRole)
    }

    /// https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories/managing-repository-roles/repository-roles-for-an-organization
    fn of_github(name: &str) -> Result<Self, RoleError> {
        let push = match name {
            "admin" | "maintain" | "write" => true,
            "triage" | "read" | "none" => false,
            _ => return Err(RoleError::Unknown(name.chars().take(80).collect())),
        };
        Ok(Self { name: name.to_owned(), push, edit_workflows: push, reaches: Vec::new() })
    }

    /// What an agent reaches and a holder of this role does not.
    pub fn lacks<'a>(&self, facts: &Facts, reached: &'a Reach) -> Vec<&'a Place> {
        // The holder is no agent: what settings give to tools is not theirs.
        let refused = Refused { push: !self.push, edit_workflows: !self.edit_workflows, servers: true };
        let of_files = Facts { has: Vec::new(), opens: Vec::new(), ..facts.clone() };
        let own = reach("", &of_files, refused);
        let listed = |place: &Place| {
            self.reaches.iter().any(|(kind, name)| {
                kind == place.kind()
                    && match name.strip_suffix('*') {
                        Some(head) => place.name().starts_with(head),
                        None => place.name() == name,
                    }
            })
        };
        reached.chains.keys().filter(|place| !own.chains.contains_key(place) && !listed(place)).collect()
    }
}

fn right(node: &Node) -> Result<(String, String), RoleError> {
    let text = node.text().unwrap_or_default();
    text.split_once(':')
        .filter(|(kind, name)| !kind.is_empty() && !name.is_empty())
        .map(|(kind, name)| (kind.to_owned(), name.to_owned()))
        .ok_or_else(|| RoleError::Right(text.chars().take(80).collect()))
}
