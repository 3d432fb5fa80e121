//! What a call would do: the set of its actions, each one effect on one typed resource.
//!
//! Whatever a client calls its tool, the same touch of the same thing becomes the same action: `cat .env` in a shell
//! and a tool that opens `.env` are both `secret-read` of that path. What cannot be worked out is `unknown`.

mod mcp;
mod pattern;
mod program;
mod push;
mod request;
mod search;
mod shell;

pub(crate) use shell::Within;

use writ_model::{Action, Because, Binding, EffectClass, Operation, Place, Resource, ToolCall};

use crate::classify;
use crate::host::host_of;
use crate::place::{Files, Workspace};
use crate::request::KnownHosts;

/// How many actions one call may have. More, and nobody can judge it.
const ACTIONS: usize = 256;

/// Hosts as everybody knows them.
static NOTHING_KNOWN: KnownHosts =
    KnownHosts { forges: Vec::new(), governed: Vec::new(), lent: Vec::new(), origin: None };

/// How many characters of a reason are kept.
const BECAUSE: usize = 200;

/// The actions of a call. Never empty.
pub fn actions_of(call: &ToolCall, workspace: &Workspace, files: &dyn Files) -> Vec<Action> {
    actions_with(call, workspace, files, &NOTHING_KNOWN)
}

/// The same, for who knows more of hosts than everybody does.
pub fn actions_with(
    call: &ToolCall,
    workspace: &Workspace,
    files: &dyn Files,
    known: &KnownHosts,
) -> Vec<Action> {
    let mut found = Found { workspace, files, known, cwd: &call.cwd, actions: Vec::new() };
    match &call.operation {
        Operation::Shell { command } => found.shell(command),
        Operation::Read { paths } => found.paths(EffectClass::Read, paths, "the tool reads it"),
        Operation::Search { folders, pattern } => found.search(folders, pattern.as_deref()),
        Operation::Write { paths } => found.paths(EffectClass::WriteWorkspace, paths, "the tool writes it"),
        Operation::Fetch { url } => match host_of(url) {
            Some(name) => {
                found.add(EffectClass::Network, Resource::Host { name }, "the tool fetches from it")
            }
            None => found.unknown(EffectClass::Network, "an address that cannot be read"),
        },
        Operation::Request(request) => found.request(request),
        Operation::Push(push) => found.push(push),
        Operation::WebSearch { .. } => {
            let name = "web-search".to_owned();
            found.add(EffectClass::Network, Resource::Host { name }, "the query leaves the machine");
        }
        Operation::Mcp { server, tool } => {
            found.mcp(server, tool, &call.arguments);
        }
        Operation::Spawn { subagent } => found.add(
            EffectClass::Read,
            Resource::Command { program: format!("subagent {subagent}") },
            "the calls of a subagent are judged one by one",
        ),
        Operation::Notes => {
            let program = call.tool.as_str().to_owned();
            found.add(
                EffectClass::Read,
                Resource::Command { program },
                "changes only the client's own notes",
            );
        }
        Operation::Unknown { why } => found.unknown(EffectClass::Unknown, why),
    }
    if found.actions.is_empty() {
        found.unknown(EffectClass::Unknown, "the call says nothing of what it touches");
    }
    if found.actions.len() > ACTIONS {
        found.actions.truncate(ACTIONS);
        found.unknown(EffectClass::Unknown, "the call does more than can be judged");
    }
    found.actions
}

/// The actions of effects that stand in a file, seen from the workspace.
pub(crate) fn actions_of_effects(
    effects: Vec<classify::Effect>,
    file: &str,
    workspace: &Workspace,
    files: &dyn Files,
) -> Vec<Action> {
    let Some(cwd) = workspace.root.to_str() else { return Vec::new() };
    let mut found = Found { workspace, files, known: &NOTHING_KNOWN, cwd, actions: Vec::new() };
    for mut effect in effects {
        let file: String = file.chars().take(100).collect();
        effect.why.text = format!("{} (in `{file}`, which this session wrote)", effect.why.text);
        found.effect(effect);
    }
    found.actions
}

struct Found<'a> {
    workspace: &'a Workspace,
    files: &'a dyn Files,
    known: &'a KnownHosts,
    cwd: &'a str,
    actions: Vec<Action>,
}

// === impl Found ===

impl Found<'_> {
    fn add(&mut self, effect: EffectClass, resource: Resource, because: impl Into<Because>) {
        let same = |action: &Action| action.effect == effect && action.resource == resource;
        if self.actions.len() <= ACTIONS && !self.actions.iter().any(same) {
            let mut because: Because = because.into();
            if because.says.len() > BECAUSE {
                because.says = because.says.chars().take(BECAUSE).collect();
            }
            self.actions.push(Action { effect, resource, because });
        }
    }

    fn unknown(&mut self, effect: EffectClass, why: &str) {
        let resource = Resource::Unknown { why: why.chars().take(BECAUSE).collect() };
        self.add(effect, resource, Because::default());
    }

    fn paths(&mut self, effect: EffectClass, paths: &[String], because: &str) {
        if paths.is_empty() {
            return self.unknown(effect, "the tool names no path");
        }
        for path in paths {
            self.path(effect, path, because);
        }
    }

    /// An effect on a path, wherever it really leads. What the path is decides what reading and writing it means.
    fn path(&mut self, effect: EffectClass, path: &str, because: impl Into<Because>) {
        let because = because.into();
        // A door of `/proc` is one however harmless the place behind it is.
        let leads_out = effect == EffectClass::WriteWorkspace && classify::is_way_out(path, self.home());
        match self.workspace.place(self.files, self.cwd, path) {
            Ok(found) => {
                for placed in found {
                    let real = std::path::Path::new(&placed.path);
                    let effect = match (effect, placed.place) {
                        (EffectClass::Read, Place::Secret) => EffectClass::SecretRead,
                        (EffectClass::WriteWorkspace, _)
                            if leads_out || classify::is_way_out(&placed.path, self.home()) =>
                        {
                            EffectClass::EscapeAttempt
                        }
                        (
                            EffectClass::WriteWorkspace,
                            Place::Workspace | Place::Binding | Place::Scratch | Place::Secret,
                        ) if self.workspace.holds(real) || placed.place == Place::Scratch => effect,
                        // Outside the workspace, such a file changes what runs later or who may do what.
                        (EffectClass::WriteWorkspace, _)
                            if classify::is_protected_path(&placed.path, self.home()) =>
                        {
                            EffectClass::IdentityChange
                        }
                        (effect, _) => effect,
                    };
                    // A lock file as it was committed is none that somebody wrote by hand.
                    let is_restored = because.rule == classify::RESTORED;
                    let binding =
                        placed.binding.filter(|binding| !(is_restored && *binding == Binding::LockFile));
                    self.add(
                        effect,
                        Resource::Path { path: placed.path, place: placed.place, binding },
                        because.clone(),
                    );
                }
            }
            Err(why) => {
                self.unknown(effect, &format!("`{}`: {why}", path.chars().take(100).collect::<String>()))
            }
        }
    }

    fn home(&self) -> Option<&str> {
        self.workspace.home.as_deref().and_then(std::path::Path::to_str)
    }
}

#[cfg(test)]
mod tests;
