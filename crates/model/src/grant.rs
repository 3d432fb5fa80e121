//! Grants: what a person allows for the rest of a task, as an amendment of it, and when it counts no more.
//!
//! An approval is for one action, once. A grant is for actions of one shape until the task ends: the same effect on the
//! same resource, asked for by the same command. It lifts what the approval behind it could lift and nothing else, so
//! it is never wider than the task's ceiling; and it stops counting once the session has touched more than it had when
//! the grant was given.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::agent::Human;
use crate::decision::ApprovalLevel;
use crate::effect::EffectClass;
use crate::id::{ApprovalId, GrantId, TaskId};
use crate::resource::{Binding, PackageSource, Place, Resource};
use crate::taint::{SourceKind, Touch};
use crate::text::Digest;
use crate::time::Timestamp;

/// Most shapes of one grant, and most commands, words and files of its line.
pub const MAX_GRANT_PARTS: usize = 64;
/// Longest text of a grant's terms, in bytes of JSON.
pub const MAX_GRANT_BYTES: usize = 16 << 10;

/// A grant in force, as doors look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub task: TaskId,
    /// The approval that it came from.
    pub approval: ApprovalId,
    /// What its yes was good for; it is good for the same here.
    pub level: ApprovalLevel,
    pub terms: GrantTerms,
    pub by: Human,
    /// The person is the requester (`self`).
    pub own: bool,
    pub given_at: Timestamp,
    /// Never after the task's end.
    pub expires_at: Timestamp,
}

/// What a grant allows and while what holds. Lies in the vault; its digest stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTerms {
    /// Each is one effect on one sort of resource. Every action of a call that is not allowed anyway must be among them.
    pub shapes: Vec<GrantShape>,
    /// For shell commands: which ones. Without it no shell command is covered.
    pub line: Option<GrantLine>,
    /// What the session may have touched, sorted: what it had touched when the grant was offered, and what the granted
    /// calls themselves bring in.
    pub touched: Vec<Touch>,
}

/// One effect on one sort of resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantShape {
    pub effect: EffectClass,
    pub on: GrantedResource,
}

/// The resources that a shape is about. Names are compared exactly, as the judge worked them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum GrantedResource {
    /// Branches of a remote that start with the task's prefix.
    Branches {
        remote: String,
        prefix: String,
    },
    /// A program with its subcommand.
    Command {
        program: String,
    },
    /// Ordinary files of the workspace below a folder: none that binds anybody or holds credentials.
    Folder {
        path: String,
    },
    /// A host, with its port where one is named.
    Host {
        name: String,
    },
    McpTool {
        server: String,
        tool: String,
    },
    Package {
        name: String,
        version: String,
        ecosystem: String,
        source: PackageSource,
    },
    /// Exactly this real path.
    Path {
        path: String,
        place: Place,
        binding: Option<Binding>,
    },
    Ref {
        remote: String,
        name: String,
    },
}

/// Which shell commands a grant covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantLine {
    /// Where it starts and what its words lead to, links resolved. Elsewhere the same words are another command.
    pub places: Vec<String>,
    pub form: LineForm,
    /// Files that the command runs or takes its orders from, as they were. A changed one ends the matter.
    pub files: Vec<GrantFile>,
}

/// How much of a command line must be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LineForm {
    /// These commands, word for word. What stands beside them is judged by itself.
    Commands {
        /// What must stand before them: whatever changes how they would be read or what they would find.
        before: Vec<Vec<GrantWord>>,
        commands: Vec<Vec<GrantWord>>,
    },
    /// The whole line, to the letter: it is too intricate to be taken apart.
    Same { text: String },
}

/// One word of a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantWord {
    /// A branch below this prefix.
    Branch(String),
    /// An address at this scheme and host, as `https://example.org`; the page may be any.
    Page(String),
    /// A word that the shell fills in, as it is written.
    Raw(String),
    /// A word, without its quotation marks.
    Word(String),
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantFile {
    pub path: String,
    /// Nothing when it was not there.
    pub digest: Option<Digest>,
}

/// Why a grant counts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantEnd {
    ByPerson,
    Expired,
    TaskClosed,
}

// === impl Grant ===

impl Grant {
    /// Whether it counts at `now` in a session that has touched these.
    pub fn is_in_force(&self, now: Timestamp, touched: &[Touch]) -> bool {
        now < self.expires_at && touched.iter().all(|touch| self.terms.touched.contains(touch))
    }
}

// === impl GrantTerms ===

impl GrantTerms {
    /// Whether a person's approval of this level can be made a grant at all. Two people say yes to one call, and a role
    /// looks at each.
    pub const fn can_rest_on(level: ApprovalLevel) -> bool {
        match level {
            ApprovalLevel::OnePerson | ApprovalLevel::AnotherPerson => true,
            ApprovalLevel::TwoPeople | ApprovalLevel::Role => false,
        }
    }

