//! What a client remembers of all projects in one file: inside, the file begins with this workspace's part of it.
//!
//! Only where the file is JSON and names each project by its path. SECURITY.md says what is left.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use writ_model::Client;

/// Values in one another that are looked through. What lies deeper is left out.
const MAX_DEPTH: usize = 32;

/// Below it lie commands with their arguments, and a path there is no project's.
const SERVERS: &str = "mcpServers";
/// Below it stand folders of projects in lists.
const REPOSITORIES: &str = "githubRepoPaths";

/// The files of a client, whether they exist or not.
pub(in crate::cli::run) fn files(
    client: Client,
    home: &Path,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match client {
        Client::ClaudeCode => {
            let own = folder("CLAUDE_CONFIG_DIR").map(|root| root.join(".claude.json"));
            own.into_iter().chain([home.join(".claude.json")]).collect()
        }
        Client::GeminiCli => {
            let root = folder("GEMINI_CLI_HOME").unwrap_or_else(|| home.to_owned()).join(".gemini");
            ["projects.json", "trustedFolders.json"].map(|name| root.join(name)).into()
        }
        Client::QwenCode => {
            let root = folder("QWEN_HOME").unwrap_or_else(|| home.join(".qwen"));
            vec![root.join("trustedFolders.json")]
        }
        Client::Cline
        | Client::Codex
        | Client::CopilotCli
        | Client::Cursor
        | Client::Kiro
        | Client::OpenCode
        | Client::Other
        | Client::VsCode
        | Client::Windsurf => Vec::new(),
    }
}

/// What of such a text is about these folders, and about no project at all. Nothing of one that cannot be read.
pub(in crate::cli::run) fn own_part(text: &str, own: &[PathBuf]) -> String {
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| Value::Object(serde_json::Map::new()));
    keep(&mut value, own, MAX_DEPTH);
    value.to_string()
}

fn keep(value: &mut Value, own: &[PathBuf], depth: usize) {
    let Some(depth) = depth.checked_sub(1) else {
        *value = Value::Null;
        return;
    };
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with('/') || is_own(name, own) || is_around(name, own));
            for (name, value) in members.iter_mut() {
                if name == SERVERS {
                    continue;
                }
                if let Value::Object(lists) = value
                    && name == REPOSITORIES
                {
                    lists.retain(|_, list| keep_folders(list, own));
                } else if let Value::Object(about) = value
                    && is_around(name, own)
                    && !is_own(name, own)
                {
                    // A folder that is trusted is so with what lies in it; the rest is that project's.
                    about.retain(|_, value| value.is_boolean());
                } else {
                    keep(value, own, depth);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| keep(value, own, depth)),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether one of them is left.
fn keep_folders(list: &mut Value, own: &[PathBuf]) -> bool {
    let Value::Array(list) = list else { return false };
    list.retain(|path| path.as_str().is_some_and(|path| is_own(path, own)));
    !list.is_empty()
}

fn is_own(path: &str, own: &[PathBuf]) -> bool {
    let path = Path::new(path);
    // `/own/../other` is another's.
    !path.components().any(|part| part == Component::ParentDir) && own.iter().any(|own| path.starts_with(own))
}

fn is_around(path: &str, own: &[PathBuf]) -> bool {
    own.iter().any(|own| own.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_workspace_is_left() {
        let text = r#"{"userID":"1","mcpServers":{"x":{"args":["/srv/other/server.js"],"/srv/other":1}},
            "projects":{"/srv/a":{"history":["mine"]},"/srv/a/in":{"x":1},"/srv/ab":{"history":["theirs"]},
                        "/srv/a/../b":{"history":["theirs"]},"/srv":{"hasTrustDialogAccepted":true,"history":["theirs"]},"/home/x":{}},
            "githubRepoPaths":{"o/a":["/srv/a","/srv/b"],"o/b":["/srv/b"]},"/srv/a":"a","/srv/z":"z"}"#;
        let found: Value = serde_json::from_str(&own_part(text, &["/srv/a".into()])).unwrap();
        let wanted = serde_json::json!({
            "userID": "1",
            "mcpServers": {"x": {"args": ["/srv/other/server.js"], "/srv/other": 1}},
            "projects": {
                "/srv/a": {"history": ["mine"]},
                "/srv/a/in": {"x": 1},
                "/srv": {"hasTrustDialogAccepted": true},
            },
            "githubRepoPaths": {"o/a": ["/srv/a"]},
            "/srv/a": "a",
        });
        assert_eq!(found, wanted);
        assert_eq!(own_part("{\"projects\": {\"/srv/b\"", &["/srv/a".into()]), "{}");
    }

    proptest::proptest! {
        #[test]
        fn no_other_project_is_named_by_a_key(text in "(\\{|\\}|\\[|\\]|\"/srv/b\"|\"/srv/a\"|\"x\"|:|,|1)*") {
            let left: Value = serde_json::from_str(&own_part(&text, &["/srv/a".into()])).unwrap();
            proptest::prop_assert!(!left.to_string().contains("\"/srv/b\":"));
        }
    }
}
