//! One scan: the files of tools in a tree, what each one says, and what could not be looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::approval::Approval;
use crate::ci::gitlab::{self, GitlabPipeline};
use crate::ci::{self, Workflow};
use crate::credential_name::{has_password, is_credential_name, is_real, variables};
use crate::detour::{Detour, detours};
use crate::document::{self, DocumentError, Node, Notation};
use crate::identity_code::{self, Identity};
use crate::server::{Credentials, HardCoded, Server, embedded, servers};
use crate::tool::{self, Catalogue, FileKind, Survey};
use crate::walk::{self, Hit, Note, NoteKind, ReadError, WalkOptions, Walked, read_head, read_regular};

mod hook;

pub use hook::Hook;

/// Longest configuration or instruction file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = document::MAX_BYTES;

/// Whose file it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    Administrator,
    Project,
    User,
}

/// One file of a tool, and what it says.
#[derive(Clone, Debug)]
pub struct Found {
    /// As given to the scan plus the way below it.
    pub path: PathBuf,
    pub tool: &'static str,
    pub kind: FileKind,
    pub level: Level,
    pub servers: Vec<Server>,
    /// Variables and names that carry credentials, those of servers included.
    pub credential_names: BTreeSet<String>,
    pub hard_coded: Vec<HardCoded>,
    pub approval: Approval,
    pub hooks: Vec<Hook>,
    /// Plugins that are switched on, by name.
    pub plugins: Vec<String>,
    /// Where settings lead the client: models, programs that give keys, folders.
    pub detours: Vec<Detour>,
    /// Of a workflow: its audit.
    pub workflow: Option<Workflow>,
    /// Of a pipeline of GitLab: its audit.
    pub gitlab: Option<GitlabPipeline>,
    /// Identities that the file makes.
    pub identities: Vec<Identity>,
    /// Why it may say more than is told here.
    pub unread: Option<Unread>,
}

/// What of a file could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unread {
    pub line: u32,
    pub why: String,
}

/// What a whole scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Sorted by path.
    pub found: Vec<Found>,
    pub notes: Vec<Note>,
    pub notes_left_out: u64,
    pub repositories: Vec<PathBuf>,
    /// Files that may hold credentials, by their names; they were not opened.
    pub credential_files: Vec<PathBuf>,
    pub entries: u64,
    pub folders: u64,
    /// Folders and files that a person wanted left out.
    pub left_out: u64,
}

/// Scans a tree. Nothing in it is run or obeyed.
pub fn scan(root: &Path, level: Level, walked: Walked) -> Scan {
    let Walked { hits, repositories, notes, notes_left_out, entries, folders, left_out } = walked;
    let (hits, credential_files) = sorted(hits);
    let found = Vec::new();
    let mut scan =
        Scan { found, notes, notes_left_out, repositories, credential_files, entries, folders, left_out };
    // Opening files waits for the disk, so two threads share them.
    let (first, second) = hits.split_at_checked(hits.len() / 2).unwrap_or((&hits, &[]));
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(|| look_at_all(root, second, level));
        let one = look_at_all(root, first, level);
        // A thread that failed is worked off again here, so that nothing is left out.
        (one, other.join().unwrap_or_else(|_| look_at_all(root, second, level)))
    });
    for (found, notes) in [one, two] {
        scan.found.extend(found);
        scan.notes.extend(notes);
    }
    for repository in &scan.repositories {
        scan.found.extend(look_at_remotes(root, repository, level));
    }
    scan.found.sort_by(|a, b| a.path.cmp(&b.path));
    scan
}

/// Files of tools, and files that may hold credentials; some are both.
fn sorted(hits: Vec<Hit>) -> (Vec<Hit>, Vec<PathBuf>) {
    let catalogue = Catalogue::get();
    let mut credential_files = Vec::new();
    let mut of_agents = Vec::with_capacity(hits.len());
    for hit in hits {
        let Some((name, folders)) = hit.parts.split_last() else { continue };
        let holds = crate::credential::is_of_tree(name);
        if holds {
            credential_files.push(hit.relative.clone());
        }
        let marked = folders.iter().any(|folder| catalogue.is_folder(folder));
        if !holds || walk::is_of_agents(catalogue, name, folders, marked) {
            of_agents.push(hit);
        }
    }
    (of_agents, credential_files)
}

