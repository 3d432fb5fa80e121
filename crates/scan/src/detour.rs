//! Where settings lead a client that a person would not expect: its model traffic to another host, its keys out of a program,
//! its hands into far more than the project.

use crate::document::Node;
use crate::server::host;

/// One such setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Detour {
    pub kind: DetourKind,
    pub line: u32,
    /// The setting, and of its value the host or the folder.
    pub text: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DetourKind {
    /// A folder that holds far more than a project may be worked on.
    Folders,
    /// A program gives keys or headers, and runs for them.
    Helper,
    /// What is said to a model, and the key to it, go to a host that is no vendor's.
    Model,
}

/// Most of one file, and characters of one text.
const MAX_DETOURS: usize = 50;
const MAX_TEXT: usize = 120;
/// Variables that say where a client finds its model.
const ADDRESSES: &[&str] = &[
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "AZURE_OPENAI_ENDPOINT",
    "CODE_ASSIST_ENDPOINT",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
    "OPENAI_API_BASE",
    "OPENAI_BASE_URL",
];
/// Settings that say the same, part by part; `*` is any member or item. Of Codex, OpenCode, Crush, Qwen Code, Continue, Aider,
/// Zed and Amp, in this order, as their references name them.
const ADDRESS_SETTINGS: &[&[&str]] = &[
    &["model_providers", "*", "base_url"],
    &["openai_base_url"],
    &["chatgpt_base_url"],
    &["provider", "*", "options", "baseURL"],
    &["provider", "*", "api"],
    &["providers", "*", "base_url"],
    &["modelProviders", "*", "*", "baseUrl"],
    &["models", "*", "apiBase"],
    &["openai-api-base"],
    &["language_models", "*", "api_url"],
    &["language_models", "*", "*", "api_url"],
    &["amp.url"],
];
/// Hosts of those who offer models, and all below them.
const VENDORS: &[&str] = &[
    "aliyuncs.com",
    "amazonaws.com",
    "ampcode.com",
    "anthropic.com",
    "azure.com",
    "cerebras.ai",
    "chatgpt.com",
    "cohere.ai",
    "cohere.com",
    "deepseek.com",
    "fireworks.ai",
    "githubcopilot.com",
    "googleapis.com",
    "groq.com",
    "huggingface.co",
    "mistral.ai",
    "moonshot.ai",
    "moonshot.cn",
    "nvidia.com",
    "openai.com",
    "opencode.ai",
    "openrouter.ai",
    "perplexity.ai",
    "together.ai",
    "together.xyz",
    "x.ai",
    "z.ai",
];
/// Settings of Claude Code that name a program. <https://code.claude.com/docs/en/settings>
const HELPERS: &[&str] =
    &["apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "gcpAuthRefresh", "otelHeadersHelper"];
/// Lists of folders beside the project: of Claude Code, Gemini CLI and its kin, Codex.
const FOLDERS: &[&str] = &[
    "permissions.additionalDirectories",
    "additionalDirectories",
    "context.includeDirectories",
    "includeDirectories",
    "sandbox_workspace_write.writable_roots",
];

/// All of one document of settings.
pub(crate) fn detours(document: &Node) -> Vec<Detour> {
    let mut found = Vec::new();
    let mut add = |kind, line, text: String| {
        if found.len() < MAX_DETOURS {
            found.push(Detour { kind, line, text: text.chars().take(MAX_TEXT).collect() });
        }
    };
    for environment in ["env", "environment"].iter().filter_map(|key| document.get(key)) {
        for name in ADDRESSES {
            let Some(node) = environment.get(name) else { continue };
            let Some(host) = node.text().and_then(host).filter(|host| is_strange(host)) else { continue };
            add(DetourKind::Model, node.line, format!("{name} names {host}"));
        }
    }
    for path in ADDRESS_SETTINGS {
        each_at(document, path, &mut |node| {
            if let Some(host) = node.text().and_then(host).filter(|host| is_strange(host)) {
                add(DetourKind::Model, node.line, format!("{} names {host}", path.join(".")));
            }
        });
    }
    for name in HELPERS {
        let node = document.get(name).filter(|node| node.text().is_some_and(|text| !text.trim().is_empty()));
        if let Some(node) = node {
            add(DetourKind::Helper, node.line, (*name).to_owned());
        }
    }
    for name in FOLDERS {
        for item in document.setting(name).map_or(&[][..], Node::items) {
            if let Some(folder) = item.text().filter(|folder| is_wide(folder)) {
                add(DetourKind::Folders, item.line, format!("{name}: {folder}"));
            }
        }
    }
    found.dedup_by(|a, b| a.line == b.line && a.kind == b.kind);
    found
}

/// Each node at a path, whose `*` stand for all members or items.
fn each_at<'a>(node: &'a Node, path: &[&str], see: &mut dyn FnMut(&'a Node)) {
    match path.split_first() {
        None => see(node),
        Some((&"*", rest)) => {
            node.members().iter().for_each(|member| each_at(&member.node, rest, see));
            node.items().iter().for_each(|item| each_at(item, rest, see));
        }
        Some((key, rest)) => {
            if let Some(node) = node.get(key) {
                each_at(node, rest, see);
            }
        }
    }
}

/// Whether a host is neither a vendor's nor this machine.
fn is_strange(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let is_here = ["localhost", "[::1]", "0.0.0.0", "host.docker.internal"].contains(&name)
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    let is_vendors = VENDORS.iter().any(|vendor| {
        name.strip_suffix(vendor).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    });
    !is_here && !is_vendors
}

/// Whether a folder holds a whole home, all homes, or the system.
fn is_wide(folder: &str) -> bool {
    let folder = folder.trim();
    let bare = folder.trim_end_matches(['/', '\\', '*']);
    if ["~", "$HOME", "${HOME}", "%USERPROFILE%"].contains(&bare) || bare.is_empty() && !folder.is_empty() {
        return true;
    }
    let is_drive = bare.len() == 2 && bare.ends_with(':');
    let Some(below) = bare.strip_prefix('/') else { return is_drive };
    let mut parts = below.split('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (_, None, _) => true,
        (Some("home" | "Users"), Some(_), None) => true,
        (_, Some(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_vendors_and_this_machine_are_expected() {
        for (host, strange) in [
            ("api.anthropic.com", false),
            ("anthropic.com:443", false),
            ("localhost:4000", false),
            ("127.0.0.2:80", false),
            ("[::1]:80", false),
            ("anthropic.com.evil.test", true),
            ("notanthropic.com", true),
            ("gateway.test:8443", true),
            ("127.0.0.1.evil.test", true),
        ] {
            assert_eq!(is_strange(host), strange, "{host}");
        }
    }

    #[test]
    fn a_home_and_what_holds_one_are_wide() {
        for (folder, wide) in [
            ("/", true),
            ("/**", true),
            ("~", true),
            ("~/", true),
            ("$HOME", true),
            ("/home", true),
            ("/home/me/", true),
            ("/Users/me", true),
            ("/etc", true),
            ("C:\\", true),
            ("/home/me/work", false),
            ("/srv/app", false),
            ("../lib", false),
            ("~/work", false),
            ("", false),
        ] {
            assert_eq!(is_wide(folder), wide, "{folder}");
        }
    }
}
