//! What a step's script leads to in its own repository: a script by its path, a target by its name.

use super::values::Values;
use crate::ci::files::Files;
use crate::document::Node;

/// Files of `make` and `just`, in the order in which they are looked for.
const MAKEFILES: &[&str] = &["GNUmakefile", "makefile", "Makefile"];
const JUSTFILES: &[&str] = &["justfile", "Justfile", ".justfile"];
/// What a look into a package's scripts counts as work.
const BYTES_OF_PACKAGE: usize = 4 << 10;
/// Most targets that one target needs.
const MAX_TARGETS: usize = 20;
/// Sub-commands of package managers that are no scripts of a package.
const NOT_SCRIPTS: &[&str] = &[
    "add", "audit", "ci", "config", "create", "dlx", "exec", "i", "init", "install", "link", "publish", "x",
];

/// Where a script runs.
#[derive(Clone, Default)]
pub(in crate::ci) struct Around<'a> {
    pub(in crate::ci) files: Option<&'a Files<'a>>,
    /// The folder, from the top of the repository.
    pub(in crate::ci) folder: String,
    /// The folder of the composite action that the step is part of.
    pub(in crate::ci) action: String,
    pub(in crate::ci) shell: Option<&'a str>,
    /// What is set around it.
    pub(in crate::ci) values: Values<'a>,
}

// === impl Around ===

impl Around<'_> {
    /// A script by the path that a command gives.
    pub(super) fn script(&self, path: &str) -> Option<String> {
        const TOP: &[&str] = &[
            "$GITHUB_WORKSPACE/",
            "${GITHUB_WORKSPACE}/",
            "${{ github.workspace }}/",
            "${{github.workspace}}/",
        ];
        const ACTION: &[&str] = &[
            "$GITHUB_ACTION_PATH/",
            "${GITHUB_ACTION_PATH}/",
            "${{ github.action_path }}/",
            "${{github.action_path}}/",
        ];
        let files = self.files?;
        if let Some(rest) = TOP.iter().find_map(|head| path.strip_prefix(head)) {
            return files.text(&joined("", rest)?);
        }
        if let Some(rest) = ACTION.iter().find_map(|head| path.strip_prefix(head)) {
            return files.text(&joined(&self.action, rest)?);
        }
        self.text(path)
    }

    fn text(&self, path: &str) -> Option<String> {
        let files = self.files?;
        files.text(&joined(&self.folder, path)?).or_else(|| files.text(&joined("", path)?))
    }

    fn document(&self, path: &str) -> Option<std::rc::Rc<Node>> {
        self.files?.document(&joined(&self.folder, path)?)
    }
}

/// A path from the top, `.` and `..` resolved; `None` for one that leads elsewhere or that nobody knows.
pub(in crate::ci) fn joined(folder: &str, path: &str) -> Option<String> {
    if path.starts_with(['/', '~']) || path.contains(['$', '\\', '*', ' ']) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The script behind a target of `make` or `just`, or of a package's `scripts`.
pub(super) fn target(words: &[&str], around: &Around<'_>) -> Option<String> {
    let (program, rest) = words.split_first()?;
    let folder = folder_of(rest);
    let mut names = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if [
            "-C",
            "--directory",
            "--prefix",
            "--cwd",
            "--dir",
            "-f",
            "--file",
            "--justfile",
            "--working-directory",
            "-w",
            "--workspace",
            "--filter",
            "-j",
        ]
        .contains(word)
        {
            words.next();
        } else if !word.starts_with('-') && !word.contains('=') {
            names.push(*word);
        }
    }
    let at = |file: &str| folder.map_or_else(|| file.to_owned(), |folder| format!("{folder}/{file}"));
    match *program {
        "make" | "gmake" | "just" => {
            let files = if *program == "just" { JUSTFILES } else { MAKEFILES };
            let text = files.iter().find_map(|file| around.text(&at(file)))?;
            // It is gone through once for each target.
            around.files?.may(MAX_TARGETS * text.len()).then(|| recipe(&text, names.first().copied()))
        }
        "npm" | "yarn" | "pnpm" | "bun" => {
            let name = match names.as_slice() {
                ["run" | "run-script", name, ..] => *name,
                [name @ ("test" | "start"), ..] => *name,
                [name, ..] if *program != "npm" && !NOT_SCRIPTS.contains(name) => *name,
                _ => return None,
            };
            around.files.filter(|files| files.may(BYTES_OF_PACKAGE))?;
            let package = around.document(&at("package.json"))?;
            let scripts = package.get("scripts")?;
            let parts = [format!("pre{name}"), name.to_owned(), format!("post{name}")];
            let lines: Vec<&str> = parts.iter().filter_map(|part| scripts.get(part)?.text()).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        }
        _ => None,
    }
}

fn folder_of<'a>(words: &[&'a str]) -> Option<&'a str> {
    let at =
        words.iter().position(|word| ["-C", "--directory", "--prefix", "--cwd", "--dir"].contains(word))?;
    words.get(at + 1).copied()
}

/// The lines of a target and of those that it needs.
fn recipe(text: &str, name: Option<&str>) -> String {
    let joined = text.replace("\\\n", " ");
    let head = |line: &str| -> Option<(Vec<String>, Vec<String>)> {
        if line.starts_with(['\t', ' ', '#', '.']) {
            return None;
        }
        let (names, needs) = line.split_once(':')?;
        if names.contains('=') || needs.starts_with('=') {
            return None;
        }
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let needs = needs.split(['#', ';']).next().unwrap_or("");
        // A recipe of `just` has its parameters in front of the colon.
        Some((
            words(names).into_iter().map(|name| name.trim_start_matches('@').to_owned()).collect(),
            words(needs),
        ))
    };
    let first = || joined.lines().find_map(head).and_then(|(names, _)| names.into_iter().next());
    let mut wanted: Vec<String> = name.map(str::to_owned).or_else(first).into_iter().collect();
    let (mut script, mut at) = (String::new(), 0);
    while let Some(name) = wanted.get(at).cloned() {
        at += 1;
        let mut is_inside = false;
        for line in joined.lines() {
            if let Some((names, needs)) = head(line) {
                is_inside = names.contains(&name);
                if is_inside {
                    for need in needs {
                        if wanted.len() < MAX_TARGETS && !wanted.contains(&need) {
                            wanted.push(need);
                        }
                    }
                }
            } else if is_inside && line.starts_with(['\t', ' ']) {
                let line = line.trim_start().trim_start_matches(['@', '-', '+']);
                script.push_str(&line.replace("$$", "$"));
                script.push('\n');
            }
        }
    }
    script
}
