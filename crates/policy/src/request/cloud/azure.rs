//! Azure: the resource manager, key vaults, sign-in and the directory.

use writ_model::EffectClass;

use super::super::Ask;
use super::super::wire::{Verb, Wire};
use super::{CLOUDS, Operation};

const MANAGERS: &[&str] = &[
    "management.azure.com",
    "management.chinacloudapi.cn",
    "management.usgovcloudapi.net",
    "management.core.windows.net",
];
const VAULTS: &[&str] =
    &[".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net", ".managedhsm.azure.net"];
const SIGN_IN: &[&str] =
    &["login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"];

/// Kinds of things in the directory that say who may do what.
const RIGHTS: &[&str] = &[
    "administrativeunits",
    "applications",
    "directoryroles",
    "domains",
    "groups",
    "identity",
    "identitygovernance",
    "invitations",
    "oauth2permissiongrants",
    "policies",
    "rolemanagement",
    "serviceprincipals",
    "users",
];

/// The asks of a request to Azure; nothing where the host is none of its planes.
pub(super) fn asks(wire: &Wire<'_>, host: &str) -> Option<Vec<Ask>> {
    let first = wire.segments.first().map(|first| first.to_ascii_lowercase()).unwrap_or_default();
    let (service, class) = if MANAGERS.contains(&host) {
        ("resource-manager", manager(wire))
    } else if VAULTS.iter().any(|end| host.ends_with(end)) {
        ("key-vault", vault(wire, &first))
    } else if SIGN_IN.contains(&host) {
        let class = if wire.verb == Verb::Read { EffectClass::Network } else { EffectClass::IdentityChange };
        ("sign-in", class)
    } else if host == "graph.microsoft.com" || host == "graph.windows.net" {
        ("directory", directory(wire))
    } else {
        return None;
    };
    let path: Vec<&str> = wire.segments.iter().rev().take(3).map(String::as_str).collect();
    let name = format!("{} {}", wire.request.method, path.into_iter().rev().collect::<Vec<_>>().join("/"));
    Some(vec![Operation { cloud: "azure", service, name }.ask(class)])
}

fn manager(wire: &Wire<'_>) -> EffectClass {
    let last = wire.segments.last().map(|last| last.to_ascii_lowercase()).unwrap_or_default();
    match (wire.verb, CLOUDS.azure.by_path(wire, "resource-manager")) {
        (_, Some(class)) => class,
        (Verb::Read, None) => EffectClass::Network,
        // What is only listed by a `POST` is what no `GET` shows.
        (Verb::Post, None) if last.starts_with("list") => EffectClass::SecretRead,
        (Verb::Post | Verb::Put | Verb::Patch, None) => EffectClass::Deploy,
        (Verb::Delete, None) => EffectClass::Destructive,
        (Verb::Other, None) => EffectClass::Unknown,
    }
}

fn vault(wire: &Wire<'_>, first: &str) -> EffectClass {
    let last = wire.segments.last().map(|last| last.to_ascii_lowercase()).unwrap_or_default();
    match wire.verb {
        Verb::Read
            if matches!(first, "secrets" | "storage") && wire.segments.len() > 1 && last != "versions" =>
        {
            EffectClass::SecretRead
        }
        Verb::Read => EffectClass::Network,
        Verb::Post if matches!(last.as_str(), "decrypt" | "unwrapkey" | "sign" | "backup" | "release") => {
            EffectClass::SecretRead
        }
        Verb::Delete => EffectClass::Destructive,
        Verb::Post | Verb::Put | Verb::Patch => EffectClass::IdentityChange,
        Verb::Other => EffectClass::Unknown,
    }
}

fn directory(wire: &Wire<'_>) -> EffectClass {
    let is_right = wire.segments.iter().any(|part| RIGHTS.contains(&part.to_ascii_lowercase().as_str()));
    match wire.verb {
        Verb::Read => EffectClass::Network,
        Verb::Post | Verb::Put | Verb::Patch | Verb::Delete if is_right => EffectClass::IdentityChange,
        Verb::Post | Verb::Put | Verb::Patch | Verb::Delete | Verb::Other => EffectClass::Unknown,
    }
}