    /// Whether some shape covers the action.
    pub fn covers(&self, action: &Action) -> bool {
        self.shapes.iter().any(|shape| shape.covers(action))
    }

    /// The effects, sorted, each once.
    pub fn effects(&self) -> Vec<EffectClass> {
        let mut effects: Vec<EffectClass> = self.shapes.iter().map(|shape| shape.effect).collect();
        effects.sort();
        effects.dedup();
        effects
    }

    /// Whether it says something, within bounds, that may be granted. What a supervisor offers is looked at again here
    /// before it counts.
    pub fn is_grantable(&self) -> bool {
        let few = |count: usize| count <= MAX_GRANT_PARTS;
        let line = self.line.as_ref().is_none_or(|line| {
            let form = match &line.form {
                LineForm::Commands { before, commands } => {
                    !commands.is_empty()
                        && few(before.len())
                        && few(commands.len())
                        && before.iter().chain(commands).all(|words| few(words.len()))
                }
                LineForm::Same { text } => !text.is_empty(),
            };
            form && few(line.files.len()) && !line.places.is_empty()
        });
        !self.shapes.is_empty()
            && few(self.shapes.len())
            && line
            && self.shapes.iter().all(GrantShape::is_grantable)
            && self.touched.is_sorted_by(|a, b| a < b)
    }

    /// The same for whole folders in place of single files of the workspace; nothing where there is no such file, or a
    /// command names them.
    #[must_use]
    pub fn for_folders(&self) -> Option<Self> {
        let mut widened = false;
        let shapes = self.shapes.iter().map(|shape| {
            let on = shape.on.folder();
            widened |= on.is_some();
            GrantShape { effect: shape.effect, on: on.unwrap_or_else(|| shape.on.clone()) }
        });
        let shapes: Vec<GrantShape> = shapes.collect();
        (widened && self.line.is_none()).then(|| Self { shapes, ..self.clone() })
    }
}

// === impl GrantShape ===

impl GrantShape {
    /// The narrowest shape that covers the action; nothing where no grant may cover it.
    ///
    /// `own_branches` is the prefix of the task's branches.
    pub fn of(action: &Action, own_branches: &str) -> Option<Self> {
        let on = match &action.resource {
            Resource::Command { program } => GrantedResource::Command { program: program.clone() },
            Resource::Host { name } => GrantedResource::Host { name: name.clone() },
            Resource::McpTool { server, tool } => {
                GrantedResource::McpTool { server: server.clone(), tool: tool.clone() }
            }
            Resource::Package { name, version, ecosystem, source } => GrantedResource::Package {
                name: name.clone(),
                version: version.clone(),
                ecosystem: ecosystem.clone(),
                source: *source,
            },
            Resource::Path { path, place, binding } => {
                GrantedResource::Path { path: path.clone(), place: *place, binding: *binding }
            }
            Resource::Ref { remote, name, force: false } if is_below(name, own_branches) => {
                GrantedResource::Branches { remote: remote.clone(), prefix: own_branches.to_owned() }
            }
            Resource::Ref { remote, name, force: false } => {
                GrantedResource::Ref { remote: remote.clone(), name: name.clone() }
            }
            Resource::Ref { force: true, .. }
            | Resource::CloudAccount { .. }
            | Resource::Deployment { .. }
            | Resource::Identity { .. }
            | Resource::Repository { .. }
            | Resource::Secret { .. }
            | Resource::Unknown { .. } => return None,
        };
        let shape = Self { effect: action.effect, on };
        (shape.is_grantable() && shape.covers(action)).then_some(shape)
    }

    /// Whether the action is of this shape.
    pub fn covers(&self, action: &Action) -> bool {
        self.effect == action.effect && action.is_grantable() && self.on.holds(&action.resource)
    }

    /// Whether anybody may grant this.
    pub fn is_grantable(&self) -> bool {
        self.effect.is_grantable()
            && match (&self.on, self.effect) {
                // What nobody can name is granted by a name that somebody can say.
                (GrantedResource::Command { .. } | GrantedResource::McpTool { .. }, _) => self.on.is_named(),
                (_, EffectClass::Unknown) => false,
                (GrantedResource::Path { place, binding, .. }, effect) => {
                    is_open(*place, *binding, effect) && self.on.is_named()
                }
                (
                    GrantedResource::Branches { .. }
                    | GrantedResource::Folder { .. }
                    | GrantedResource::Host { .. }
                    | GrantedResource::Package { .. }
                    | GrantedResource::Ref { .. },
                    _,
                ) => self.on.is_named(),
            }
    }
}

// === impl GrantedResource ===

