//! Credentials in JSON, TOML and YAML of any make: texts under a name that says so, with the end that stands beside them.

use crate::credential_name::{is_credential_name, is_marked, is_real};
use crate::document::{Node, Notation, parse};

use super::{Draft, Life, Page, end};

/// Names that say it in files of credentials, and elsewhere say something else.
const HERE: &[&str] =
    &["access", "refresh", "key", "auth", "authtoken", "oauth_token", "secret_access_key", "apikey"];
/// Names of what is public, or proves who somebody is and opens nothing.
const NOT: &[&str] = &[
    "access_key_id",
    "accesskeyid",
    "account_key",
    "clientid",
    "id_token",
    "key_id",
    "keyid",
    "live_mode_pub_key",
    "test_mode_pub_key",
    "token_endpoint",
    "publickey",
];

pub(super) fn read(bytes: &[u8], notation: Notation, page: &mut Page<'_>) {
    let Ok(document) = parse(bytes, notation) else { return };
    below(&document, "", page);
}

/// A store of a program's own: JSON, or something that only the program reads, as it locks its values or not.
pub(super) fn kept(bytes: &[u8], page: &mut Page<'_>) {
    match parse(bytes, Notation::Json) {
        Ok(document) => below(&document, "", page),
        Err(_) if bytes.is_empty() => {}
        Err(_) => page.add(Draft::new("store", "")),
    }
}

/// Everything below a map or list; `name` is what it is called: a host, a profile, a provider.
pub(super) fn below(node: &Node, name: &str, page: &mut Page<'_>) {
    let end = end::of_map(node);
    let renews = node.members().iter().any(|member| member.key.to_ascii_lowercase().contains("refresh"));
    for member in node.members() {
        let key = member.key.to_ascii_lowercase();
        match member.node.text() {
            Some(text) if (says_so(&member.key) && is_real(&member.key, text)) || is_marked(text) => {
                let refreshes = key.contains("refresh");
                let life = if refreshes {
                    Life::Renewing
                } else if end.is_some() || renews {
                    Life::Short
                } else {
                    end::of_kept(text.as_bytes()).0
                };
                page.add(Draft {
                    expires_at: end.filter(|_| !refreshes),
                    life,
                    ..Draft::of(
                        what(&key),
                        if name.is_empty() { &member.key } else { name },
                        member.line,
                        text,
                    )
                });
            }
            Some(_) => {}
            None => {
                let plain = matches!(
                    key.as_str(),
                    "tokens" | "auths" | "hosts" | "credentials" | "profiles" | "users"
                );
                below(&member.node, if plain && !name.is_empty() { name } else { &member.key }, page);
            }
        }
    }
    // Tokens by the host that each opens, where no accounts tell them with more.
    let by_host = node.get("accessTokens").filter(|_| node.get("accounts").is_none());
    for member in by_host.map_or(&[][..], Node::members) {
        if let Some(text) = member.node.text().filter(|text| is_real("token", text)) {
            let (life, _) = end::of_kept(text.as_bytes());
            page.add(Draft { life, ..Draft::of("token", &member.key, member.line, text) });
        }
    }
    for item in node.items() {
        below(item, name, page);
    }
}

fn says_so(written: &str) -> bool {
    let key = written.to_ascii_lowercase();
    let key = key.as_str();
    let bare: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    !NOT.contains(&key)
        && !NOT.contains(&bare.as_str())
        && (is_credential_name(written) || HERE.contains(&key))
}

fn what(key: &str) -> &'static str {
    if key.contains("refresh") {
        "refresh token"
    } else if key.contains("password") || key.contains("passwd") {
        "password"
    } else if key.contains("key") {
        "key"
    } else if key.contains("secret") {
        "secret"
    } else {
        "token"
    }
}
