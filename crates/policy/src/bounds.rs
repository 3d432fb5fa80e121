//! What the requester of a task named, read once and asked for each action.
//!
//! Cedar has no globs, so the answers are typed attributes of the resource, worked out here: `within` (a path that the
//! bounds cover), `named` (spelled out by the requester, which opens a door that the organisation's policies keep for
//! such things), `barred` (put off limits). The policies that read them are generated with the task's layer, so that a
//! decision still names the policy it comes from.
//!
//! A bound narrows: what is not named waits for a person, what is put off limits is refused. Guardrails hold all the
//! same, also for what was named.

use std::path::Path;

use writ_model::{
    Action, Bounds, EffectBound, EffectClass, Operation, PackageSource, PathPattern, Place, Resource,
    StopCondition, ToolCall, Verdict,
};

use crate::host::Zone;
use crate::permit::Ruling;
use crate::place::{Lexical, Workspace, fold};

mod argument;
mod narrow;
mod pattern;
mod program;
mod reference;

pub(crate) use argument::texts;
pub use narrow::widens;
pub use reference::{Reference, references};

use pattern::{Ground, Pattern, Sense};

/// Remotes that stand for the task's repository.
const REMOTES: &[&str] = &["", "origin"];

/// Bounds as the judge uses them.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskBounds {
    bounds: Bounds,
    read: Option<Paths>,
    deny_read: Paths,
    write: Option<Paths>,
    protected: Paths,
    push: Option<Paths>,
}

/// What the bounds say of one action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The requester spelled it out.
    pub named: bool,
    /// A path that the bounds cover.
    pub within: bool,
    /// Off limits.
    pub barred: bool,
    /// What is written there makes whoever looks at it carry something to a host that is not named.
    pub beacon: bool,
}

/// A list of patterns, each read twice: as it is, and as the loosest file system would compare it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Paths {
    exact: Vec<Pattern>,
    folded: Vec<Pattern>,
}

// === impl TaskBounds ===