impl GrantedResource {
    fn holds(&self, resource: &Resource) -> bool {
        match (self, resource) {
            (Self::Branches { remote, prefix }, Resource::Ref { remote: at, name, force: false }) => {
                remote == at && is_below(name, prefix)
            }
            (Self::Command { program }, Resource::Command { program: other }) => program == other,
            (
                Self::Folder { path },
                Resource::Path { path: other, place: Place::Workspace, binding: None },
            ) => is_in(other, path),
            (Self::Host { name }, Resource::Host { name: other }) => name == other,
            (Self::McpTool { server, tool }, Resource::McpTool { server: at, tool: other }) => {
                server == at && tool == other
            }
            (
                Self::Package { name, version, ecosystem, source },
                Resource::Package { name: n, version: v, ecosystem: e, source: s },
            ) => name == n && version == v && ecosystem == e && source == s,
            (
                Self::Path { path, place, binding },
                Resource::Path { path: other, place: at, binding: bound },
            ) => path == other && place == at && binding == bound,
            (Self::Ref { remote, name }, Resource::Ref { remote: at, name: other, force: false }) => {
                remote == at && name == other
            }
            _ => false,
        }
    }

    /// Whether it names something for certain: nothing is left out that only the run of the call would fill in.
    fn is_named(&self) -> bool {
        let said = |text: &str| !text.is_empty() && !text.contains(['?', '*', '$', '…', '\0']);
        match self {
            Self::Branches { remote, prefix } => said(remote) && said(prefix),
            Self::Command { program } => said(program),
            Self::Folder { path } => path.starts_with('/') && path.len() > 1 && !has_dots(path),
            Self::Host { name } => said(name),
            Self::McpTool { server, tool } => said(server) && said(tool),
            Self::Package { name, source, .. } => match source {
                PackageSource::Lockfile | PackageSource::Manifest => true,
                PackageSource::Registry => said(name),
                PackageSource::Address
                | PackageSource::ForeignIndex
                | PackageSource::Local
                | PackageSource::Unknown => false,
            },
            Self::Path { path, .. } => path.starts_with('/') && path.len() > 1 && !has_dots(path),
            Self::Ref { remote, name } => said(remote) && said(name),
        }
    }

    /// The folder of an ordinary file of the workspace.
    fn folder(&self) -> Option<Self> {
        let Self::Path { path, place: Place::Workspace, binding: None } = self else { return None };
        let (folder, _) = path.rsplit_once('/')?;
        let folder = Self::Folder { path: folder.to_owned() };
        folder.is_named().then_some(folder)
    }
}

/// Whether a path may be granted by what it is: nobody grants credentials, Writ's own files, or writing what agents,
/// shells, git or the machine obey by themselves.
const fn is_open(place: Place, binding: Option<Binding>, effect: EffectClass) -> bool {
    let placed = match place {
        Place::Workspace | Place::Binding | Place::Scratch | Place::Outside => true,
        Place::Secret | Place::Own => false,
    };
    let bound = match binding {
        None => !matches!(place, Place::Binding),
        Some(Binding::BuildScript | Binding::Ci | Binding::LockFile | Binding::ManifestScripts) => true,
        Some(
            Binding::AgentSettings
            | Binding::EditorTask
            | Binding::Environment
            | Binding::GitConfig
            | Binding::GitHook
            | Binding::Instructions
            | Binding::McpSettings
            | Binding::Own
            | Binding::PackageSettings
            | Binding::Program
            | Binding::Scheduled
            | Binding::ShellProfile
            | Binding::ToolSettings,
        ) => false,
    };
    placed && (bound || matches!(effect, EffectClass::Read))
}

/// Whether a branch lies below a prefix. A name with `..` or a full ref is none.
fn is_below(name: &str, prefix: &str) -> bool {
    !prefix.is_empty()
        && name.len() > prefix.len()
        && name.starts_with(prefix)
        && !name.starts_with("refs/")
        && !has_dots(name)
}

fn is_in(path: &str, folder: &str) -> bool {
    !has_dots(path)
        && path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.strip_prefix('/').is_some_and(|rest| !rest.is_empty()))
}

fn has_dots(path: &str) -> bool {
    path.split('/').any(|part| part == ".." || part == ".")
}

// === impl Touch ===

impl Touch {
    /// What these sources make a session touch that a grant looks at, sorted, each once.
    ///
    /// Packages and the repository's own history are read in nearly every session and were chosen by people before it;
    /// they end no grant.
    pub fn of_sources(kinds: impl IntoIterator<Item = SourceKind>) -> Vec<Self> {
        let counts = |kind: &SourceKind| kind.touch() != Self::Untrusted || kind.is_fresh();
        let mut touched: Vec<Self> = kinds.into_iter().filter(counts).map(SourceKind::touch).collect();
        touched.sort();
        touched.dedup();
        touched
    }
}

// === impl GrantEnd ===

impl GrantEnd {
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByPerson => "by-person",
            Self::Expired => "expired",
            Self::TaskClosed => "task-closed",
        }
    }
}

impl fmt::Display for GrantEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests;
