//! Manifests of applications: the scopes that they ask people for.

use super::{Breadth, Identities, IdentityKind};
use crate::document::Node;

/// Scopes that open everything of their kind.
pub(super) fn of_scope(scope: &str) -> Breadth {
    let short = scope.strip_prefix("https://www.googleapis.com/auth/").unwrap_or(scope);
    match short {
        "admin" | "admin:org" | "admin:enterprise" | "site_admin" | "sudo" => Breadth::Administrator,
        "cloud-platform" | "drive" | "repo" | "api" | "https://mail.google.com/" | "full_access" => {
            Breadth::Wildcard
        }
        _ if short == "*" || short.ends_with("/.default") || short.ends_with(".ReadWrite.All") => {
            Breadth::Wildcard
        }
        _ if short.starts_with("admin.") && !short.ends_with(".readonly") => Breadth::Administrator,
        _ => Breadth::Listed,
    }
}

pub(super) fn scopes(name: &str, node: &Node, out: &mut Identities) {
    let scopes: Vec<String> = node.texts().into_iter().map(str::to_owned).collect();
    if let Some(breadth) = scopes.iter().map(|scope| of_scope(scope)).max() {
        out.add(IdentityKind::OauthGrant, node.line, name, scopes, breadth);
    }
}

pub(super) fn read(document: &Node, out: &mut Identities) {
    if let Some(node) = document.get("oauthScopes") {
        scopes("Apps Script", node, out);
    }
    for whose in ["bot", "user"] {
        if let Some(node) = document.at(&["oauth_config", "scopes", whose]) {
            scopes(&format!("Slack {whose}"), node, out);
        }
    }
    // An application of GitHub: scope to right, as a token of a workflow.
    if let Some(node) = document.get("default_permissions").filter(|node| node.is_map()) {
        let rights: Vec<(&str, &str)> = node
            .members()
            .iter()
            .filter_map(|member| Some((member.key.as_str(), member.node.text()?)))
            .collect();
        let breadth =
            if rights.iter().any(|(scope, right)| *right == "write" && scope.contains("administration")) {
                Breadth::Administrator
            } else {
                Breadth::Listed
            };
        let words = rights.iter().map(|(scope, right)| format!("{scope}: {right}"));
        out.add(IdentityKind::OauthGrant, node.line, "GitHub application", words, breadth);
    }
}