fn look_at_all(root: &Path, hits: &[Hit], level: Level) -> (Vec<Found>, Vec<Note>) {
    let mut notes = Vec::new();
    let found = hits
        .iter()
        .filter_map(|hit| {
            look(root, hit, level, &mut |why| notes.push(Note { relative: hit.relative.clone(), why }))
        })
        .collect();
    (found, notes)
}

/// Addresses in a repository's own configuration that hold a credential: every agent in the working copy can read it.
fn look_at_remotes(root: &Path, repository: &Path, level: Level) -> Option<Found> {
    let path = repository.join(".git/config");
    let bytes = read_regular(&root.join(&path), MAX_FILE_BYTES).ok()?;
    let mut found = Found::new(&path, "git", FileKind::Settings, level);
    found.hard_coded = credentials_of_git(&bytes);
    (!found.hard_coded.is_empty()).then_some(found)
}

/// Lines of git's settings whose address or header holds a credential. Whatever the bytes are, they are read as lines.
pub fn credentials_of_git(bytes: &[u8]) -> Vec<HardCoded> {
    let mut found = Vec::new();
    for (number, line) in String::from_utf8_lossy(bytes).lines().enumerate() {
        let line = line.trim();
        let value = line.split_once('=').map_or("", |(_, value)| value.trim());
        // `[url "https://…"]` rewrites addresses.
        let address = if line.starts_with('[') { line.split('"').nth(1).unwrap_or("") } else { value };
        let header = line.to_ascii_lowercase().starts_with("extraheader") && is_marked_header(value);
        if has_password(address) || header {
            let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
            let name = if header { "extraheader" } else { "url" };
            found.push(HardCoded::new(line, name, value.as_bytes()));
        }
    }
    found
}

/// `Authorization: basic …`, as checkouts in CI leave it behind.
fn is_marked_header(value: &str) -> bool {
    value
        .trim_matches('"')
        .split_once(':')
        .is_some_and(|(name, value)| is_credential_name(name) && is_real(name, value.trim()))
}

/// Walks and scans a tree with nothing remembered.
pub fn scan_tree(root: &Path, options: &WalkOptions) -> Scan {
    scan(root, Level::Project, walk::walk(root, options, None, None))
}

/// Walks and scans the administrator's settings of every tool below the root folder of a machine. Paths are below it.
pub fn scan_administrator(
    root: &Path,
    options: &WalkOptions,
    progress: Option<&(dyn Fn(u64) + Sync)>,
) -> Scan {
    let places = tool::SURVEYS.iter().flat_map(|survey| survey.administrator);
    let starts: Vec<PathBuf> =
        places.filter_map(|path| Some(Path::new(path).strip_prefix("/").ok()?.to_owned())).collect();
    scan(root, Level::Administrator, walk::walk_from(root, &starts, options, None, progress))
}

/// The program and the arguments that start a server of this name, as a file that was found says. They may hold a credential.
pub fn command_line(root: &Path, found: &Found, server: &str) -> Option<Vec<String>> {
    let bytes = read_regular(&root.join(&found.path), MAX_FILE_BYTES).ok()?;
    let notation = notation(found.path.file_name()?.to_str()?, found.kind)?;
    let document = document::parse(&bytes, notation).ok()?;
    crate::server::command_line(&document, found.kind == FileKind::Servers, server)
}

