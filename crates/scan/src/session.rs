//! Sessions that clients keep of themselves, as evidence that an agent acted: how many, where and when.
//!
//! Names and dates of files are looked at. No log is opened: it holds what people said.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use writ_model::Timestamp;

use crate::credential::files;
use crate::home::Moved;

/// Sessions of one tool in one workspace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sessions {
    pub tool: &'static str,
    /// The folder's name as the client writes it: a path with dashes, or a digest. Empty where the client keeps none.
    pub workspace: String,
    /// It is the workspace that was asked about.
    pub here: bool,
    /// At least so many.
    pub count: u64,
    /// When the first file was made, or written where that is not known; and when the last one was written.
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// One client's logs: one session each, below the home folder. The workspace is the name at this depth, if any.
struct Logs {
    tool: &'static str,
    path: &'static str,
    workspace: Option<usize>,
}

const LOGS: &[Logs] = &[
    Logs { tool: "claude-code", path: ".claude/projects/*/*.jsonl", workspace: Some(2) },
    Logs { tool: "codex", path: ".codex/sessions/*/*/*/rollout-*.jsonl", workspace: None },
    Logs { tool: "cursor", path: ".cursor/projects/*/agent-transcripts/*", workspace: Some(2) },
    Logs { tool: "gemini-cli", path: ".gemini/tmp/*/chats/*.json", workspace: Some(2) },
    Logs { tool: "qwen-code", path: ".qwen/projects/*/chats/*.jsonl", workspace: Some(2) },
    Logs { tool: "github-copilot", path: ".copilot/session-state/*", workspace: None },
    Logs { tool: "opencode", path: ".local/share/opencode/storage/session/*/ses_*.json", workspace: Some(5) },
    Logs {
        tool: "cline",
        path: ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/*",
        workspace: None,
    },
    Logs { tool: "goose", path: ".local/share/goose/sessions/*.jsonl", workspace: None },
    Logs { tool: "amp", path: ".local/share/amp/threads/*.json", workspace: None },
];

/// What lies below a home folder, and below folders that stand for one in it, by tool and workspace. `here` is the
/// canonical path of the workspace asked about.
pub fn sessions(home: &Path, moved: &[Moved], here: Option<&Path>) -> Vec<Sessions> {
    let names = here.map(names_of).unwrap_or_default();
    let mut found: BTreeMap<(&'static str, String), Sessions> = BTreeMap::new();
    for Logs { tool, path, workspace } in LOGS {
        let elsewhere = moved.iter().filter_map(|moved| Some((moved, moved.rest(path)?)));
        let elsewhere = elsewhere.flat_map(|(moved, rest)| files(&moved.to, Path::new(moved.place), rest));
        for (file, shown) in files(home, Path::new(""), path).into_iter().chain(elsewhere) {
            let Ok(facts) = std::fs::symlink_metadata(&file) else { continue };
            let moment = |time: std::io::Result<std::time::SystemTime>| {
                let since = time.ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
                Some(Timestamp::EPOCH.after(since))
            };
            let Some(last) = moment(facts.modified()) else { continue };
            // A copy was made after what is in it was written.
            let first = moment(facts.created()).map_or(last, |made| made.min(last));
            let name = workspace
                .and_then(|depth| shown.components().nth(depth))
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .unwrap_or_default();
            let here = names.contains(&name);
            let of = found.entry((*tool, name.clone())).or_insert(Sessions {
                tool,
                workspace: name,
                here,
                count: 0,
                first_at: first,
                last_at: last,
            });
            of.count += 1;
            of.first_at = of.first_at.min(first);
            of.last_at = of.last_at.max(last);
        }
    }
    found.into_values().collect()
}

/// How clients write a workspace's path as one name.
fn names_of(path: &Path) -> Vec<String> {
    let text = path.to_string_lossy();
    let dashed: String =
        text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let hashed = digest(&SHA256, path.as_os_str().as_encoded_bytes());
    let hashed = hashed.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    vec![dashed.trim_start_matches('-').to_owned(), dashed, hashed]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_counted_by_workspace_and_never_opened() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        for path in [
            ".claude/projects/-shop-app/a.jsonl",
            ".claude/projects/-shop-app/b.jsonl",
            ".claude/projects/-shop-other/c.jsonl",
            ".codex/sessions/2026/11/22/rollout-x.jsonl",
            ".gemini/tmp/abc/chats/s.json",
            ".claude/projects/-shop-app/notes.txt",
        ] {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "what people said").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
        }
        let found = sessions(home.path(), &[], Some(Path::new("/shop/app")));
        let said: Vec<_> =
            found.iter().map(|one| (one.tool, one.workspace.as_str(), one.here, one.count)).collect();
        assert_eq!(
            said,
            [
                ("claude-code", "-shop-app", true, 2),
                ("claude-code", "-shop-other", false, 1),
                ("codex", "", false, 1),
                ("gemini-cli", "abc", false, 1),
            ]
        );
        assert!(found.iter().all(|one| one.first_at <= one.last_at));
        // The same folder under another name, of which only a variable tells.
        let other = tempfile::tempdir().unwrap();
        std::fs::rename(home.path().join(".claude"), other.path().join("moved")).unwrap();
        let to = other.path().join("moved").to_str().unwrap().as_bytes().to_vec();
        let moved = crate::home::moved(home.path(), &[("CLAUDE_CONFIG_DIR".to_owned(), to)]);
        let again = sessions(home.path(), &moved, Some(Path::new("/shop/app")));
        assert_eq!(again.len(), found.len());
        assert_eq!((again[0].here, again[0].count), (true, 2));
    }
}