impl TaskBounds {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            read: bounds.read.as_deref().map(Paths::new),
            deny_read: Paths::new(&bounds.deny_read),
            write: bounds.write.as_deref().map(Paths::new),
            protected: Paths::new(&bounds.protected),
            push: bounds.push.as_deref().map(branches),
            bounds,
        }
    }

    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The stop condition that a call which is not simply allowed meets, if any.
    pub fn stopped_by(&self, ruling: &Ruling) -> Option<StopCondition> {
        if self.bounds.stop_on.is_empty() || ruling.decision.verdict == Verdict::Allow {
            return None;
        }
        let by =
            |start: &str| ruling.decision.policies.iter().any(|policy| policy.as_str().starts_with(start));
        let has = |effect| ruling.actions.iter().any(|action| action.effect == effect);
        self.bounds.stop_on.iter().copied().find(|condition| match condition {
            StopCondition::Bounds => by("task:bounds-"),
            StopCondition::Destructive => has(EffectClass::Destructive),
            StopCondition::EscapeAttempt => has(EffectClass::EscapeAttempt),
            StopCondition::Guardrail => by("guardrails:"),
            StopCondition::IdentityChange => has(EffectClass::IdentityChange),
            // No call is one; the way out tells of it.
            StopCondition::Incident => false,
            StopCondition::SecretRead => has(EffectClass::SecretRead),
        })
    }

    /// What the bounds say of an action. Without its call, nothing that depends on arguments is named.
    pub(crate) fn of(&self, action: &Action, call: Option<&ToolCall>, workspace: &Workspace) -> Said {
        let plain = |named| Said { named, within: named, ..Said::default() };
        let by_tool = || self.by_tool(call, workspace);
        match &action.resource {
            Resource::Path { path, place, .. } => {
                let said = self.path(action.effect, path, *place, call, workspace);
                match by_tool() {
                    Some(exact) => Said {
                        within: true,
                        named: said.named || exact || *place == Place::Workspace,
                        ..said
                    },
                    None => said,
                }
            }
            Resource::Host { name } => plain(
                self.bounds.hosts.as_ref().is_some_and(|hosts| {
                    // This machine is no way out, whichever port of it is meant.
                    Zone::of(name) == Zone::Loopback || hosts.iter().any(|host| host.covers(name))
                }) || by_tool().is_some(),
            ),
            Resource::McpTool { server, tool } => plain(self.tool(server, tool, call, workspace)),
            // What leaves says itself which repository it reads; a remote's name alone says nothing of its host.
            Resource::Ref { remote, .. } if action.effect == EffectClass::Network => {
                plain(matches!(call.map(|call| &call.operation), Some(Operation::Request(request))
                    if remote.split('/').next() == Some(request.authority().as_str())
                        && self.covers_host(&request.authority())))
            }
            Resource::Ref { remote, name, force } => plain(
                action.effect == EffectClass::GitPush
                    && !force
                    && REMOTES.contains(&remote.as_str())
                    && self.branch(name),
            ),
            Resource::Package { source, .. } if action.effect == EffectClass::PackageInstall => {
                plain(self.effects().any(|bound| {
                    bound.class == EffectClass::PackageInstall
                        && (!bound.lockfile || *source == PackageSource::Lockfile)
                }))
            }
            Resource::Secret { what } => plain(self.secret(what)),
            Resource::Command { program } if action.effect == EffectClass::Network => {
                plain(self.bounds.hosts.is_some() && self.goes_home(program, call))
            }
            Resource::Command { .. }
            | Resource::Package { .. }
            | Resource::Repository { .. }
            | Resource::CloudAccount { .. }
            | Resource::Deployment { .. }
            | Resource::Identity { .. }
            | Resource::Unknown { .. } => plain(match action.effect {
                EffectClass::Publish => self.bounds.publish == Some(true),
                EffectClass::Deploy => self.deployment(&action.resource, call),
                EffectClass::PackageInstall => {
                    self.effects().any(|bound| bound.class == EffectClass::PackageInstall && !bound.lockfile)
                }
                EffectClass::Read
                | EffectClass::WriteWorkspace
                | EffectClass::BuildTest
                | EffectClass::Network
                | EffectClass::GitPush
                | EffectClass::SecretRead
                | EffectClass::IdentityChange
                | EffectClass::Destructive
                | EffectClass::EscapeAttempt
                | EffectClass::Unknown => false,
            }),
        }
    }

    fn covers_host(&self, name: &str) -> bool {
        self.bounds.hosts.as_ref().is_some_and(|hosts| hosts.iter().any(|host| host.covers(name)))
    }

    fn effects(&self) -> impl Iterator<Item = &EffectBound> {
        self.bounds.effects.iter().flatten()
    }

    fn path(
        &self,
        effect: EffectClass,
        path: &str,
        place: Place,
        call: Option<&ToolCall>,
        workspace: &Workspace,
    ) -> Said {
        let Some(spot) = Spot::new(path, workspace) else { return Said { barred: true, ..Said::default() } };
        let is_device = place == Place::Scratch && path.starts_with("/dev/");
        if is_device {
            return Said { within: true, ..Said::default() };
        }
        match effect {
            EffectClass::WriteWorkspace | EffectClass::Destructive | EffectClass::IdentityChange => {
                let within = self.write.as_ref().is_some_and(|write| write.covers(&spot));
                let destroys = effect == EffectClass::Destructive;
                // A folder that may be worked in is not one that may go as a whole.
                let within =
                    within && (!destroys || self.write.as_ref().is_some_and(|write| write.is_inside(&spot)));
                Said {
                    within,
                    named: within
                        && self.write.as_ref().is_some_and(|write| write.spells(&spot, place, workspace)),
                    barred: self.protects(&spot) || (destroys && self.protected.starts_below(&spot)),
                    beacon: self.is_beacon(call),
                }
            }
            EffectClass::Read
            | EffectClass::BuildTest
            | EffectClass::Network
            | EffectClass::PackageInstall
            | EffectClass::GitPush
            | EffectClass::Publish
            | EffectClass::Deploy
            | EffectClass::SecretRead
            | EffectClass::EscapeAttempt
            | EffectClass::Unknown => {
                let within = self.read.as_ref().is_some_and(|read| read.covers(&spot));
                Said {
                    within,
                    named: (within
                        && self.read.as_ref().is_some_and(|read| read.spells(&spot, place, workspace)))
                        || (effect == EffectClass::PackageInstall && self.installs_anything()),
                    barred: self.deny_read.bars(&spot),
                    beacon: false,
                }
            }
        }
    }

    fn installs_anything(&self) -> bool {
        self.effects().any(|bound| bound.class == EffectClass::PackageInstall && !bound.lockfile)
    }

    /// Whether a path is protected, and no pattern of what may be written names exactly what is.
    fn protects(&self, spot: &Spot<'_>) -> bool {
        let mut protected = None;
        for pattern in &self.protected.folded {
            if let Some(fit) = pattern.fit(spot.folded_ground(), &spot.folded, Sense::Bar) {
                protected = (!pattern.negated).then_some((fit.base + fit.depth, pattern));
            }
        }
        let Some((depth, pattern)) = protected else { return false };
        let same = |at: usize| self.protected.folded.get(at) == Some(pattern);
        let written = self.write.iter().flat_map(|write| write.exact.iter().zip(&write.folded));
        let names_it = |(exact, folded): (&Pattern, &Pattern)| {
            !exact.negated
                && exact.fit(spot.ground(), spot.path, Sense::Allow).is_some()
                && (folded == pattern
                    && self.protected.exact.iter().enumerate().any(|(at, p)| same(at) && p == exact)
                    || exact.spelled(spot.ground()).iter().any(|spelled| {
                        pattern::below(spot.path, spelled).is_some() && spelled.split('/').count() > depth
                    }))
        };
        !written.into_iter().any(names_it)
    }

    fn branch(&self, name: &str) -> bool {
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        let ground = Ground { root: "/", home: None };
        let strange = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\'\"".contains(c);
        let is_branch = !name.is_empty()
            && !name.starts_with("refs/")
            && !name.contains(strange)
            && !name.split('/').any(|part| part == "..");
        is_branch
            && self.push.as_ref().is_some_and(|push| {
                decided(&push.exact, |pattern| {
                    pattern.fit(ground, &format!("/{name}"), Sense::Allow).is_some()
                })
            })
    }

    /// A credential by the name of its variable, with or without what a shell writes around it.
    fn secret(&self, what: &str) -> bool {
        let bare = what.trim_start_matches('$').trim_start_matches('{').trim_end_matches('}');
        self.bounds.secrets.iter().flatten().any(|named| named == what || named == bare)
    }

    /// Whether a deployment goes where it may, and nowhere else, as far as the words of its command tell.
    fn deployment(&self, resource: &Resource, call: Option<&ToolCall>) -> bool {
        const ELSEWHERE: &[&str] = &["prod", "production", "live", "main", "master"];
        let text = match call.map(|call| &call.operation) {
            Some(Operation::Shell { command }) => command.clone(),
            Some(_) | None => resource.name(),
        };
        let words: Vec<String> = text
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let targets: Vec<String> =
            self.bounds.deploy.iter().flatten().map(|name| name.to_lowercase()).collect();
        let is_named = |word: &str| targets.iter().any(|target| target == word);
        words.iter().any(|word| is_named(word))
            && !words.iter().any(|word| {
                word.split(['-', '_', '.']).any(|part| ELSEWHERE.contains(&part)) && !is_named(word)
            })
    }

    /// Whether what a call touches is an argument of a named MCP tool: naming the tool, or the very call, named it too.
    /// True where the call itself was named.
    fn by_tool(&self, call: Option<&ToolCall>, workspace: &Workspace) -> Option<bool> {
        let call = call?;
        let Operation::Mcp { server, tool } = &call.operation else { return None };
        let exact = self.bounds.calls.iter().any(|named| named.is(server, tool, &call.arguments));
        (exact || self.tool(server, tool, Some(call), workspace)).then_some(exact)
    }

    /// Whether a call of an MCP tool is one that was named: by itself, or by its tool with arguments that stay in
    /// bounds.
    fn tool(&self, server: &str, tool: &str, call: Option<&ToolCall>, workspace: &Workspace) -> bool {
        let nothing = serde_json::Value::Null;
        let arguments = call.map_or(&nothing, |call| &call.arguments);
        if self.bounds.calls.iter().any(|named| named.is(server, tool, arguments)) {
            return true;
        }
        let named_calls = || self.bounds.calls.iter().any(|call| call.server == server);
        let Some(tools) = self.bounds.mcp.as_ref().and_then(|servers| servers.get(server)) else {
            return is_metadata(tool) && named_calls();
        };
        if is_metadata(tool) {
            return true;
        }
        tools.iter().any(|bound| bound.covers(tool, arguments))
            && call.is_none_or(|call| self.arguments_stay(tool, &call.arguments, workspace))
    }

    fn is_beacon(&self, call: Option<&ToolCall>) -> bool {
        let Some(call) = call.filter(|call| matches!(call.operation, Operation::Write { .. })) else {
            return false;
        };
        self.bounds.hosts.is_some()
            && texts(&call.arguments)
                .iter()
                .flat_map(|text| references(text))
                .any(|found| found.loaded && found.carries && !self.may_reach(&found.host))
    }

    /// Whether the requester named this host.
    pub fn names_host(&self, host: &str) -> bool {
        self.bounds.hosts.as_ref().is_some_and(|hosts| hosts.iter().any(|named| named.covers(host)))
    }

    /// Whether a host is named, or hosts are not bounded.
    pub(crate) fn may_reach(&self, host: &str) -> bool {
        self.bounds.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|named| named.covers(host)))
    }
}