/// What one file says; `None` when it is no tool's after all.
fn look(root: &Path, hit: &Hit, level: Level, note: &mut dyn FnMut(NoteKind)) -> Option<Found> {
    let parts: Vec<&str> = hit.parts.iter().map(String::as_str).collect();
    let Some((survey, kind)) = Catalogue::get().of(&parts) else {
        let (name, folders) = parts.split_last()?;
        return if ci::is_wanted(folders, name) {
            look_at_workflow(root, hit, &parts, level, note)
        } else {
            look_at_identity_code(root, hit, name, level, note)
        };
    };
    let mut found = Found::new(&hit.relative, survey.id, kind, level);
    // What a model is told at every start says nothing that a scan reads.
    if kind == FileKind::Instructions {
        return Some(found);
    }
    let name = parts.last().copied().unwrap_or("");
    let notation = notation(name, kind);
    let bytes = match read_file(root, hit, notation) {
        Ok(bytes) => bytes,
        Err(why) => {
            found.unread = kind.is_configuration().then(|| Unread { line: 1, why: why.to_string() });
            note(why);
            return Some(found);
        }
    };
    match notation {
        Some(notation) => {
            let document::Read { node: document, problem } = document::read(&bytes, notation);
            if let Some(problem) = &problem {
                note(NoteKind::Unparsable(problem.to_string()));
            }
            // Editors' own settings are often broken; past a bound something may hide.
            let hides =
                problem.as_ref().is_some_and(|problem| !matches!(problem, DocumentError::Syntax { .. }));
            if !is_the_tools(survey, name, &document) && !hides {
                return None;
            }
            found.unread = problem.filter(|_| kind.is_configuration()).map(Unread::of);
            read(&mut found, survey, &document);
        }
        None if survey.id == "codex" && name.ends_with(".rules") => {
            tool::codex_rules(&bytes, &mut found.approval);
        }
        None => {
            if let Some(document) = document::front_matter(&bytes) {
                read(&mut found, survey, &document);
            }
        }
    }
    Some(found)
}

/// How often a file that is written to meanwhile is read again.
const TRIES: usize = 3;

/// The bytes of a file, one more than is read of its notation if it is longer.
fn read_file(root: &Path, hit: &Hit, notation: Option<Notation>) -> Result<Vec<u8>, NoteKind> {
    let most = notation.map_or(MAX_FILE_BYTES, document::most_bytes);
    let mut tried = 1;
    loop {
        return match read_head(&root.join(&hit.relative), most.saturating_add(1)) {
            Ok(bytes) => Ok(bytes),
            Err(ReadError::Changed) if tried < TRIES => {
                tried += 1;
                continue;
            }
            Err(ReadError::Changed) => Err(NoteKind::Changed),
            Err(ReadError::NotRegular) => Err(NoteKind::NotRegular),
            Err(ReadError::TooLong(_)) => Err(NoteKind::TooLong),
            Err(ReadError::Unreadable(error)) => Err(NoteKind::Unreadable(error.kind().to_string())),
        };
    }
}

/// What identities a file makes; `None` when it makes none.
fn look_at_identity_code(
    root: &Path,
    hit: &Hit,
    name: &str,
    level: Level,
    note: &mut dyn FnMut(NoteKind),
) -> Option<Found> {
    let bytes = read_regular(&root.join(&hit.relative), MAX_FILE_BYTES).ok()?;
    let (identities, problem) = identity_code::identities(name, &bytes);
    problem.into_iter().for_each(|why| note(NoteKind::Unparsable(why)));
    of_identities(hit, level, identities)
}

/// A file that makes identities, and nothing else.
fn of_identities(hit: &Hit, level: Level, identities: Vec<Identity>) -> Option<Found> {
    let mut found = Found::new(&hit.relative, "identity-code", FileKind::IdentityCode, level);
    found.identities = identities;
    (!found.identities.is_empty()).then_some(found)
}

