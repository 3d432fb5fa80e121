//! What one call takes in, writes and runs: all that taint is worked out from.
//!
//! Everything here is read from the call, from its actions and from what stands on the disk now. A command line is one
//! lump: whatever any part of it takes in may be in whatever any part of it writes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use writ_model::{
    Action, CallId, EffectClass, Operation, PackageSource, Place, Resource, SourceKind, ToolCall,
};

use super::command::{self, Piece};
use super::ground::{self, Ground};
use crate::actions::Within;
use crate::classify::Sort;
use crate::host::Zone;

/// Most paths of each sort that one call is followed in. A call has at most 256 actions.
const PATHS: usize = 256;
/// Most sources that one call has.
const SOURCES: usize = 32;
/// Most bytes of a call's texts that are compared, and most texts.
const TEXT_BYTES: usize = 1 << 20;
const TEXTS: usize = 256;

/// The footprint of one call. Made once, before it is judged.
#[derive(Clone, Debug)]
pub struct Footprint {
    pub(super) call: CallId,
    /// What comes in that is no marked file, each once.
    pub(super) takes: Vec<(SourceKind, String)>,
    /// Whether some of it comes back as the call's answer, and not only into files.
    pub(super) answers: bool,
    /// Real paths of files that are read, or may be.
    pub(super) reads: BTreeSet<String>,
    /// Real paths of files and folders that are written.
    pub(super) writes: BTreeSet<String>,
    /// Real paths of files that run, and of those that a build tool which is started reads its commands from.
    pub(super) runs: BTreeSet<String>,
    pub(super) builds: BTreeSet<String>,
    /// A program that runs what it reads from its input is started.
    pub(super) interprets: bool,
    /// An archive or a patch is spread over the workspace, or another folder that is too wide to be marked.
    pub(super) spreads: bool,
    /// It does more than read, write in the workspace and build.
    pub(super) is_more: bool,
    /// What it sends out is made from the files of the workspace: a push, a package, a deployment.
    pub(super) sends_workspace: bool,
    /// The command line, for comparing.
    pub(super) command: Option<String>,
    /// Everything else that the call says, for comparing: contents, arguments.
    pub(super) texts: Vec<String>,
    /// Whether the texts are all that it writes and says.
    pub(super) is_cut: bool,
    /// Files whose text the command line gives itself, by real path.
    pub(super) given: Vec<(String, String)>,
    /// Languages of the code that it builds or tests; see [`command::Piece::languages`].
    pub(super) languages: BTreeSet<&'static str>,
    /// It installs and does not build.
    pub(super) only_installs: bool,
    /// It puts words into the repository's history.
    is_pushed_later: bool,
    /// Of which kinds of packages it takes what a lock file names.
    pub(super) locked: Vec<String>,
    /// What it writes, git or a package manager writes for it.
    pub(super) writes_by_tool: bool,
    /// Git may run its hooks.
    pub(super) runs_hooks: bool,
    /// Programs that are given a file to run.
    interpreters: Vec<String>,
}

// === impl Footprint ===

impl Footprint {
    /// What comes in by the call itself, apart from marked files.
    pub fn sources(&self) -> impl Iterator<Item = SourceKind> {
        self.takes.iter().map(|(kind, _)| *kind)
    }

