//! Files that something runs or obeys after they were written, each with what that something is.
//!
//! By their names, which [`lists`] has. Nothing here is the only thing between an agent and what it could plant.

use std::collections::HashMap;
use std::sync::LazyLock;

use writ_model::Binding;

use super::secret::names;

mod lists;

use lists::{ABSOLUTE, AT_HOME, BEGINNINGS, ENDINGS, FILES, FOLDERS, MCP_FILES, PAIRS};

static BY_FOLDER: LazyLock<HashMap<&'static str, Binding>> = LazyLock::new(|| by_name(FOLDERS));
static BY_FILE: LazyLock<HashMap<&'static str, Binding>> = LazyLock::new(|| by_name(FILES));

fn by_name(lists: &[(Binding, &'static [&'static str])]) -> HashMap<&'static str, Binding> {
    lists.iter().flat_map(|(binding, list)| list.iter().map(|name| (*name, *binding))).collect()
}

/// Whether writing the file is part of ordinary work, although it runs later: build scripts and manifests.
pub(super) const fn is_everyday(binding: Binding) -> bool {
    match binding {
        Binding::BuildScript | Binding::LockFile | Binding::ManifestScripts => true,
        Binding::AgentSettings
        | Binding::Ci
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
        | Binding::ToolSettings => false,
    }
}

/// What obeys a file of the home folder. `rest` is folded and below it.
pub(super) fn at_home(rest: &str) -> Option<Binding> {
    listed(AT_HOME, rest).map(|binding| of_agent(binding, rest))
}

/// What obeys a file of the machine. `folded` is absolute.
pub(super) fn of_machine(folded: &str) -> Option<Binding> {
    listed(ABSOLUTE, folded)
}

/// What obeys a file of the workspace. `rest` is folded and below the workspace.
pub(super) fn in_workspace(rest: &str) -> Option<Binding> {
    let mut everyday = None;
    let mut before = "";
    let mut parts = rest.split('/').peekable();
    while let Some(name) = parts.next() {
        let pair = PAIRS.iter().find(|(_, first, second)| *first == before && *second == name);
        let found = BY_FOLDER.get(name).copied().or(pair.map(|(binding, _, _)| *binding));
        match found {
            Some(binding) if is_everyday(binding) => everyday = Some(binding),
            Some(Binding::GitConfig) if parts.peek() == Some(&"hooks") => return Some(Binding::GitHook),
            Some(binding) => return Some(of_agent(binding, rest)),
            None => {}
        }
        if parts.peek().is_none() {
            return BY_FILE.get(name).copied().or(everyday).or_else(|| by_form(before, name));
        }
        before = name;
    }
    None
}

/// Files that have many names of one form: `Dockerfile.dev`, `requirements-dev.txt`, `x.gemspec`.
fn by_form(folder: &str, name: &str) -> Option<Binding> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    if let Some((binding, _)) = ENDINGS.iter().find(|(_, listed)| *listed == ending) {
        return Some(*binding);
    }
    if name.starts_with("dockerfile.") || ending == "dockerfile" || name.starts_with("makefile.") {
        return Some(Binding::BuildScript);
    }
    if let Some((binding, _)) = BEGINNINGS.iter().find(|(_, beginning)| name.starts_with(beginning)) {
        return Some(*binding);
    }
    if ending == "toml" && name.starts_with("mise.") {
        return Some(Binding::Environment);
    }
    if ending == "txt" && (stem.starts_with("requirements") || folder == "requirements") {
        return Some(Binding::ManifestScripts);
    }
    // Bundlers and test runners load `vite.config.ts` and the like as code.
    let is_code = matches!(ending, "js" | "cjs" | "mjs" | "ts" | "cts" | "mts");
    (is_code && stem.ends_with(".config")).then_some(Binding::BuildScript)
}

/// In an agent's folder: its servers and its instructions have kinds of their own.
fn of_agent(binding: Binding, path: &str) -> Binding {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_folder_of_one = binding == Binding::AgentSettings || binding == Binding::EditorTask;
    if is_folder_of_one && MCP_FILES.contains(&name) {
        Binding::McpSettings
    } else if binding == Binding::AgentSettings && (name.ends_with(".md") || name.ends_with(".mdc")) {
        Binding::Instructions
    } else {
        binding
    }
}

fn listed(lists: &[(Binding, &[&str])], path: &str) -> Option<Binding> {
    lists.iter().find(|(_, list)| list.iter().any(|entry| names(entry, path))).map(|(binding, _)| *binding)
}

/// Names of guarded files and folders that can stand in any folder of the workspace.
pub(super) fn guarded_names() -> impl Iterator<Item = &'static str> {
    let guarded = |(binding, _): &&(Binding, &[&str])| !is_everyday(*binding);
    let files = FILES.iter().filter(guarded);
    files.chain(FOLDERS).flat_map(|(_, list)| list.iter().copied())
}

/// The names that matter, by their first byte: a bit for each length. Most names of a large folder end here.
static LENGTHS: LazyLock<[u64; 128]> = LazyLock::new(|| {
    let mut lengths = [0; 128];
    for name in guarded_names() {
        let slot = name.bytes().next().and_then(|first| lengths.get_mut(usize::from(first)));
        if let (Some(slot), Some(bit)) = (slot, bit(name.len())) {
            *slot |= bit;
        }
    }
    lengths
});

const fn bit(length: usize) -> Option<u64> {
    if length < 64 { Some(1 << length) } else { None }
}

/// Whether a file or folder of this name, which is not folded, could matter by its name alone. It says yes for some that
/// do not.
pub(super) fn could_matter(name: &str) -> bool {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    let folds = !name.is_ascii() || matches!(last, b'.' | b' ') || bytes.contains(&b'~');
    let ending = ENDINGS
        .iter()
        .any(|(binding, end)| !is_everyday(*binding) && name.len() > end.len() && ends_with(bytes, end));
    let lengths = LENGTHS.get(usize::from(first.to_ascii_lowercase())).copied().unwrap_or_default();
    let begins =
        BEGINNINGS.iter().any(|(_, beginning)| begins_with(name, beginning)) || begins_with(name, "mise.");
    folds || ending || begins || bit(bytes.len()).is_some_and(|bit| lengths & bit != 0)
}

fn begins_with(name: &str, beginning: &str) -> bool {
    name.get(..beginning.len()).is_some_and(|found| found.eq_ignore_ascii_case(beginning))
}

fn ends_with(name: &[u8], end: &str) -> bool {
    let at = name.len().saturating_sub(end.len());
    name.get(at..).is_some_and(|found| found.eq_ignore_ascii_case(end.as_bytes()))
}

/// Whether names in a folder of this name, which is folded, matter by the two together.
pub(super) fn begins_a_pair(folder: &str) -> bool {
    PAIRS.iter().any(|(_, first, _)| *first == folder)
}