/// What a workflow of a forge says of agents and makes of identities; `None` when it does neither.
fn look_at_workflow(
    root: &Path,
    hit: &Hit,
    parts: &[&str],
    level: Level,
    note: &mut dyn FnMut(NoteKind),
) -> Option<Found> {
    let bytes = match read_file(root, hit, Some(Notation::Yaml)) {
        Ok(bytes) => bytes,
        Err(why) => {
            note(why);
            return None;
        }
    };
    let document::Read { node: document, problem } = document::read(&bytes, Notation::Yaml);
    if let Some(problem) = &problem {
        note(NoteKind::Unparsable(problem.to_string()));
    }
    // A forge may read what is not read here.
    let hides = problem.is_some() && ci::speaks_of_agents(&String::from_utf8_lossy(&bytes));
    let unread = problem.filter(|_| hides).map(Unread::of);
    let read_local = |top: &Path, path: &str| {
        let path = Path::new(path);
        let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        plain.then(|| read_regular(&root.join(top).join(path), MAX_FILE_BYTES).ok()).flatten()
    };
    let (name, folders) = parts.split_last()?;
    if gitlab::is_pipeline(folders, name) {
        let depth = folders.iter().position(|part| [".gitlab", ".gitlab-ci"].contains(part));
        let top: PathBuf = hit.relative.components().take(depth.unwrap_or(folders.len())).collect();
        let document_of = |path: &str| document::parse(&read_local(&top, path)?, Notation::Yaml).ok();
        let included = |pattern: &str| {
            let files = gitlab::files(&root.join(&top), pattern).into_iter();
            files.filter_map(|path| document_of(&path).map(|document| (path, document))).collect()
        };
        let pipeline = gitlab::audit(&document, &included);
        let mut found = Found::new(&hit.relative, "gitlab-ci", FileKind::Workflow, level);
        for agent in &pipeline.agents {
            found.credential_names.extend(agent.secrets.iter().cloned());
            found.approval.evidence.extend(agent.approval.evidence.iter().cloned());
        }
        found.hard_coded = pipeline.credentials.hard_coded.clone();
        found.unread = unread;
        found.identities = identity_code::of_workflow(&document);
        let tells = !pipeline.agents.is_empty() || hides;
        if !tells {
            return of_identities(hit, level, found.identities);
        }
        found.gitlab = Some(pipeline);
        return Some(found);
    }
    // Local actions and workflows are named from the top of the repository.
    let depth = parts.iter().rposition(|part| [".forgejo", ".gitea", ".github"].contains(part)).unwrap_or(0);
    let top: PathBuf = hit.relative.components().take(depth).collect();
    let local = |path: &str| read_local(&top, path);
    let workflow = ci::audit(&document, &local).or_else(|| ci::audit_action(&document, &local));
    let runs_agents =
        workflow.as_ref().is_some_and(|workflow| !workflow.agents.is_empty() || !workflow.calls.is_empty());
    let identities = identity_code::of_workflow(&document);
    if !runs_agents && !hides {
        return of_identities(hit, level, identities);
    }
    let workflow = workflow.unwrap_or_default();
    let mut found = Found::new(&hit.relative, "github-actions", FileKind::Workflow, level);
    found.unread = unread;
    found.identities = identities;
    found.credential_names = workflow.secrets.clone();
    found.approval = workflow.approval.clone();
    let mut credentials = Credentials::default();
    document.each_text(&mut |key, text, line| {
        if !text.contains('\n') {
            credentials.value(key, text, line, false);
        }
    });
    found.hard_coded = credentials.hard_coded;
    found.workflow = Some(workflow);
    Some(found)
}

// === impl Found ===

impl Found {
    fn new(path: &Path, tool: &'static str, kind: FileKind, level: Level) -> Self {
        Self {
            path: path.to_owned(),
            tool,
            kind,
            level,
            servers: Vec::new(),
            credential_names: BTreeSet::new(),
            hard_coded: Vec::new(),
            approval: Approval::default(),
            hooks: Vec::new(),
            plugins: Vec::new(),
            detours: Vec::new(),
            workflow: None,
            gitlab: None,
            identities: Vec::new(),
            unread: None,
        }
    }
}

// === impl Unread ===

impl Unread {
    fn of(problem: DocumentError) -> Self {
        let line = match problem {
            DocumentError::Syntax { line } => line,
            DocumentError::Depth | DocumentError::Length | DocumentError::Values => 1,
        };
        Self { line, why: problem.to_string() }
    }
}

/// Editors keep settings of their own in the same files.
fn is_the_tools(survey: &Survey, name: &str, document: &Node) -> bool {
    match (survey.id, name) {
        ("vscode-copilot", "settings.json" | "devcontainer.json" | ".devcontainer.json") => {
            tool::editor_speaks_of_agents(document)
        }
        ("vscode-copilot", name) if name.ends_with(".code-workspace") => {
            tool::editor_speaks_of_agents(document)
        }
        ("jetbrains-ai", "workspace.xml") => document.get("mcpServers").is_some(),
        ("zed", "settings.json") => tool::zed_speaks_of_agents(document),
        _ => true,
    }
}

