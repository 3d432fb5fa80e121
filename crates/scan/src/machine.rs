//! What is on this machine beside files of configuration: programs, extensions of editors, and what runs right now.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::bypass;
use crate::credential_name::is_credential_name;
use crate::finding::{Finding, rules};
use crate::tool::SURVEYS;
use crate::walk::read_regular;

mod line;

use line::{of_words, words_of};

pub use line::words_above;

/// Most processes looked at.
const MAX_PROCESSES: usize = 50_000;
/// Most extensions looked at in one editor.
const MAX_EXTENSIONS: usize = 5_000;
/// Longest command line or environment that is read, in bytes.
const MAX_PROCESS_BYTES: usize = 4 << 20;
/// Folders of editors of the VS Code family, below the home folder.
const EDITORS: &[&str] = &[
    ".antigravity/extensions",
    ".cursor/extensions",
    ".cursor-server/extensions",
    ".kiro/extensions",
    ".trae/extensions",
    ".vscode/extensions",
    ".vscode-insiders/extensions",
    ".vscode-oss/extensions",
    ".vscode-server/extensions",
    ".windsurf/extensions",
    ".windsurf-server/extensions",
];

/// Folders below the home folder in which editors of the VS Code family keep what is the user's, on Linux, at a remote
/// end and on macOS; a star is any of the family.
const USER_FOLDERS: &[&str] = &[
    ".config/*/User",
    ".cursor-server/data/User",
    ".vscode-remote/data/User",
    ".vscode-server-insiders/data/User",
    ".vscode-server/data/User",
    ".windsurf-server/data/User",
    "Library/Application Support/*/User",
];
const FAMILY: &[&str] = &[
    "Antigravity",
    "Code",
    "Code - Insiders",
    "Code - OSS",
    "Cursor",
    "Kiro",
    "Positron",
    "Trae",
    "Trae CN",
    "VSCodium",
    "VSCodium - Insiders",
    "Void",
    "Windsurf",
    "Windsurf - Next",
];
/// Where JetBrains's editors, and Google's, keep a folder for each editor and version.
const JETBRAINS: &[&str] = &[
    ".config/Google",
    ".config/JetBrains",
    "Library/Application Support/Google",
    "Library/Application Support/JetBrains",
];
/// Most profiles looked at in one editor.
const MAX_PROFILES: usize = 200;

/// Files and folders of agents in the user's part of every editor: its settings and servers, those of its profiles, and
/// those of each agent among its extensions.
pub fn editor_places(home: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let folders = USER_FOLDERS.iter().flat_map(|folder| match folder.split_once('*') {
        Some((head, tail)) => FAMILY.iter().map(|editor| format!("{head}{editor}{tail}")).collect(),
        None => vec![(*folder).to_owned()],
    });
    for folder in folders.map(PathBuf::from).filter(|folder| home.join(folder).is_dir()) {
        let profiles = std::fs::read_dir(home.join(&folder).join("profiles"));
        let profiles = profiles.into_iter().flatten().take(MAX_PROFILES).flatten();
        let profiles = profiles.map(|profile| folder.join("profiles").join(profile.file_name()));
        for one in std::iter::once(folder.clone()).chain(profiles) {
            places.extend(["mcp.json", "settings.json"].map(|name| one.join(name)));
        }
        for extension in SURVEYS.iter().flat_map(|survey| survey.extensions) {
            places.push(folder.join("globalStorage").join(extension).join("settings"));
        }
    }
    for folder in JETBRAINS.iter().map(PathBuf::from) {
        let editors =
            std::fs::read_dir(home.join(&folder)).into_iter().flatten().take(MAX_PROFILES).flatten();
        places
            .extend(editors.map(|editor| folder.join(editor.file_name()).join("options/llm.mcpServers.xml")));
    }
    places
}

/// Names that say too little: the tool that each may be, what the path of its file holds when it is, and where below the
/// home folder its settings are when it is used.
struct Short {
    name: &'static str,
    tool: &'static str,
    parts: &'static [&'static str],
    settings: &'static str,
}

