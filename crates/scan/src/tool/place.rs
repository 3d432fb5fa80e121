//! Where files of tools lie, and the catalogue that says of a path whose it is, at the cost of one look-up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::{SURVEYS, Survey};

/// A file that belongs to a tool, by the end of its path. `*` stands for part of one name; `**` at the end for any
/// depth below, `**.md` for files of that ending, `**/NAME` for files of that name below.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub path: &'static str,
    pub kind: FileKind,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FileKind {
    /// A sub-agent's description.
    Agent,
    /// A prompt that people call by name.
    Command,
    Hooks,
    /// Code that makes identities or gives them rights.
    IdentityCode,
    /// What the model is told at every start.
    Instructions,
    /// A plugin's or an extension's description of itself.
    Manifest,
    Plugin,
    /// Rules of what may run, in a language of the tool's own.
    Policy,
    /// Further instructions, each for some files or some work.
    Rules,
    /// A list of MCP servers.
    Servers,
    Settings,
    Skill,
    Workflow,
}

/// Every place of every tool, by what a walk knows of a path.
pub(crate) struct Catalogue {
    by_name: BTreeMap<&'static str, Vec<(&'static Survey, Place)>>,
    /// Places that are an ending of a name.
    endings: Vec<(&'static Survey, Place)>,
    /// Places whose last name is a pattern, by their first folder's name.
    below: BTreeMap<&'static str, Vec<(&'static Survey, Place)>>,
    folders: BTreeSet<&'static str>,
    /// Names of every folder on the way to some place.
    parts: BTreeSet<&'static str>,
}

// === impl FileKind ===

impl FileKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Command => "command",
            Self::Hooks => "hooks",
            Self::IdentityCode => "identity-code",
            Self::Instructions => "instructions",
            Self::Manifest => "extension-manifest",
            Self::Plugin => "plugin",
            Self::Policy => "policy",
            Self::Rules => "rules",
            Self::Servers => "mcp-config",
            Self::Settings => "settings",
            Self::Skill => "skill",
            Self::Workflow => "workflow",
        }
    }

    /// Whether the file holds configuration to be read, and not text for a model.
    pub fn is_configuration(self) -> bool {
        match self {
            Self::Hooks | Self::Manifest | Self::Policy | Self::Servers | Self::Settings => true,
            Self::Agent
            | Self::Command
            | Self::IdentityCode
            | Self::Instructions
            | Self::Plugin
            | Self::Rules
            | Self::Skill
            | Self::Workflow => false,
        }
    }
}

// === impl Catalogue ===

impl Catalogue {
    /// The one catalogue, made at first use.
    pub(crate) fn get() -> &'static Self {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(|| {
            let mut made = Self {
                by_name: BTreeMap::new(),
                endings: Vec::new(),
                below: BTreeMap::new(),
                folders: BTreeSet::new(),
                // The folders of forges are in no tool's table.
                parts: [".github", ".gitea", ".forgejo", "workflows"].into(),
            };
            for survey in SURVEYS {
                for place in survey.files {
                    if let Some((way, _)) = place.path.rsplit_once('/') {
                        made.parts.extend(way.split('/').filter(|part| !part.contains('*')));
                    }
                    let (first, last) = (
                        place.path.split('/').next().unwrap_or(""),
                        place.path.rsplit('/').next().unwrap_or(""),
                    );
                    if place.path.starts_with('*') {
                        made.endings.push((survey, *place));
                    } else if place.path.contains('*') {
                        made.below.entry(first).or_default().push((survey, *place));
                        made.folders.insert(first);
                    } else {
                        made.by_name.entry(last).or_default().push((survey, *place));
                    }
                }
            }
            made
        })
    }

    /// Whether files below a folder of this name may be named by a pattern.
    pub(crate) fn is_folder(&self, name: &str) -> bool {
        self.folders.contains(name)
    }

    /// Whether some place lies below a folder of this name.
    pub(crate) fn is_part(&self, name: &str) -> bool {
        self.parts.contains(name)
    }

    /// Whether some place has exactly this last name.
    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
            || self.endings.iter().any(|(_, place)| name.ends_with(place.path.trim_start_matches('*')))
    }

    /// Whose file this is: the longest place that fits, so that `.claude/mcp.json` goes before `mcp.json`.
    pub(crate) fn of(&self, path: &[&str]) -> Option<(&'static Survey, FileKind)> {
        let name = *path.last()?;
        let exact = self.by_name.get(name).into_iter().flatten();
        let below = path.iter().filter_map(|folder| self.below.get(folder)).flatten();
        let mut best: Option<(usize, &'static Survey, FileKind)> = None;
        for (survey, place) in exact.chain(below).chain(&self.endings) {
            if !fits(place.path, path) {
                continue;
            }
            let weight = place.path.matches('/').count() * 2 + usize::from(!place.path.contains('*'));
            if best.is_none_or(|(heaviest, _, _)| weight > heaviest) {
                best = Some((weight, survey, place.kind));
            }
        }
        best.map(|(_, survey, kind)| (survey, kind))
    }
}