    /// Real paths of what is written.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        self.writes.iter().map(String::as_str)
    }

    /// The language of a file that the call starts, by what it is started with.
    pub(super) fn language_of(&self, path: &str) -> Option<&'static str> {
        if !self.runs.contains(path) {
            return None;
        }
        self.interpreters.iter().find_map(|program| match program.as_str() {
            "node" | "nodejs" | "deno" | "bun" | "tsx" | "ts-node" => Some("node"),
            "ruby" => Some("ruby"),
            "perl" => Some("perl"),
            "php" => Some("php"),
            "lua" => Some("lua"),
            program if program.starts_with("python") || program.starts_with("pypy") => Some("python"),
            _ => None,
        })
    }

    /// Whether a build or a test of this call takes a file in.
    pub(super) fn takes_in(&self, path: &str, sort: Sort) -> bool {
        let is_wanted = self.languages.contains("*")
            || crate::classify::language_of(path, "")
                .is_some_and(|language| self.languages.contains(language));
        is_wanted && (!self.only_installs || sort == Sort::Program)
    }

    /// The footprint of a call with these actions.
    pub fn of(call: &ToolCall, actions: &[Action], ground: &Ground<'_>) -> Self {
        let mut print = Self {
            call: call.id,
            takes: Vec::new(),
            answers: false,
            reads: BTreeSet::new(),
            writes: BTreeSet::new(),
            runs: BTreeSet::new(),
            builds: BTreeSet::new(),
            interprets: false,
            spreads: false,
            is_more: false,
            sends_workspace: false,
            command: None,
            texts: Vec::new(),
            is_cut: false,
            given: Vec::new(),
            languages: BTreeSet::new(),
            only_installs: false,
            runs_hooks: false,
            is_pushed_later: false,
            locked: Vec::new(),
            writes_by_tool: false,
            interpreters: Vec::new(),
        };
        let asks = match &call.operation {
            Operation::Request(request) => Some(request),
            _ => None,
        };
        for action in actions {
            match &action.resource {
                // What comes back from a host depends on what stands behind it.
                Resource::Host { name } if asks.is_some() && action.effect == EffectClass::Network => {
                    print.is_more |= Zone::of(name) != Zone::Loopback;
                }
                _ => print.action(action, ground),
            }
        }
        let has = |effect| actions.iter().any(|action: &Action| action.effect == effect);
        let builds = has(EffectClass::BuildTest);
        print.only_installs = !builds;
        match &call.operation {
            Operation::Shell { command } => {
                print.shell(command, &call.cwd, ground);
                if !builds && !has(EffectClass::PackageInstall) {
                    print.languages.clear();
                }
            }
            Operation::Fetch { url } => {
                let host = crate::host::host_of(url);
                let is_own = host.as_deref().is_some_and(|host| Zone::of(host) == Zone::Loopback);
                if !is_own {
                    print.take(SourceKind::Web, host.as_deref().unwrap_or("an address"), true);
                }
            }
            Operation::Request(request) => {
                if Zone::of(&request.host) != Zone::Loopback {
                    print.take(crate::request::brings(request, actions), &request.authority(), true);
                }
            }
            Operation::WebSearch { .. } => print.take(SourceKind::Search, "web search", true),
            Operation::Mcp { server, tool } => {
                let name = format!("{server}/{tool}");
                print.take(SourceKind::Mcp, &name, true);
                if ground.private.has_server(server) {
                    print.take(SourceKind::PrivateMcp, &name, true);
                }
                print.is_more = true;
            }
            Operation::Unknown { .. } => print.take(SourceKind::Anything, call.tool.as_str(), true),
            Operation::Read { .. }
            | Operation::Search { .. }
            | Operation::Write { .. }
            | Operation::Push(_)
            | Operation::Spawn { .. }
            | Operation::Notes => {}
        }
        let has_command = print.command.is_some();
        let mut budget = TEXT_BYTES;
        print.is_cut = !gather(&call.arguments, &mut print.texts, &mut budget, has_command);
        if let Some(request) = asks {
            let (mut is_cut, texts) = (false, &mut print.texts);
            let is_whole = crate::request::each_text(request, &mut |text| {
                let is_new = !text.is_empty() && texts.last().is_none_or(|last| last != text);
                is_cut |= is_new && !gather_text(text, texts, &mut budget);
            });
            print.is_cut |= is_cut || !is_whole;
        }
        print.says_token(&call.operation);
        print
    }

    /// A credential in the words of a call that goes out is one that the session has, wherever it has it from. In the
    /// words of a commit, a branch or a tag it goes out with the next push.
    fn says_token(&mut self, operation: &Operation) {
        let goes_out = match operation {
            Operation::Shell { .. } => self.is_more || self.is_pushed_later,
            Operation::Mcp { .. } | Operation::Push(_) | Operation::WebSearch { .. } => true,
            Operation::Fetch { url } => {
                crate::host::host_of(url).is_none_or(|host| Zone::of(&host) != Zone::Loopback)
            }
            Operation::Request(request) => Zone::of(&request.host) != Zone::Loopback,
            Operation::Read { .. }
            | Operation::Search { .. }
            | Operation::Write { .. }
            | Operation::Spawn { .. }
            | Operation::Notes
            | Operation::Unknown { .. } => false,
        };
        let address = match operation {
            Operation::Fetch { url } => Some(url),
            _ => None,
        };
        let mut texts = self.texts.iter().chain(&self.command).chain(address);
        if goes_out && texts.any(|text| crate::token::holds_token(text)) {
            self.take(SourceKind::Credential, "a token in the words of a call", false);
        }
    }

    fn action(&mut self, action: &Action, ground: &Ground<'_>) {
        match action.effect {
            EffectClass::Read | EffectClass::WriteWorkspace | EffectClass::BuildTest => {}
            EffectClass::Network
            | EffectClass::PackageInstall
            | EffectClass::GitPush
            | EffectClass::Publish
            | EffectClass::Deploy => {
                let is_loopback =
                    matches!(&action.resource, Resource::Host { name } if Zone::of(name) == Zone::Loopback);
                self.is_more |= !is_loopback;
                self.sends_workspace |= matches!(
                    action.effect,
                    EffectClass::GitPush | EffectClass::Publish | EffectClass::Deploy
                );
            }
            EffectClass::SecretRead
            | EffectClass::IdentityChange
            | EffectClass::Destructive
            | EffectClass::EscapeAttempt
            | EffectClass::Unknown => self.is_more = true,
        }
        if let Resource::Path { path, place, .. } = &action.resource {
            self.path(action.effect, path, *place, ground);
            return;
        }
        if let (
            EffectClass::PackageInstall,
            Resource::Package { ecosystem, source: PackageSource::Lockfile, .. },
        ) = (action.effect, &action.resource)
            && self.locked.len() < SOURCES
        {
            self.locked.push(ecosystem.clone());
        }
        let name = action.resource.name();
        match (action.effect, &action.resource) {
            (EffectClass::SecretRead, _) => self.take(SourceKind::Credential, &name, true),
            (EffectClass::PackageInstall, _) => self.take(SourceKind::Dependency, &name, false),
            (EffectClass::Network, Resource::Host { name }) if Zone::of(name) == Zone::Loopback => {}
            // What the network brings through a program is read from the words of the command.
            (EffectClass::Network, Resource::Host { .. }) => self.take(SourceKind::Web, &name, true),
            (EffectClass::Unknown, Resource::McpTool { .. }) => {}
            (EffectClass::Unknown, _) => self.take(SourceKind::Anything, &name, true),
            (EffectClass::Read | EffectClass::Network, Resource::CloudAccount { .. }) => {
                self.take(SourceKind::Cloud, &name, true);
            }
            (EffectClass::Read | EffectClass::Network, Resource::Deployment { .. }) => {
                self.take(SourceKind::Deployment, &name, true);
            }
            (EffectClass::Network, Resource::Command { program }) => {
                if let Some(kind) = command::source_of(program) {
                    self.take(kind, program, true);
                }
            }
            (
                EffectClass::Read
                | EffectClass::WriteWorkspace
                | EffectClass::BuildTest
                | EffectClass::Network
                | EffectClass::GitPush
                | EffectClass::Publish
                | EffectClass::Deploy
                | EffectClass::IdentityChange
                | EffectClass::Destructive
                | EffectClass::EscapeAttempt,
                _,
            ) => {}
        }
    }

    fn path(&mut self, effect: EffectClass, path: &str, place: Place, ground: &Ground<'_>) {
        match effect {
            EffectClass::Read | EffectClass::SecretRead => {
                if effect == EffectClass::SecretRead || place == Place::Secret {
                    self.take(SourceKind::Credential, path, true);
                }
                if let Some(kind) = ground.kind_of(path, place) {
                    self.take(kind, path, true);
                }
                insert(&mut self.reads, path);
            }
            EffectClass::WriteWorkspace | EffectClass::IdentityChange => insert(&mut self.writes, path),
            EffectClass::BuildTest => insert(&mut self.builds, path),
            EffectClass::Unknown => self.take(SourceKind::Anything, path, true),
            EffectClass::Network
            | EffectClass::PackageInstall
            | EffectClass::GitPush
            | EffectClass::Publish
            | EffectClass::Deploy
            | EffectClass::Destructive
            | EffectClass::EscapeAttempt => insert(&mut self.reads, path),
        }
    }

    /// What only the words of a command line tell.
    fn shell(&mut self, line: &str, cwd: &str, ground: &Ground<'_>) {
        self.command = Some(line.chars().take(TEXT_BYTES / 4).collect());
        let facts = crate::classify::Facts {
            workspace: ground.workspace.root.to_str(),
            cwd: cwd.starts_with('/').then_some(cwd),
            home: ground.workspace.home.as_deref().and_then(Path::to_str),
            look: Some(&Within { files: ground.files, root: &ground.workspace.root }),
        };
        let classified = crate::classify::classify(line, &facts);
        for name in classified.runs {
            self.place(ground, cwd, &name, |print| &mut print.runs);
        }
        for written in classified.written {
            if let Some(path) = ground.place(cwd, &written.file) {
                self.given.push((path, written.text));
            }
        }
        let read = command::read(line);
        for piece in &read {
            self.piece(piece, cwd, ground);
        }
        self.writes_by_tool = read.iter().all(Piece::is_own_tool);
        // `… | bash`: what comes in is run.
        self.interprets = read.iter().any(Piece::interprets_input);
    }

    fn piece(&mut self, piece: &Piece, cwd: &str, ground: &Ground<'_>) {
        let below;
        let cwd = match &piece.folder {
            None => cwd,
            Some(folder) => {
                below = ground::below(cwd, folder);
                &below
            }
        };
        for (kind, what) in piece.takes() {
            self.take(kind, &what, true);
        }
        for name in piece.fetched() {
            self.place(ground, cwd, &name, |print| &mut print.writes);
        }
        self.languages.extend(piece.languages());
        self.runs_hooks |= piece.runs_hooks();
        self.is_pushed_later |= piece.words_history();
        for name in piece.shadowing() {
            self.place(ground, cwd, &name, |print| &mut print.runs);
        }
        self.interpreters.extend(piece.interpreter().map(str::to_owned));
        for name in piece.build_files() {
            self.place(ground, cwd, &name, |print| &mut print.builds);
        }
        for name in piece.runs() {
            self.place(ground, cwd, &name, |print| &mut print.runs);
        }
        if let Some(into) = piece.spreads_into() {
            for name in piece.named() {
                self.place(ground, cwd, name, |print| &mut print.reads);
            }
            match ground.place(cwd, &into) {
                Some(path) if !ground.is_wide(&path) => insert(&mut self.writes, &path),
                Some(_) | None => self.spreads = true,
            }
        }
    }

    fn place(
        &mut self,
        ground: &Ground<'_>,
        cwd: &str,
        name: &str,
        into: impl Fn(&mut Self) -> &mut BTreeSet<String>,
    ) {
        if let Some(path) = ground.place(cwd, name) {
            insert(into(self), &path);
        }
    }

    fn take(&mut self, kind: SourceKind, what: &str, answers: bool) {
        self.answers |= answers;
        let known = self.takes.iter().any(|(other, name)| *other == kind && name == what);
        if !known && self.takes.len() < SOURCES {
            self.takes.push((kind, what.to_owned()));
        } else if !known && !self.takes.iter().any(|(other, _)| *other == kind) {
            // The kind counts more than one more name of another.
            if let Some(last) = self.takes.last_mut() {
                *last = (kind, what.to_owned());
            }
        }
    }
}