const SHORT: &[Short] = &[
    Short { name: "agent", tool: "cursor", parts: &["cursor-agent"], settings: ".cursor/cli-config.json" },
    Short { name: "cn", tool: "continue", parts: &["continuedev"], settings: ".continue" },
    Short { name: "pi", tool: "pi", parts: &["pi-coding-agent"], settings: ".pi/agent" },
    Short { name: "q", tool: "amazon-q", parts: &["amazon-q", "amazonq", "qchat"], settings: ".aws/amazonq" },
];

/// A program on the path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    pub tool: &'static str,
    pub path: PathBuf,
}

/// An agent inside an editor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extension {
    pub tool: &'static str,
    pub id: String,
    pub version: String,
    /// The editor's folder, below the home folder.
    pub editor: &'static str,
}

/// An agent that runs. Its arguments are not kept: they may hold anything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    pub tool: &'static str,
    pub id: u32,
    /// Credentials in its environment, by name.
    pub credential_names: BTreeSet<String>,
    /// A switch on its command line takes all questions away.
    pub bypass: Option<&'static str>,
}

/// Programs of tools in the folders of a `PATH`. A name that says too little counts when the file behind it lies in the
/// tool's own folder, or when the tool's settings are in the home folder.
pub fn programs(path: &std::ffi::OsStr, home: Option<&Path>) -> Vec<Program> {
    let mut found: Vec<Program> = Vec::new();
    for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
        let long = SURVEYS.iter().flat_map(|survey| survey.executables.iter().map(|name| (survey.id, *name)));
        let long = long.filter(|(_, name)| name.len() > 2).map(|(tool, name)| (tool, folder.join(name)));
        let short = SHORT.iter().map(|short| (short, folder.join(short.name)));
        let short = short.filter(|(short, path)| short.is_it(path, home));
        for (tool, path) in long.chain(short.map(|(short, path)| (short.tool, path))) {
            let new = found
                .iter()
                .all(|program| program.tool != tool || program.path.file_name() != path.file_name());
            if new && path.is_file() {
                found.push(Program { tool, path });
            }
        }
    }
    found
}

/// Agents among the extensions of editors, by the names of their folders: `publisher.name-1.2.3`.
pub fn extensions(home: &Path) -> Vec<Extension> {
    let mut found = Vec::new();
    for editor in EDITORS {
        let Ok(entries) = std::fs::read_dir(home.join(editor)) else { continue };
        for entry in entries.take(MAX_EXTENSIONS).flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let cut = name.match_indices('-').map(|(at, _)| at).find(|at| {
                name.get(at + 1..).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
            });
            let (id, version) = match cut.and_then(|at| Some((name.get(..at)?, name.get(at + 1..)?))) {
                Some((id, version)) => (id.to_ascii_lowercase(), version.to_owned()),
                None => (name.to_ascii_lowercase(), String::new()),
            };
            if let Some(survey) = SURVEYS.iter().find(|survey| survey.extensions.contains(&id.as_str())) {
                found.push(Extension { tool: survey.id, id, version, editor });
            }
        }
    }
    found.sort_by(|a, b| (&a.id, &a.version, a.editor).cmp(&(&b.id, &b.version, b.editor)));
    found
}

/// What of the processes somebody should look at: those that ask nobody.
pub fn findings(processes: &[Process]) -> Vec<Finding> {
    let unasked = processes.iter().filter_map(|process| Some((process, process.bypass?)));
    unasked
        .map(|(process, switch)| {
            let Process { tool, id, .. } = process;
            Finding::new(
                &rules::RUNNING_UNASKED,
                Path::new("processes"),
                0,
                &format!("{tool} {switch}"),
                format!("{tool} runs as process {id} and asks nobody: `{switch}`"),
            )
        })
        .collect()
}