/// Whether a path ends as a place says.
fn fits(place: &str, path: &[&str]) -> bool {
    let parts: Vec<&str> = place.split('/').collect();
    let Some(deep) = parts.iter().position(|part| part.starts_with("**")) else {
        return path
            .len()
            .checked_sub(parts.len())
            .and_then(|from| path.get(from..))
            .is_some_and(|tail| all(&parts, tail));
    };
    let (Some(head), Some(name)) = (parts.get(..deep), path.last()) else { return false };
    let last_fits = match (parts.get(deep + 1), parts.get(deep).and_then(|part| part.strip_prefix("**"))) {
        (Some(wanted), _) => name == wanted,
        (None, Some(ending)) => name.ends_with(ending),
        (None, None) => false,
    };
    last_fits
        && (0..path.len().saturating_sub(head.len()))
            .any(|from| path.get(from..from + head.len()).is_some_and(|folders| all(head, folders)))
}

fn all(parts: &[&str], names: &[&str]) -> bool {
    parts.len() == names.len()
        && parts.iter().zip(names).all(|(part, name)| match part.split_once('*') {
            Some((head, tail)) => {
                name.starts_with(head) && name.ends_with(tail) && name.len() >= head.len() + tail.len()
            }
            None => part == name,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_belong_to_their_tools() {
        for (path, id, kind) in [
            ("a/.claude/settings.json", "claude-code", "settings"),
            ("a/.mcp.json", "claude-code", "mcp-config"),
            (".claude/mcp.json", "claude-code", "mcp-config"),
            ("x/mcp.json", "generic-mcp", "mcp-config"),
            (".cursor/mcp.json", "cursor", "mcp-config"),
            (".cursor/rules/deep/x.mdc", "cursor", "rules"),
            (".clinerules", "cline", "instructions"),
            (".clinerules/x.md", "cline", "rules"),
            (".clinerules/hooks/x", "cline", "hooks"),
            (".codex/AGENTS.md", "codex", "instructions"),
            ("AGENTS.md", "agents-md", "instructions"),
            (".roo/rules-code/x.md", "roo-code", "rules"),
            (".kiro/hooks/a.kiro.hook", "kiro", "hooks"),
            (".claude/skills/x/y/SKILL.md", "claude-code", "skill"),
            (".gemini/antigravity/mcp_config.json", "antigravity", "mcp-config"),
            (".config/zed/settings.json", "zed", "settings"),
            (".config/opencode/opencode.jsonc", "opencode", "settings"),
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            let found = Catalogue::get().of(&parts).map(|(survey, kind)| (survey.id, kind.name()));
            assert_eq!(found, Some((id, kind)), "{path}");
        }
        for path in ["settings.json", "src/hooks/x.rs", "claude/settings.json", "rules/x.mdc"] {
            let parts: Vec<&str> = path.split('/').collect();
            assert!(Catalogue::get().of(&parts).is_none(), "{path}");
        }
    }

    #[test]
    fn every_tool_says_where_it_is() {
        assert!(SURVEYS.iter().filter(|survey| !survey.executables.is_empty()).count() >= 22);
        for survey in SURVEYS {
            assert!(!survey.files.is_empty(), "{}", survey.id);
        }
    }
}
