//! What is on this machine beside files of configuration: programs, extensions of editors, and what runs right now.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::credential_name::is_credential_name;
use crate::tool::{SURVEYS, Survey};
use crate::walk::read_regular;

/// Most processes looked at.
const MAX_PROCESSES: usize = 50_000;
/// Most extensions looked at in one editor.
const MAX_EXTENSIONS: usize = 5_000;
/// Longest command line or environment that is read, in bytes.
const MAX_PROCESS_BYTES: usize = 4 << 20;
/// Programs whose first argument is the program that counts.
const RUNTIMES: &[&str] = &["node", "bun", "deno", "python", "python3", "npx", "uv", "uvx"];
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
    places
}

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

/// Programs of tools in the folders of a `PATH`. Names of one or two letters say too little and are left out.
pub fn programs(path: &std::ffi::OsStr) -> Vec<Program> {
    let mut found: Vec<Program> = Vec::new();
    for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
        for survey in SURVEYS {
            for name in survey.executables.iter().filter(|name| name.len() > 2) {
                let path = folder.join(name);
                let new = found
                    .iter()
                    .all(|program| program.tool != survey.id || program.path.file_name() != path.file_name());
                if new && path.is_file() {
                    found.push(Program { tool: survey.id, path });
                }
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

/// Agents that run on this machine, as far as they can be seen. `proc` is `/proc`.
pub fn processes(proc: &Path) -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir(proc) else { return Vec::new() };
    let mut found: Vec<Process> = entries
        .take(MAX_PROCESSES)
        .flatten()
        .filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = read_regular(&entry.path().join("cmdline"), MAX_PROCESS_BYTES).ok()?;
            let words: Vec<String> = line
                .split(|byte| *byte == 0)
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
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
            let bypass = [
                "--dangerously-skip-permissions",
                "--dangerously-bypass-approvals-and-sandbox",
                "--yolo",
                "--allow-all-tools",
                "--dangerously-allow-all",
                "--yes-always",
            ]
            .into_iter()
            .find(|flag| words.iter().any(|word| word == flag));
            Some(Process { tool: survey.id, id, credential_names, bypass })
        })
        .collect();
    found.sort_by_key(|process| process.id);
    found
}

fn of_words(words: &[String]) -> Option<&'static Survey> {
    let base = |word: &String| word.rsplit('/').next().unwrap_or("").to_owned();
    let mut words = words.iter();
    let mut name = base(words.next()?);
    if RUNTIMES.contains(&name.as_str()) {
        let script = words.find(|word| !word.starts_with('-'))?;
        name = base(script);
        // `…/@anthropic-ai/claude-code/cli.js` is named by its package.
        if ["cli.js", "index.js", "main.js", "bundle.js", "cli.mjs", "__main__.py"].contains(&name.as_str()) {
            let packages = [
                ("/claude-code/", "claude-code"),
                ("/@openai/codex/", "codex"),
                ("/gemini-cli/", "gemini-cli"),
                ("/qwen-code/", "qwen-code"),
                ("/@github/copilot/", "github-copilot"),
                ("/opencode", "opencode"),
            ];
            let (_, tool) = packages.iter().find(|(part, _)| script.contains(part))?;
            return SURVEYS.iter().find(|survey| survey.id == *tool);
        }
    }
    let name = name.trim_end_matches(".js").trim_end_matches(".mjs");
    SURVEYS.iter().find(|survey| name.len() > 2 && survey.executables.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(found[0].credential_names.contains("A_TOKEN") && !format!("{found:?}").contains("hidden"));

        std::fs::create_dir_all(root.join(".vscode/extensions/GitHub.copilot-chat-0.31.2")).unwrap();
        std::fs::create_dir_all(root.join(".vscode/extensions/rust-lang.rust-analyzer-0.3.1")).unwrap();
        let found = extensions(root);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id.as_str(), found[0].version.as_str()), ("github.copilot-chat", "0.31.2"));
    }
}
