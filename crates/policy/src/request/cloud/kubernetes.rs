//! Kubernetes, by the shape of its interface: a cluster has any host.

use writ_model::{EffectClass, Resource};

use super::super::Ask;
use super::super::wire::{Verb, Wire};
use crate::names::Meaning;

/// Kinds of the first group that stand outside of namespaces, or directly behind the version.
const CORE: &[&str] = &[
    "componentstatuses",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
];

/// Groups that have no dot in their name.
const GROUPS: &[&str] = &["apps", "autoscaling", "batch", "extensions", "policy"];

/// Groups that say who may do what, or what is let in.
const RIGHTS: &[&str] = &[
    "admissionregistration.k8s.io",
    "authentication.k8s.io",
    "certificates.k8s.io",
    "rbac.authorization.k8s.io",
];

/// Questions that are asked by a `POST`.
const REVIEWS: &[&str] = &[
    "localsubjectaccessreviews",
    "selfsubjectaccessreviews",
    "selfsubjectreviews",
    "selfsubjectrulesreviews",
    "subjectaccessreviews",
    "tokenreviews",
];

/// Parts of a pod, a service or a node through which something else is reached.
const DOORS: &[&str] = &["attach", "exec", "portforward", "proxy", "ephemeralcontainers", "debug"];

/// The asks of a request to a cluster; nothing where its path has not that shape.
pub(super) fn asks(wire: &Wire<'_>) -> Option<Vec<Ask>> {
    let words: Vec<String> = wire.flat().iter().map(|part| part.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let start = (0..words.len().min(6)).find(|start| is_cluster(words.get(*start..).unwrap_or_default()))?;
    let rest = words.get(start..).unwrap_or_default();
    let (group, rest) = match rest {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let rest = match rest {
        ["watch", rest @ ..] => rest,
        rest => rest,
    };
    let (kind, name, part) = match rest {
        ["namespaces", _, kind, rest @ ..] if !matches!(*kind, "finalize" | "status") => {
            (*kind, rest.first().copied(), rest.get(1).copied())
        }
        [kind, rest @ ..] => (*kind, rest.first().copied(), rest.get(1).copied()),
        [] => ("", None, None),
    };
    let class = class(wire, group, kind, name, part);
    let authority = wire.request.authority();
    let what = format!("{authority} {kind}{}", part.map(|part| format!("/{part}")).unwrap_or_default());
    let says = format!("asks the cluster: {} {kind}", wire.request.method);
    let resource = match class {
        EffectClass::SecretRead => Resource::Secret { what },
        EffectClass::IdentityChange => Resource::Identity { what },
        EffectClass::Unknown => return Some(vec![Ask::unknown("a request to a cluster that is not known")]),
        _ => Resource::Deployment { target: what },
    };
    Some(vec![Ask::new(class, resource, &says)])
}

fn is_cluster(words: &[&str]) -> bool {
    match words {
        ["api", "v1", kind, ..] if *kind == "watch" || CORE.contains(kind) => true,
        ["apis", group, version, ..] => {
            (GROUPS.contains(group) || group.contains('.'))
                && version.starts_with('v')
                && version.get(1..2).is_some_and(|digit| digit.bytes().all(|byte| byte.is_ascii_digit()))
        }
        _ => false,
    }
}

fn class(wire: &Wire<'_>, group: &str, kind: &str, name: Option<&str>, part: Option<&str>) -> EffectClass {
    if wire.says(Meaning::Identity) {
        return EffectClass::IdentityChange;
    }
    // What stands behind such a door is asked by any method.
    if part.is_some_and(|part| DOORS.contains(&part)) {
        return EffectClass::Deploy;
    }
    match wire.verb {
        Verb::Read if kind == "secrets" => EffectClass::SecretRead,
        Verb::Read => EffectClass::Network,
        Verb::Post if REVIEWS.contains(&kind) => EffectClass::Network,
        Verb::Delete => EffectClass::Destructive,
        Verb::Post | Verb::Put | Verb::Patch
            if RIGHTS.contains(&group)
                || matches!(kind, "secrets" | "serviceaccounts")
                || (kind == "namespaces" && name.is_some()) && part == Some("finalize") =>
        {
            EffectClass::IdentityChange
        }
        Verb::Post | Verb::Put | Verb::Patch => EffectClass::Deploy,
        Verb::Other => EffectClass::Unknown,
    }
}