/// Agents that run on this machine, as far as they can be seen. `proc` is `/proc`.
pub fn processes(proc: &Path) -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir(proc) else { return Vec::new() };
    let mut found: Vec<Process> = entries
        .take(MAX_PROCESSES)
        .flatten()
        .filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = read_regular(&entry.path().join("cmdline"), MAX_PROCESS_BYTES).ok()?;
            let words = words_of(&line);
            let survey = of_words(&words)?;
            let environment =
                read_regular(&entry.path().join("environ"), MAX_PROCESS_BYTES).unwrap_or_default();
            let credential_names = environment
                .split(|byte| *byte == 0)
                .filter_map(|pair| pair.split(|byte| *byte == b'=').next())
                .filter_map(|name| std::str::from_utf8(name).ok())
                .filter(|name| is_credential_name(name))
                .map(str::to_owned)
                .collect();
            let bypass = bypass::of_words(survey.id, &words);
            Some(Process { tool: survey.id, id, credential_names, bypass })
        })
        .collect();
    found.sort_by_key(|process| process.id);
    found
}

// === impl Short ===

impl Short {
    fn is_it(&self, path: &Path, home: Option<&Path>) -> bool {
        let behind = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let text = behind.to_string_lossy();
        self.parts.iter().any(|part| text.contains(part))
            || home.is_some_and(|home| home.join(self.settings).exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_counts_with_the_tools_folder_or_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let (bin, home) = (folder.path().join("bin"), folder.path().join("home"));
        let package = folder.path().join("lib/@continuedev/cli/cn.js");
        for path in [bin.join("q"), bin.join("pi"), home.join(".pi/agent/x"), package.clone()] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(&package, bin.join("cn")).unwrap();
        let tools = |home| -> Vec<_> {
            programs(bin.as_os_str(), home).into_iter().map(|program| program.tool).collect()
        };
        assert_eq!(tools(None), ["continue"]);
        assert_eq!(tools(Some(home.as_path())), ["continue", "pi"]);
        let words = |line: String| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        for (line, tool) in [
            (format!("node {}/cn -p x", bin.display()), Some("continue")),
            (format!("{}/q chat", bin.display()), None),
            ("/usr/bin/node /opt/pi-coding-agent/pi".to_owned(), Some("pi")),
            ("/x/cursor-agent/versions/1/agent".to_owned(), Some("cursor")),
        ] {
            assert_eq!(of_words(&words(line.clone())).map(|survey| survey.id), tool, "{line}");
        }
    }

    #[test]
    fn agents_are_seen_among_processes_and_extensions_by_name_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (id, line, environ) in [
            ("7", "node\0/x/claude\0--yolo\0", "A_TOKEN=hidden\0LANG=C\0"),
            ("8", "/usr/bin/vim\0x\0", ""),
            ("9", "node\0--x\0/y/@openai/codex/cli.js\0", ""),
        ] {
            std::fs::create_dir(root.join(id)).unwrap();
            std::fs::write(root.join(id).join("cmdline"), line).unwrap();
            std::fs::write(root.join(id).join("environ"), environ).unwrap();
        }
        let found = processes(root);
        assert_eq!(
            found.iter().map(|process| (process.tool, process.id)).collect::<Vec<_>>(),
            [("claude-code", 7), ("codex", 9)]
        );
        assert_eq!(found[0].bypass, Some("--yolo"));
        let told = findings(&found);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].rule.id, told[0].rule.severity.name()), ("writ/running-unasked", "high"));
        assert!(found[0].credential_names.contains("A_TOKEN") && !format!("{found:?}").contains("hidden"));

        std::fs::create_dir_all(root.join(".vscode/extensions/GitHub.copilot-chat-0.31.2")).unwrap();
        std::fs::create_dir_all(root.join(".vscode/extensions/rust-lang.rust-analyzer-0.3.1")).unwrap();
        let found = extensions(root);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id.as_str(), found[0].version.as_str()), ("github.copilot-chat", "0.31.2"));
    }
}
