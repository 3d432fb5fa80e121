//! What a client remembers of all projects in one file: inside, the file begins with this workspace's part of it.
//!
//! Only where the file is JSON or TOML and names each project by its path. SECURITY.md says what is left.

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
/// A table of TOML with a table for each project, and what stands there of a folder around a project.
const PROJECTS: &str = "projects";
const TRUST: &str = "trust_level";

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::run) enum Form {
    Json,
    Toml,
}

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
        // It is asked for on each start, and is settings as well: what is about no project is left as it is.
        Client::Codex => {
            vec![folder("CODEX_HOME").unwrap_or_else(|| home.join(".codex")).join("config.toml")]
        }
        Client::QwenCode => {
            let root = folder("QWEN_HOME").unwrap_or_else(|| home.join(".qwen"));
            vec![root.join("trustedFolders.json")]
        }
        Client::Cline
        | Client::CopilotCli
        | Client::Cursor
        | Client::Kiro
        | Client::OpenCode
        | Client::Other
        | Client::VsCode
        | Client::Windsurf => Vec::new(),
    }
}

/// What of such a file is about these folders, and about no project at all. Nothing of one that cannot be read.
pub(in crate::cli::run) fn own_part(form: Form, text: &str, own: &[PathBuf]) -> String {
    match form {
        Form::Json => own_json(text, own),
        Form::Toml => own_toml(text, own),
    }
}

/// Comments go with it. A text that names no other project stays as it stands.
fn own_toml(text: &str, own: &[PathBuf]) -> String {
    let Ok(mut all) = text.parse::<toml::Table>() else { return String::new() };
    let before = all.clone();
    match all.get_mut(PROJECTS) {
        Some(toml::Value::Table(projects)) => {
            projects.retain(|name, _| is_own(name, own) || is_around(name, own));
            for (_, about) in projects.iter_mut().filter(|(name, _)| !is_own(name, own)) {
                match about {
                    toml::Value::Table(about) => about.retain(|key, value| key == TRUST && value.is_str()),
                    other => *other = toml::Value::Table(toml::Table::new()),
                }
            }
        }
        Some(_) => drop(all.remove(PROJECTS)),
        None => {}
    }
    if all == before { text.to_owned() } else { toml::to_string(&all).unwrap_or_default() }
}

fn own_json(text: &str, own: &[PathBuf]) -> String {
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
        let found: Value = serde_json::from_str(&own_json(text, &["/srv/a".into()])).unwrap();
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
        assert_eq!(own_json("{\"projects\": {\"/srv/b\"", &["/srv/a".into()]), "{}");
    }

    #[test]
    fn attack_settings_in_toml_name_no_other_project() {
        let own = ["/srv/a".into()];
        let text = "model = \"m\"\n# mine\n[mcp_servers.x]\ncommand = \"x\"\n[projects.\"/srv/a\"]\ntrust_level = \"trusted\"\n";
        assert_eq!(own_part(Form::Toml, text, &own), text);
        let more = format!(
            "{text}[projects.\"/srv/b\"]\ntrust_level = \"trusted\"\n[projects.\"/srv\"]\ntrust_level = \"untrusted\"\nnote = \"theirs\"\n"
        );
        let left = own_part(Form::Toml, &more, &own);
        let left: toml::Table = left.parse().unwrap();
        let wanted: toml::Table =
            format!("{text}[projects.\"/srv\"]\ntrust_level = \"untrusted\"\n").parse().unwrap();
        assert_eq!(left, wanted);
        for text in [
            "projects = [\"/srv/b\"]",
            "projects = \"/srv/b\"",
            "[projects.\"/srv/a/../b\"]\nx = 1",
            "[projects",
            "\"/srv/b\" =",
        ] {
            let left = own_part(Form::Toml, text, &own);
            assert!(!left.contains("/srv/b") && !left.contains("../b"), "{text}: {left}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_other_project_is_named_by_a_key(text in "(\\{|\\}|\\[|\\]|\"/srv/b\"|\"/srv/a\"|\"x\"|:|,|1)*") {
            let left: Value = serde_json::from_str(&own_json(&text, &["/srv/a".into()])).unwrap();
            proptest::prop_assert!(!left.to_string().contains("\"/srv/b\":"));
        }
    }
}
