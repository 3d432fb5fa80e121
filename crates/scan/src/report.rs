//! What a scan found, as reports: the JSON of `writ scan --json`, one object a file.

use serde_json::{Value, json};

use crate::server::{Server, Transport};
use crate::survey::{Found, Level};

/// Version of the objects.
pub const VERSION: u32 = 1;

/// One file of a tool. Never the value of a credential.
pub fn file(found: &Found) -> Value {
    json!({
        "v": VERSION,
        "file": found.path.to_string_lossy(),
        "tool": found.tool,
        "kind": found.kind.name(),
        "level": found.level.name(),
        "mcp_servers": found.servers.iter().map(server).collect::<Vec<_>>(),
        "credential_env": found.credential_names,
        "hardcoded_credentials": !found.hard_coded.is_empty(),
        "hardcoded_at": found.hard_coded.iter().map(|at| json!({"name": at.name, "line": at.line})).collect::<Vec<_>>(),
        "approval_level": found.approval.level().name(),
        "approval_evidence": found.approval.evidence.iter().map(|evidence| json!({
            "level": evidence.level.name(),
            "line": evidence.line,
            "text": evidence.text,
        })).collect::<Vec<_>>(),
        "has_hooks": !found.hooks.is_empty(),
        "hooks": found.hooks.iter().map(|hook| json!({"event": hook.event, "line": hook.line})).collect::<Vec<_>>(),
        "plugins": found.plugins,
    })
}

fn server(server: &Server) -> Value {
    json!({
        "name": server.name,
        "line": server.line,
        "transport": server.transport.name(),
        "command": server.command,
        "package": server.package.as_ref().map(|package| &package.spelling),
        "pinned": server.package.as_ref().map(|package| package.pinned),
        "url_host": server.host,
        "credential_env": server.credential_names,
        "auto_approve_tools": server.approved_tools,
        "disabled": server.disabled,
        "hardcoded_credential": !server.hard_coded.is_empty(),
    })
}

// === impl Transport ===

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sse => "sse",
            Self::Stdio => "stdio",
        }
    }
}

// === impl Level ===

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Project => "project",
            Self::User => "user",
        }
    }
}