fn notation(name: &str, kind: FileKind) -> Option<Notation> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "toml" => Some(Notation::Toml),
        "xml" => Some(Notation::Xml),
        "yml" | "yaml" => Some(Notation::Yaml),
        "code-workspace" | "hook" | "json" | "jsonc" => Some(Notation::Json),
        // `.roomodes` may be either; YAML takes JSON too.
        "roomodes" | "kilocodemodes" => Some(Notation::Yaml),
        _ if kind.is_configuration() && kind != FileKind::Hooks && kind != FileKind::Policy => {
            Some(Notation::Json)
        }
        _ => None,
    }
}

fn read(found: &mut Found, survey: &Survey, document: &Node) {
    found.servers = servers(document, found.kind == FileKind::Servers);
    (survey.read)(document, &mut found.approval);
    trust_by_list(&mut found.servers, document);
    for server in &found.servers {
        found.credential_names.extend(server.credential_names.iter().cloned());
        found.hard_coded.extend(server.hard_coded.iter().cloned());
        if let Some(line) = server.trusted_line {
            found.approval.scoped(line, format!("server `{}` is trusted", server.name));
        }
        if let Some(line) = server.approved_line {
            found.approval.scoped(line, format!("server `{}`: {} tools", server.name, server.approved_tools));
        }
    }
    credentials(found, document);
    found.hooks = hook::hooks(document);
    found.detours = detours(document);
    if let Some(plugins) = document.get("enabledPlugins") {
        let on = plugins.members().iter().filter(|plugin| plugin.node.is_true());
        found.plugins.extend(on.map(|plugin| plugin.key.clone()));
    }
    for plugin in document.get("plugin").map_or(&[][..], Node::items) {
        found.plugins.extend(plugin.text().map(str::to_owned));
    }
    found.hard_coded.sort();
    found.hard_coded.dedup();
}

/// Amazon Q and Kiro name servers among the tools that need no question: `@git` is every tool of `git`, `@git/log` one.
/// <https://kiro.dev/docs/cli/custom-agents/configuration-reference>
fn trust_by_list(servers: &mut [Server], document: &Node) {
    for item in document.get("allowedTools").map_or(&[][..], Node::items) {
        let named = item.text().and_then(|text| text.trim().strip_prefix('@'));
        let named = named.map(|name| name.strip_suffix("/*").unwrap_or(name));
        for server in servers.iter_mut().filter(|server| Some(server.name.as_str()) == named) {
            server.trusted_line.get_or_insert(item.line);
            server.approved_tools = server.approved_tools.max(1);
        }
    }
}

/// Credentials outside servers: the client's own variables, keys of model providers, and declared inputs.
fn credentials(found: &mut Found, document: &Node) {
    let mut credentials = Credentials::default();
    for environment in ["env", "environment"].iter().filter_map(|key| document.get(key)) {
        credentials.map(environment, true);
    }
    for setting in document.get("settings").map_or(&[][..], Node::items) {
        let variable = setting.get("envVar").and_then(Node::text);
        credentials.names.extend(variable.filter(|name| is_credential_name(name)).map(str::to_owned));
    }
    document.each_text(&mut |key, text, line| {
        if is_credential_name(key) {
            credentials.value(key, text, line, false);
        }
        for variable in variables(text).into_iter().filter(|name| is_credential_name(name)) {
            // In prose a variable is only spoken of.
            if text.len() < 200 && !text.contains('\n') {
                credentials.names.insert(variable.to_owned());
            }
        }
    });
    found.credential_names.extend(credentials.names);
    found.hard_coded.extend(credentials.hard_coded);
    embedded(document, &mut found.hard_coded);
}

/// A name for what is remembered of a root: the first half of a SHA-256 of its path, in hex.
pub fn root_key(root: &Path) -> String {
    let whole = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, root.as_os_str().as_encoded_bytes());
    whole.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
