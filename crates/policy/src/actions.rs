//! What a call would do: the set of its actions, each one effect on one typed resource.
//!
//! Whatever a client calls its tool, the same touch of the same thing becomes the same action: `cat .env` in a shell
//! and a tool that opens `.env` are both `secret-read` of that path. What cannot be worked out is `unknown`.

use writ_model::{Action, EffectClass, Operation, Place, Resource, ToolCall};

use crate::classify::{self, Effect, Target};
use crate::place::{Entry, Files, Unplaceable, Workspace};

/// How many actions one call may have. More, and nobody can judge it.
const ACTIONS: usize = 256;

/// How many characters of a reason are kept.
const BECAUSE: usize = 200;

/// Programs that act on a cloud account, and on what runs there.
const CLOUD: &[&str] = &[
    "aws",
    "gcloud",
    "gsutil",
    "bq",
    "az",
    "oci",
    "ibmcloud",
    "aliyun",
    "doctl",
    "hcloud",
    "linode-cli",
    "scw",
];
const DEPLOYMENT: &[&str] = &[
    "kubectl",
    "oc",
    "helm",
    "helmfile",
    "terraform",
    "tofu",
    "terragrunt",
    "pulumi",
    "cdk",
    "sam",
    "serverless",
    "sls",
    "ansible-playbook",
    "argocd",
    "flux",
    "flyctl",
    "fly",
    "vercel",
    "netlify",
    "heroku",
    "railway",
    "wrangler",
    "eb",
    "nomad",
    "kustomize",
    "skaffold",
    "cap",
    "dokku",
    "firebase",
    "supabase",
    "render",
    "eas",
];

