//! The fingerprint: what makes the agent behave as it does, as far as files and arguments show it.
//!
//! Not seen: instruction files that other instruction files import, MCP servers' tool schemas (only their
//! configuration), settings that a vendor's server sends, and what a client unpacks itself at every start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use writ_model::{Client, Fingerprint, Label};

use crate::digest;
use crate::tool::{self, Tool};
use crate::walk::{ReadError, open_regular};

/// Where a client would run.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The user's home folder, as the client will see it.
    pub home: Option<&'a Path>,
    /// The folder that the client works in.
    pub workspace: &'a Path,
    /// The client's program, as resolved on the path.
    pub program: Option<&'a Path>,
    /// The client's arguments, its name excluded.
    pub arguments: &'a [String],
}

/// Looks at what `client` would read when started in these surroundings. Runs nothing.
pub fn fingerprint(client: Client, at: &Surroundings<'_>) -> Fingerprint {
    let Some(tool) = tool::of(client) else {
        return Fingerprint {
            client_version: at.program.and_then(version),
            instructions: None,
            model: None,
            tools: None,
        };
    };
    Fingerprint {
        client_version: at.program.and_then(version),
        instructions: digest::of_files(&instruction_files(&tool, at)),
        model: model(&tool, at),
        tools: tools(&tool, at),
    }
}

/// The instruction files of the workspace, of each folder above it (clients read those too), of the user and of the
/// administrator.
fn instruction_files(tool: &Tool, at: &Surroundings<'_>) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for (height, folder) in at.workspace.ancestors().take(32).enumerate() {
        for name in tool.project_instructions {
            digest::collect(&mut files, &format!("project-{height}/{name}"), &folder.join(name));
        }
    }
    for name in tool.user_instructions {
        if let Some(home) = at.home {
            digest::collect(&mut files, &format!("user/{name}"), &home.join(name));
        }
    }
    for name in tool.administrator_instructions {
        digest::collect(&mut files, &format!("administrator/{name}"), Path::new(name));
    }
    files
}

/// What configuration files give the client to run or obey, in a form in which spacing and comments do not count: MCP
/// servers, and the hooks, plugins and variables that could stand between the client and our own hook. A file that names
/// nothing of it is as good as no file: clients write such files by themselves.
/// A file that cannot be read as what it should be counts byte by byte, so that a change still shows.
fn tools(tool: &Tool, at: &Surroundings<'_>) -> Option<writ_model::Digest> {
    let mut parts = BTreeMap::new();
    let mut add = |label: String, path: PathBuf| {
        let Ok(bytes) = read_bounded(&path) else { return };
        let servers = (tool.servers_of)(&bytes).unwrap_or(bytes);
        if servers != b"{}" {
            parts.insert(label, servers);
        }
    };
    for name in tool.project_servers {
        add(format!("project/{name}"), at.workspace.join(name));
    }
    for name in tool.user_servers {
        if let Some(home) = at.home {
            add(format!("user/{name}"), home.join(name));
        }
    }
    for name in tool.administrator_servers {
        add(format!("administrator/{name}"), PathBuf::from(name));
    }
    for value in values_of(at.arguments, &["--mcp-config"]) {
        add(format!("argument/{value}"), at.workspace.join(value));
    }
    digest::of_parts(&parts)
}

/// The model that the arguments ask for, else the one that settings name, project before user.
fn model(tool: &Tool, at: &Surroundings<'_>) -> Option<Label> {
    if let Some(asked) = values_of(at.arguments, &["--model", "-m"]).into_iter().next() {
        return Some(Label::lossy(asked));
    }
    let project = tool.project_settings.iter().map(|name| at.workspace.join(name));
    let user = tool.user_settings.iter().filter_map(|name| Some(at.home?.join(name)));
    project
        .chain(user)
        .find_map(|path| (tool.model_of)(&read_bounded(&path).ok()?))
        .map(|name| Label::lossy(&name))
}

/// The version in the nearest `package.json` above the program. The program is not run.
fn version(program: &Path) -> Option<Label> {
    let program = program.canonicalize().ok()?;
    program.ancestors().skip(1).take(8).find_map(|folder| {
        let package: serde_json::Value =
            serde_json::from_slice(&read_bounded(&folder.join("package.json")).ok()?).ok()?;
        package.get("version")?.as_str().map(Label::lossy)
    })
}

/// Values of a flag, written as `--flag value` or `--flag=value`, up to `--`.
fn values_of<'a>(arguments: &'a [String], flags: &[&str]) -> Vec<&'a str> {
    let mut values = Vec::new();
    let mut rest = arguments.iter().map(String::as_str).take_while(|argument| *argument != "--");
    while let Some(argument) = rest.next() {
        if flags.contains(&argument) {
            values.extend(rest.next());
        } else if let Some((flag, value)) = argument.split_once('=')
            && flags.contains(&flag)
        {
            values.push(value);
        }
    }
    values
}

/// An agent can put a pipe in a file's place, and whoever waited for a writer would wait for ever.
fn read_bounded(path: &Path) -> Result<Vec<u8>, ReadError> {
    use std::io::Read as _;
    const MAX: u64 = 4 << 20;
    let mut bytes = Vec::new();
    open_regular(path)?.0.take(MAX).read_to_end(&mut bytes).map_err(ReadError::Unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_a_pipe_in_a_files_place_holds_nobody_up() {
        let root = tempfile::tempdir().unwrap();
        let at =
            Surroundings { home: Some(root.path()), workspace: root.path(), program: None, arguments: &[] };
        let plain = fingerprint(Client::ClaudeCode, &at);
        for name in [".mcp.json", "CLAUDE.md", ".claude.json", ".claude/settings.json"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            rustix::fs::mknodat(
                rustix::fs::CWD,
                &path,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
                0,
            )
            .unwrap();
        }
        assert_eq!(fingerprint(Client::ClaudeCode, &at), plain);
    }
}
