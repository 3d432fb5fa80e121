//! Profiles of clouds and clusters.

use writ_model::Timestamp;

use crate::document::{Node, Notation, parse};

use super::lines::{Pair, pairs};
use super::{Draft, Life, Page, document, end, key};

/// Profiles of AWS: a key of long life, or a session where its token stands beside it.
pub(super) fn aws(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    let of_session: Vec<&str> =
        pairs(&text).filter(|pair| pair.key == "aws_session_token").map(|pair| pair.section).collect();
    for Pair { section, key, value, line } in pairs(&text) {
        if key != "aws_secret_access_key" || value.is_empty() {
            continue;
        }
        let short = of_session.contains(&section);
        let profile = section.strip_prefix("profile ").unwrap_or(section);
        let end = pairs(&text)
            .filter(|pair| pair.section == section && pair.key.contains("expiration"))
            .find_map(|pair| end::moment(pair.value));
        page.add(Draft {
            life: if short { Life::Short } else { Life::Long },
            expires_at: end,
            opens: Some(format!("the AWS account of profile {profile}")),
            ..Draft::of(if short { "session of a role" } else { "access key" }, profile, line, value)
        });
    }
}

/// Credentials of Google: a user's refresh token, or the key of a service account. A federated one holds no secret.
pub(super) fn gcloud(bytes: &[u8], page: &mut Page<'_>) {
    let Ok(document) = parse(bytes, Notation::Json) else { return };
    let text = |key: &str| document.get(key).and_then(Node::text);
    let line = |key: &str| document.get(key).map_or(0, |node| node.line);
    let name =
        text("client_email").or_else(|| text("account")).or_else(|| text("quota_project_id")).unwrap_or("");
    if let Some(value) = text("private_key").filter(|value| value.contains("PRIVATE KEY")) {
        let project = text("project_id").unwrap_or("a project");
        page.add(Draft {
            life: Life::Long,
            opens: Some(format!("Google Cloud project {project} as {name}")),
            ..Draft::of("key of a service account", name, line("private_key"), value)
        });
    } else if let Some(value) = text("refresh_token") {
        page.add(Draft {
            life: Life::Renewing,
            opens: Some("Google Cloud as this user".to_owned()),
            instead: Some(None),
            ..Draft::of("refresh token", name, line("refresh_token"), value)
        });
    }
}

/// The token cache of the Azure command line: access tokens with their end, and refresh tokens.
pub(super) fn azure(bytes: &[u8], page: &mut Page<'_>) {
    let Ok(document) = parse(bytes, Notation::Json) else { return };
    for (section, what, life) in
        [("AccessToken", "access token", Life::Short), ("RefreshToken", "refresh token", Life::Renewing)]
    {
        for member in document.get(section).map_or(&[][..], Node::members) {
            let text = |key: &str| member.node.get(key).and_then(Node::text);
            let Some(value) = text("secret").filter(|value| !value.is_empty()) else { continue };
            let target = text("target").unwrap_or("").split(' ').next().unwrap_or("");
            let opens = if target.is_empty() { "Azure".to_owned() } else { format!("Azure: {target}") };
            page.add(Draft {
                life,
                expires_at: member
                    .node
                    .get("expires_on")
                    .and_then(Node::scalar)
                    .and_then(|at| end::moment(&at)),
                opens: Some(opens),
                ..Draft::of(what, text("environment").unwrap_or(""), member.line, value)
            });
        }
    }
}

/// Users of a kubeconfig, with the clusters that contexts join them to. A user with a plugin holds nothing here.
pub(super) fn kubernetes(bytes: &[u8], page: &mut Page<'_>) {
    let Ok(document) = parse(bytes, Notation::Yaml) else { return };
    let items = |key: &str| document.get(key).map_or(&[][..], Node::items);
    let named = |key: &str, name: &str| {
        items(key).iter().find(|item| item.get("name").and_then(Node::text) == Some(name))
    };
    for item in items("users") {
        let name = item.get("name").and_then(Node::text).unwrap_or("");
        let Some(user) = item.get("user") else { continue };
        let servers: Vec<String> = items("contexts")
            .iter()
            .filter(|context| context.at(&["context", "user"]).and_then(Node::text) == Some(name))
            .filter_map(|context| context.at(&["context", "cluster"]).and_then(Node::text))
            .map(|cluster| {
                let server = named("clusters", cluster).and_then(|found| found.at(&["cluster", "server"]));
                server
                    .and_then(Node::text)
                    .map_or(cluster.to_owned(), |server| format!("{cluster} ({server})"))
            })
            .collect();
        let opens = (!servers.is_empty()).then(|| format!("cluster {}", servers.join(", ")));
        let text = |key: &str| {
            user.get(key).map(|node| (node.line, node)).and_then(|(line, node)| Some((line, node.text()?)))
        };
        let certificate_end: Option<Timestamp> =
            text("client-certificate-data").and_then(|(_, value)| key::certificate_end(value));
        for (key, what) in [("token", "token"), ("client-key-data", "client key"), ("password", "password")] {
            let Some((line, value)) = text(key).filter(|(_, value)| !value.is_empty()) else { continue };
            let end = if key == "client-key-data" { certificate_end } else { end::jwt_end(value) };
            page.add(Draft {
                expires_at: end,
                // A client certificate cannot be revoked; one of a year is as good as one without an end.
                life: if key == "token" && end.is_some() { Life::Short } else { Life::Long },
                opens: opens.clone(),
                ..Draft::of(what, name, line, value)
            });
        }
        if let Some(provider) = user.get("auth-provider") {
            document::below(provider, name, page);
        }
    }
}
