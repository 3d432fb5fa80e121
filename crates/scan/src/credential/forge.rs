//! Git hosts and container registries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::credential_name::{has_password, is_real};
use crate::document::{Node, Notation, parse};

use super::{Draft, Guard, Life, Page, end};

/// Most lines of a file of addresses.
const MAX_LINES: usize = 10_000;

/// `https://user:secret@host`, one a line, as the helper `store` writes them.
pub(super) fn addresses(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    for (number, line) in text.lines().enumerate().take(MAX_LINES) {
        address(line.trim(), u32::try_from(number + 1).unwrap_or(u32::MAX), page);
    }
}

fn address(url: &str, line: u32, page: &mut Page<'_>) {
    let Some((_, rest)) = url.split_once("://") else { return };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let Some((user, host)) = authority.rsplit_once('@') else { return };
    if !has_password(url) {
        return;
    }
    let secret = user.split_once(':').map_or(user, |(_, secret)| secret);
    let on_github = host == "github.com" || host.ends_with(".ghe.com");
    page.add(Draft {
        life: life(secret),
        opens: Some(format!("git on {host}")),
        instead: (!on_github).then_some(None),
        ..Draft::of("password in an address", host, line, secret)
    });
}

/// Settings of git: addresses with a secret, headers, and helpers that keep or give out credentials.
pub(super) fn settings(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    let mut section = String::new();
    for (number, line) in text.lines().enumerate().take(MAX_LINES) {
        let (line, number) = (line.trim(), u32::try_from(number + 1).unwrap_or(u32::MAX));
        if let Some(head) = line.strip_prefix('[') {
            section = head.trim_end_matches(']').to_ascii_lowercase();
            if section.starts_with("url ") {
                address(line.split('"').nth(1).unwrap_or(""), number, page);
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
        if matches!(key.as_str(), "url" | "pushurl") {
            address(value, number, page);
        } else if key == "extraheader" && value.to_ascii_lowercase().starts_with("authorization") {
            let secret = value.rsplit(' ').next().unwrap_or("");
            if is_real("authorization", secret) {
                let host = section.split('"').nth(1).unwrap_or("").to_owned();
                page.add(Draft { life: life(secret), ..Draft::of("header", &host, number, secret) });
            }
        } else if key == "helper" && section.starts_with("credential") && !value.is_empty() {
            let host = section.split('"').nth(1).unwrap_or("").to_owned();
            let name = if value.starts_with('!') { value.trim_start_matches('!') } else { value };
            // What follows the program's name may be anything.
            let name = name.split_whitespace().next().unwrap_or("").rsplit('/').next().unwrap_or("");
            let opens = if host.is_empty() { "git hosts".to_owned() } else { format!("git on {host}") };
            page.add(Draft {
                line: number,
                // `store` keeps what is typed in a plain file; the others give it out on request.
                guard: if name == "store" { Guard::None } else { Guard::Keeper },
                opens: Some(opens),
                ..Draft::new("credential helper", name)
            });
        }
    }
}

/// `machine HOST login USER password SECRET`, in any spread over lines.
pub(super) fn netrc(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    let (mut host, mut before) = ("", "");
    for (number, line) in text.lines().enumerate().take(MAX_LINES) {
        if line.trim_start().starts_with('#') {
            continue;
        }
        for word in line.split_whitespace() {
            match before {
                "machine" => host = word,
                "password" => {
                    let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
                    let opens = Some(format!("host {}", if host.is_empty() { "of any name" } else { host }));
                    page.add(Draft { life: life(word), opens, ..Draft::of("password", host, line, word) });
                }
                _ => {}
            }
            if word == "default" {
                host = "";
            }
            // A value is no keyword, whatever it says.
            before = if matches!(before, "machine" | "login" | "password" | "account") { "" } else { word };
        }
    }
}

/// Logins of container registries: in the file, or with a helper that keeps them.
pub(super) fn docker(bytes: &[u8], page: &mut Page<'_>) {
    let Ok(document) = parse(bytes, Notation::Json) else { return };
    for member in document.get("auths").map_or(&[][..], Node::members) {
        let host = member.key.as_str();
        let opens = Some(format!("container registry {host}"));
        for (key, what, at) in
            [("identitytoken", "identity token", Life::Renewing), ("auth", "password", Life::Long)]
        {
            let Some(value) = member.node.get(key).and_then(Node::text).filter(|value| !value.is_empty())
            else {
                continue;
            };
            // `auth` is `user:password` in base 64; the mark is of the password, so that reuse elsewhere shows.
            let decoded = STANDARD.decode(value).unwrap_or_default();
            let secret = decoded.splitn(2, |byte| *byte == b':').nth(1).filter(|_| key == "auth");
            page.add(Draft {
                line: member.line,
                value: Some(secret.unwrap_or(value.as_bytes())),
                life: at,
                opens: opens.clone(),
                ..Draft::new(what, host)
            });
        }
    }
    let helpers = document.get("credHelpers").map_or(&[][..], Node::members);
    let store = document.get("credsStore").and_then(Node::text).map(|helper| ("every registry", helper));
    for (host, helper) in
        helpers.iter().filter_map(|member| Some((member.key.as_str(), member.node.text()?))).chain(store)
    {
        page.add(Draft {
            guard: Guard::Keeper,
            opens: Some(format!("container registry {host}")),
            ..Draft::new("credential helper", helper)
        });
    }
}

fn life(secret: &str) -> Life {
    end::of_kept(secret.as_bytes()).0
}

/// Hosts that an SSH configuration gives a key to: the file's name, and the hosts.
pub(super) fn hosts_of_keys(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut hosts = String::new();
    for line in text.lines().take(MAX_LINES) {
        let line = line.trim();
        let Some((key, value)) = line.split_once([' ', '\t', '=']) else { continue };
        match key.to_ascii_lowercase().as_str() {
            "host" => value.trim().clone_into(&mut hosts),
            "identityfile" => {
                let file = value.trim().trim_matches('"').rsplit('/').next().unwrap_or("");
                found.push((file.to_owned(), hosts.clone()));
            }
            _ => {}
        }
    }
    found
}