/// Messages of the protocol itself, which tell what a server has and touch nothing.
fn is_metadata(tool: &str) -> bool {
    matches!(
        tool,
        "initialize"
            | "ping"
            | "list_tools"
            | "list_resources"
            | "list_prompts"
            | "tools/list"
            | "resources/list"
            | "prompts/list"
            | "resources/templates/list"
    )
}

/// Patterns of branches. A name without a slash is that branch, and not one of that name at any depth.
fn branches(patterns: &[PathPattern]) -> Paths {
    let tied = |pattern: &PathPattern| {
        let text = pattern.as_str();
        let (mark, name) = text.strip_prefix('!').map_or(("", text), |name| ("!", name));
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        format!("{mark}./{}", name.strip_prefix("./").unwrap_or(name))
            .parse()
            .unwrap_or_else(|_| pattern.clone())
    };
    Paths::new(&patterns.iter().map(tied).collect::<Vec<_>>())
}

/// The last pattern that fits decides.
fn decided<'p>(patterns: &'p [Pattern], fits: impl Fn(&'p Pattern) -> bool) -> bool {
    patterns.iter().rev().find(|pattern| fits(pattern)).is_some_and(|pattern| !pattern.negated)
}

/// A real path with the folders it is measured from, as they are and folded.
struct Spot<'a> {
    path: &'a str,
    root: &'a str,
    home: Option<&'a str>,
    folded: String,
    folded_root: String,
    folded_home: Option<String>,
}