/// The actions of a call. Never empty.
pub fn actions_of(call: &ToolCall, workspace: &Workspace, files: &dyn Files) -> Vec<Action> {
    let mut found = Found { workspace, files, cwd: &call.cwd, actions: Vec::new() };
    match &call.operation {
        Operation::Shell { command } => found.shell(command),
        Operation::Read { paths } => found.paths(EffectClass::Read, paths, "the tool reads it"),
        Operation::Write { paths } => found.paths(EffectClass::WriteWorkspace, paths, "the tool writes it"),
        Operation::Fetch { url } => match host_of(url) {
            Some(name) => {
                found.add(EffectClass::Network, Resource::Host { name }, "the tool fetches from it")
            }
            None => found.unknown(EffectClass::Network, "an address that cannot be read"),
        },
        Operation::WebSearch { .. } => {
            let name = "web-search".to_owned();
            found.add(EffectClass::Network, Resource::Host { name }, "the query leaves the machine");
        }
        // A server's tool can do anything; its name says nothing that could be relied on.
        Operation::Mcp { server, tool } => found.add(
            EffectClass::Unknown,
            Resource::McpTool { server: server.clone(), tool: tool.clone() },
            "what a tool of an MCP server does is only known to that server",
        ),
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

/// The host of an address of the web. `None` for anything that two programs could read differently.
pub fn host_of(url: &str) -> Option<String> {
    let strange = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if url.len() > 8192 || url.contains(strange) {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !["http", "https", "ws", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let named = host.split(':').next().is_some_and(|name| !name.is_empty());
    (named && host.len() <= 261 && host.chars().all(fits)).then(|| host.to_ascii_lowercase())
}

struct Found<'a> {
    workspace: &'a Workspace,
    files: &'a dyn Files,
    cwd: &'a str,
    actions: Vec<Action>,
}

// === impl Found ===

impl Found<'_> {
    fn add(&mut self, effect: EffectClass, resource: Resource, because: impl Into<String>) {
        let same = |action: &Action| action.effect == effect && action.resource == resource;
        if self.actions.len() <= ACTIONS && !self.actions.iter().any(same) {
            let mut because: String = because.into();
            if because.len() > BECAUSE {
                because = because.chars().take(BECAUSE).collect();
            }
            self.actions.push(Action { effect, resource, because });
        }
    }

    fn unknown(&mut self, effect: EffectClass, why: &str) {
        let resource = Resource::Unknown { why: why.chars().take(BECAUSE).collect() };
        self.add(effect, resource, "");
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
    fn path(&mut self, effect: EffectClass, path: &str, because: &str) {
        match self.workspace.place(self.files, self.cwd, path) {
            Ok(found) => {
                for placed in found {
                    let real = std::path::Path::new(&placed.path);
                    let effect = match (effect, placed.place) {
                        (EffectClass::Read, Place::Secret) => EffectClass::SecretRead,
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
                    self.add(effect, Resource::Path { path: placed.path, place: placed.place }, because);
                }
            }
            Err(why) => {
                self.unknown(effect, &format!("`{}`: {why}", path.chars().take(100).collect::<String>()))
            }
        }
    }

    fn shell(&mut self, command: &str) {
        let root = self.workspace.root.to_str();
        let home = self.home();
        let cwd = self.cwd.starts_with('/').then_some(self.cwd);
        let facts = classify::Facts { workspace: root, cwd, home };
        let classified = classify::classify(command, &facts);
        for effect in classified.effects {
            self.effect(effect);
        }
        for path in classified.reads {
            self.may_read(&path);
        }
        // A program that is started elsewhere works elsewhere, whatever its arguments say.
        let only_reads = self.actions.iter().all(|action| action.effect == EffectClass::Read);
        if !only_reads {
            let cwd = self.cwd;
            match self.workspace.place(self.files, "", cwd) {
                Ok(found) => {
                    for placed in found.into_iter().filter(|placed| !is_home_ground(placed.place)) {
                        let resource = Resource::Path { path: placed.path, place: placed.place };
                        self.add(EffectClass::BuildTest, resource, "the command starts in this folder");
                    }
                }
                Err(why) => self.unknown(EffectClass::BuildTest, &format!("the working directory: {why}")),
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        let Effect { class, target, why } = effect;
        let because = format!("{} ({})", why.text, why.rule);
        match target {
            // An agent that answers for a person, or takes its supervisor down, leaves its place.
            Target::Command(program) if class == EffectClass::IdentityChange && is_own_program(&program) => {
                self.add(EffectClass::EscapeAttempt, Resource::Command { program }, because);
            }
            Target::Command(program) => self.add(class, of_program(class, program), because),
            Target::Host(name) => {
                self.add(class, Resource::Host { name: name.to_ascii_lowercase() }, because)
            }
            Target::Package(name) => self.add(class, Resource::Package { name }, because),
            Target::Path(path) => {
                // The same write as by a tool, so the same action: what the file is decides.
                let class = if why.rule == "path.protected" { EffectClass::WriteWorkspace } else { class };
                self.shell_path(class, &path, &because);
            }
            // Where commits can go is a setting of the repository, and whoever changes it changes every later push.
            Target::Remote { .. } if class == EffectClass::WriteWorkspace => {
                self.path(class, ".git/config", &because);
            }
            Target::Remote { remote, refs } => self.push(class, &remote, refs, &because),
            Target::Secret(what) => self.secret(class, what, &because),
            Target::Unknown => {
                let why = why.text.chars().take(BECAUSE).collect();
                self.add(class, Resource::Unknown { why }, because);
            }
        }
    }

    /// A path of a command line: parts of it may only be known when the shell has filled them in.
    fn shell_path(&mut self, class: EffectClass, path: &str, because: &str) {
        let Some(open) = path.find(['*', '?', '[', '{', '$', '…']) else {
            return self.path(class, path, because);
        };
        // `?` also stands for what nobody knows, and `…` for what was too long to show.
        if path.contains(['?', '$', '…']) {
            return self.unknown(
                class,
                &format!(
                    "`{}` is only known when the shell runs",
                    path.chars().take(100).collect::<String>()
                ),
            );
        }
        let folder = folder_before(path, open);
        self.path(class, folder, because);
        for (written, hidden) in pattern_could_name(path) {
            let caught = path.get(..written).unwrap_or_default();
            self.path(class, &format!("{caught}{hidden}"), because);
        }
    }

    /// A word of the command that may name a file of the workspace.
    fn may_read(&mut self, word: &str) {
        if word.contains(['?', '$', '…']) {
            return;
        }
        // Patterns that could name a secret were found by the classifier; here it is the folder that may be a link.
        let word = match word.find(['*', '[', '{']) {
            Some(open) => folder_before(word, open),
            None => word,
        };
        let is_there = match self.workspace.place(self.files, self.cwd, word) {
            Ok(found) => found
                .iter()
                .any(|placed| self.files.entry(std::path::Path::new(&placed.path)) != Entry::Missing),
            // Words that are no path at all.
            Err(Unplaceable::Address | Unplaceable::Empty | Unplaceable::TooLong | Unplaceable::ZeroByte) => {
                false
            }
            Err(
                Unplaceable::Circle
                | Unplaceable::NoWorkingDirectory
                | Unplaceable::UnknownHome
                | Unplaceable::Unreadable,
            ) => true,
        };
        if is_there {
            self.path(EffectClass::Read, word, "may read it");
        }
    }

    fn home(&self) -> Option<&str> {
        self.workspace.home.as_deref().and_then(std::path::Path::to_str)
    }

    fn push(&mut self, class: EffectClass, remote: &str, refs: Vec<String>, because: &str) {
        let refs = if refs.is_empty() { vec![String::new()] } else { refs };
        for name in refs {
            let name = destination(&name);
            let force = class == EffectClass::Destructive;
            let resource = Resource::Ref { remote: remote.to_owned(), name, force };
            if force {
                self.add(EffectClass::GitPush, resource.clone(), because);
            }
            self.add(class, resource, because);
        }
    }

    /// A credential. One that is a file is the same resource as for a tool that opens it, and is placed like it.
    fn secret(&mut self, class: EffectClass, what: String, because: &str) {
        if !classify::is_secret_path(&what, self.home()) || what.contains(char::is_whitespace) {
            return self.add(class, Resource::Secret { what }, because);
        }
        if what.contains(['*', '?', '[', '{', '$', '…']) {
            return self.add(class, Resource::Secret { what }, because);
        }
        let effect = if class == EffectClass::SecretRead { EffectClass::Read } else { class };
        self.path(effect, &what, because);
    }
}

/// The folder that a pattern starts from: what is written before the component that opens at `open`.
fn folder_before(path: &str, open: usize) -> &str {
    let before = path.get(..open).unwrap_or_default();
    match before.rfind('/') {
        Some(0) => "/",
        Some(at) => before.get(..at).unwrap_or("."),
        None => ".",
    }
}

/// Whether a command starts Writ itself.
fn is_own_program(program: &str) -> bool {
    let name = program.split_whitespace().next().unwrap_or_default();
    name.rsplit('/').next() == Some("writ")
}

/// Where a task's programs are at home.
const fn is_home_ground(place: Place) -> bool {
    match place {
        Place::Workspace | Place::Binding | Place::Scratch => true,
        Place::Outside | Place::Secret | Place::Own => false,
    }
}

/// The ref that a push would move: of `source:destination` the destination, without the mark that forces.
fn destination(written: &str) -> String {
    let plain = written.strip_prefix('+').unwrap_or(written);
    let name = plain.rsplit_once(':').map_or(plain, |(_, destination)| destination);
    // Names that git looks up, and names with parts nobody knows, say nothing of what is moved.
    if name == "HEAD" || name == "@" || name.contains(['?', '*', '$']) {
        String::new()
    } else {
        name.to_owned()
    }
}

/// A program as the resource it acts on.
fn of_program(class: EffectClass, program: String) -> Resource {
    let name = program.split_whitespace().next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or(name);
    let acts_far = match class {
        EffectClass::Read
        | EffectClass::Publish
        | EffectClass::Deploy
        | EffectClass::SecretRead
        | EffectClass::IdentityChange
        | EffectClass::Destructive => true,
        EffectClass::WriteWorkspace
        | EffectClass::BuildTest
        | EffectClass::Network
        | EffectClass::PackageInstall
        | EffectClass::GitPush
        | EffectClass::EscapeAttempt
        | EffectClass::Unknown => false,
    };
    let shows_itself = program.contains("--help") || program.contains("--version");
    if acts_far && !shows_itself && CLOUD.contains(&name) {
        return Resource::CloudAccount { provider: name.to_owned() };
    }
    if acts_far && !shows_itself && DEPLOYMENT.contains(&name) {
        return Resource::Deployment { target: program };
    }
    match class {
        EffectClass::Deploy => Resource::Deployment { target: program },
        EffectClass::IdentityChange => Resource::Identity { what: program },
        EffectClass::Read
        | EffectClass::WriteWorkspace
        | EffectClass::BuildTest
        | EffectClass::Network
        | EffectClass::PackageInstall
        | EffectClass::GitPush
        | EffectClass::Publish
        | EffectClass::SecretRead
        | EffectClass::Destructive
        | EffectClass::EscapeAttempt
        | EffectClass::Unknown => Resource::Command { program },
    }
}

/// Listed names that a shell pattern would catch: where the caught component starts, and the name.
fn pattern_could_name(path: &str) -> Vec<(usize, &'static str)> {
    let mut start = 0;
    for part in path.split('/') {
        if part.contains(['*', '[', '{']) {
            return crate::place::names_anywhere()
                .filter(|name| could_be(part, name))
                .map(|name| (start, name))
                .collect();
        }
        start += part.len() + 1;
    }
    Vec::new()
}

/// Whether a pattern of the shell could match a name. Brackets and braces count as anything; a leading dot must be
/// written.
fn could_be(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with(['.', '[', '{']) {
        return false;
    }
    let Some(open) = pattern.find(['*', '[', '{']) else { return pattern == name };
    let tail_at = pattern.rfind(['*', ']', '}']).map_or(pattern.len(), |at| at + 1);
    let before = pattern.get(..open).unwrap_or_default();
    let after = pattern.get(tail_at.max(open)..).unwrap_or_default();
    // A bare `*` asks for everything in sight and means the ordinary files.
    let bare = before.is_empty() && after.is_empty() && pattern.chars().all(|c| c == '*');
    !bare && name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
}

#[cfg(test)]
mod tests;