fn insert(into: &mut BTreeSet<String>, path: &str) {
    if into.len() < PATHS {
        into.insert(path.to_owned());
    }
}

fn gather_text(text: &str, texts: &mut Vec<String>, budget: &mut usize) -> bool {
    if texts.len() >= TEXTS {
        return false;
    }
    let fits = text.get(..text.floor_char_boundary(*budget)).unwrap_or(text);
    *budget -= fits.len();
    texts.push(fits.to_owned());
    fits.len() == text.len()
}

/// The texts of the arguments; false where they are more than is compared. The command line is kept apart.
fn gather(value: &Value, texts: &mut Vec<String>, budget: &mut usize, has_command: bool) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => gather_text(text, texts, budget),
        Value::Array(members) => {
            members.iter().filter(|member| !gather(member, texts, budget, has_command)).count() == 0
        }
        Value::Object(members) => {
            members
                .iter()
                .filter(|(name, _)| {
                    !(has_command && matches!(name.as_str(), "command" | "cmd" | "description"))
                })
                // What an edit takes out comes from the file itself.
                .filter(|(name, _)| !matches!(name.as_str(), "old_string" | "oldString" | "old_str"))
                .filter(|(_, member)| !gather(member, texts, budget, has_command))
                .count()
                == 0
        }
    }
}