// === impl Spot ===

impl<'a> Spot<'a> {
    fn new(path: &'a str, workspace: &'a Workspace) -> Option<Self> {
        let root = workspace.root.to_str()?;
        let home = workspace.home.as_deref().and_then(Path::to_str);
        Some(Self {
            path,
            root,
            home,
            folded: fold(path).into_owned(),
            folded_root: fold(root).into_owned(),
            folded_home: home.map(|home| fold(home).into_owned()),
        })
    }

    const fn ground(&self) -> Ground<'a> {
        Ground { root: self.root, home: self.home }
    }

    fn folded_ground(&self) -> Ground<'_> {
        Ground { root: &self.folded_root, home: self.folded_home.as_deref() }
    }
}

// === impl Paths ===

impl Paths {
    fn new(patterns: &[PathPattern]) -> Self {
        Self {
            exact: patterns.iter().map(|pattern| Pattern::read(pattern, str::to_owned)).collect(),
            folded: patterns
                .iter()
                .map(|pattern| Pattern::read(pattern, |text| fold(text).into_owned()))
                .collect(),
        }
    }

    /// Whether the path is one of these, exactly as written.
    fn covers(&self, spot: &Spot<'_>) -> bool {
        decided(&self.exact, |pattern| pattern.fit(spot.ground(), spot.path, Sense::Allow).is_some())
    }

    /// Whether the path is one of these on the loosest file system, or lies below one.
    fn bars(&self, spot: &Spot<'_>) -> bool {
        decided(&self.folded, |pattern| pattern.fit(spot.folded_ground(), &spot.folded, Sense::Bar).is_some())
    }

    /// Whether the path lies strictly below what a pattern without wildcards names, or one names exactly it.
    fn is_inside(&self, spot: &Spot<'_>) -> bool {
        self.exact.iter().filter(|pattern| !pattern.negated).any(|pattern| {
            let fits = pattern.fit(spot.ground(), spot.path, Sense::Allow).is_some();
            let is_open = pattern.is_open();
            fits && pattern.spelled(spot.ground()).iter().any(|spelled| {
                pattern::below(spot.path, spelled).is_some_and(|rest| !rest.is_empty() || !is_open)
            })
        })
    }

    /// Whether something of these surely lies below a folder.
    fn starts_below(&self, spot: &Spot<'_>) -> bool {
        self.folded
            .iter()
            .any(|pattern| !pattern.negated && pattern.starts_below(spot.folded_ground(), &spot.folded))
    }

    /// Whether the path was spelled out: in the workspace any pattern that covers it does; for what binds others or
    /// lies outside, one without wildcards that is of the same sort itself.
    fn spells(&self, spot: &Spot<'_>, place: Place, workspace: &Workspace) -> bool {
        match place {
            Place::Workspace => spot.path != spot.root,
            Place::Secret | Place::Own => false,
            Place::Binding | Place::Outside | Place::Scratch => self
                .exact
                .iter()
                .filter(|pattern| {
                    !pattern.negated && pattern.fit(spot.ground(), spot.path, Sense::Allow).is_some()
                })
                .flat_map(|pattern| pattern.spelled(spot.ground()))
                .any(|spelled| {
                    let folder = Path::new(&spelled);
                    pattern::below(spot.path, &spelled).is_some()
                        && workspace.place_of(folder) == place
                        && !workspace.root.starts_with(folder)
                        && workspace.home.as_deref().is_none_or(|home| !home.starts_with(folder))
                }),
        }
    }
}

/// Where a path that an argument names lies, by its text alone: what a server does with links, nobody sees.
fn lexically(workspace: &Workspace, path: &str) -> Option<(String, Place)> {
    let root = workspace.root.to_str()?;
    let found = workspace.place(&Lexical, root, path).ok()?.into_iter().next()?;
    Some((found.path, found.place))
}

#[cfg(test)]
mod tests;
