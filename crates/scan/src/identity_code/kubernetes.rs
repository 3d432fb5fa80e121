//! Role-based access control of Kubernetes: https://kubernetes.io/docs/reference/access-authn-authz/rbac/.

use super::{Breadth, Identities, IdentityKind};
use crate::document::Node;

/// Verbs by which a holder gets rights that it was not given.
const ESCALATING: &[&str] = &["bind", "escalate", "impersonate"];
/// Groups that everybody belongs to who reaches the server.
const EVERYBODY: &[&str] = &["system:anonymous", "system:authenticated", "system:unauthenticated"];

pub(super) fn read(document: &Node, out: &mut Identities) {
    let kind = document.get("kind").and_then(Node::text).unwrap_or("");
    let name = document.at(&["metadata", "name"]).and_then(Node::scalar).unwrap_or_default();
    match kind {
        "List" | "RoleList" | "ClusterRoleList" | "RoleBindingList" | "ClusterRoleBindingList" => {
            for item in document.get("items").map_or(&[][..], Node::items) {
                // A list within a list is not one that a server takes.
                if !item.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List")) {
                    read(item, out);
                }
            }
        }
        "Role" | "ClusterRole" => {
            role(&name, document.line, document.get("rules").map_or(&[][..], Node::items), out);
        }
        "RoleBinding" | "ClusterRoleBinding" => binding(kind, &name, document, out),
        "ServiceAccount" => {
            out.add(IdentityKind::ServicePrincipal, document.line, name, [], Breadth::Listed);
        }
        "Secret"
            if document.get("type").and_then(Node::text) == Some("kubernetes.io/service-account-token") =>
        {
            out.add(IdentityKind::StandingCredential, document.line, name, [], Breadth::Listed);
        }
        _ => {}
    }
}

/// One rule: what it lets do, in words, and how far that goes.
pub(super) fn rule(verbs: &[&str], resources: &[&str], groups: &[&str]) -> (String, Breadth) {
    let star = |list: &[&str]| list.contains(&"*");
    let writes = verbs.iter().any(|verb| !["get", "list", "watch"].contains(verb));
    let breadth = if (star(verbs) && star(resources)) || verbs.iter().any(|verb| ESCALATING.contains(verb)) {
        Breadth::Administrator
    } else if star(verbs) || (star(resources) && (writes || star(groups))) {
        Breadth::Wildcard
    } else {
        Breadth::Listed
    };
    (format!("{} on {}", verbs.join(","), resources.join(",")), breadth)
}

fn role(name: &str, line: u32, rules: &[Node], out: &mut Identities) {
    let texts = |node: &Node, key: &str| -> Vec<String> {
        node.get(key).map(Node::texts).unwrap_or_default().into_iter().map(str::to_owned).collect()
    };
    let mut rights = Vec::new();
    let mut widest = (Breadth::Listed, line);
    for one in rules {
        let lists = ["verbs", "resources", "apiGroups"].map(|key| texts(one, key));
        let [verbs, resources, groups] =
            lists.each_ref().map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
        let (words, breadth) = rule(&verbs, &resources, &groups);
        rights.push(words);
        if breadth > widest.0 {
            widest = (breadth, one.line);
        }
    }
    out.add(IdentityKind::Policy, widest.1, name, rights, widest.0);
}

/// How far a role of the server's own goes.
pub(super) fn of_role(name: &str) -> Breadth {
    match name {
        "cluster-admin" | "system:masters" => Breadth::Administrator,
        "admin" | "edit" => Breadth::Wildcard,
        _ => Breadth::Listed,
    }
}

fn binding(kind: &str, name: &str, document: &Node, out: &mut Identities) {
    let role = document.at(&["roleRef", "name"]).and_then(Node::scalar).unwrap_or_default();
    let subjects: Vec<(String, u32)> = document
        .get("subjects")
        .map_or(&[][..], Node::items)
        .iter()
        .filter_map(|subject| {
            let node = subject.get("name")?;
            Some((node.scalar()?, node.line))
        })
        .collect();
    let everybody = subjects.iter().find(|(subject, _)| EVERYBODY.contains(&subject.as_str()));
    let line = document.get("roleRef").map_or(document.line, |role| role.line);
    let (line, breadth) = match everybody {
        Some((_, line)) => (*line, Breadth::Anybody),
        // The same role in one namespace rules over that namespace only.
        None if kind == "RoleBinding" => (line, of_role(&role).min(Breadth::Wildcard)),
        None => (line, of_role(&role)),
    };
    let rights = std::iter::once(format!("role {role}"))
        .chain(subjects.into_iter().map(|(subject, _)| format!("for {subject}")));
    out.add(IdentityKind::RoleBinding, line, name, rights, breadth);
}
