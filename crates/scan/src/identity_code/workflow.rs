//! Pipelines that make identities or become some: identity tokens, roles that an action takes on, and commands of cloud and
//! forge clients, as each vendor's reference of its command line names them.

use super::{Breadth, Identities, IdentityKind};
use crate::document::Node;

/// Commands that make an identity, a credential or a binding, by their first words.
const COMMANDS: &[(&str, IdentityKind)] = &[
    ("aws iam attach-role-policy", IdentityKind::RoleBinding),
    ("aws iam attach-user-policy", IdentityKind::RoleBinding),
    ("aws iam create-access-key", IdentityKind::StandingCredential),
    ("aws iam create-role", IdentityKind::TrustPolicy),
    ("aws iam create-user", IdentityKind::ServicePrincipal),
    ("aws iam put-role-policy", IdentityKind::Policy),
    ("aws iam put-user-policy", IdentityKind::Policy),
    ("aws iam update-assume-role-policy", IdentityKind::TrustPolicy),
    ("az ad app create", IdentityKind::ServicePrincipal),
    ("az ad app credential reset", IdentityKind::StandingCredential),
    ("az ad app federated-credential create", IdentityKind::TrustPolicy),
    ("az ad sp create", IdentityKind::ServicePrincipal),
    ("az ad sp create-for-rbac", IdentityKind::ServicePrincipal),
    ("az ad sp credential reset", IdentityKind::StandingCredential),
    ("az identity create", IdentityKind::ServicePrincipal),
    ("az role assignment create", IdentityKind::RoleBinding),
    ("gcloud iam service-accounts add-iam-policy-binding", IdentityKind::RoleBinding),
    ("gcloud iam service-accounts create", IdentityKind::ServicePrincipal),
    ("gcloud iam service-accounts keys create", IdentityKind::StandingCredential),
    ("gcloud organizations add-iam-policy-binding", IdentityKind::RoleBinding),
    ("gcloud projects add-iam-policy-binding", IdentityKind::RoleBinding),
    ("gh repo deploy-key add", IdentityKind::DeployKey),
    ("glab deploy-key add", IdentityKind::DeployKey),
    ("kubectl create clusterrolebinding", IdentityKind::RoleBinding),
    ("kubectl create rolebinding", IdentityKind::RoleBinding),
    ("kubectl create serviceaccount", IdentityKind::ServicePrincipal),
    ("vault token create", IdentityKind::StandingCredential),
];
/// Inputs by which an action becomes somebody in a cloud.
const ROLES: &[&str] = &["role-to-assume", "service_account", "workload_identity_provider"];
/// Arguments that name the rights given.
const RIGHTS: &[&str] = &["--clusterrole", "--policy-arn", "--role"];
/// Keys whose texts a shell runs.
const SCRIPTS: &[&str] = &["after_script", "before_script", "run", "script"];
/// Most commands of one script that are looked at.
const MAX_COMMANDS: usize = 2_000;

/// What a pipeline makes, whatever forge it is of.
pub(super) fn read(document: &Node, out: &mut Identities) {
    permissions("workflow", document, out);
    for member in document.get("jobs").map_or(&[][..], Node::members) {
        permissions(&member.key, &member.node, out);
        for step in member.node.get("steps").map_or(&[][..], Node::items) {
            for key in ROLES {
                if let Some(role) = step.at(&["with", key]) {
                    let named = [role.scalar().unwrap_or_default()];
                    out.add(IdentityKind::RoleBinding, role.line, &*member.key, named, Breadth::Listed);
                }
            }
        }
    }
    document.each_text(&mut |key, text, line| {
        if SCRIPTS.contains(&key) {
            script(text, line, out);
        }
    });
}

fn permissions(name: &str, node: &Node, out: &mut Identities) {
    let Some(said) = node.get("permissions") else { return };
    if said.text() == Some("write-all") {
        let rights = ["write-all".to_owned()];
        out.add(IdentityKind::RoleBinding, said.line, name, rights, Breadth::Wildcard);
    } else if let Some(token) = said.get("id-token").filter(|token| token.text() == Some("write")) {
        let rights = ["id-token: write".to_owned()];
        out.add(IdentityKind::ServicePrincipal, token.line, name, rights, Breadth::Listed);
    }
}

/// Commands of a script; lines that a backslash joins are one.
fn script(text: &str, line: u32, out: &mut Identities) {
    let joined = text.replace("\\\n", " ");
    for command in joined.split(['\n', ';', '|', '&', '(', ')', '`']).take(MAX_COMMANDS) {
        let words: Vec<&str> = command
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']))
            .skip_while(|word| *word == "sudo" || word.contains("=$") || word.ends_with('='))
            .collect();
        let begins = |head: &str| {
            let mut given = words.iter();
            head.split(' ').all(|word| given.next() == Some(&word))
        };
        let longest = COMMANDS.iter().filter(|(head, _)| begins(head)).max_by_key(|(head, _)| head.len());
        let Some((head, kind)) = longest else { continue };
        let rights: Vec<String> = RIGHTS.iter().filter_map(|name| argument(&words, name)).collect();
        let mut breadth = rights.iter().map(|right| of_role(right)).max().unwrap_or_default();
        if *kind == IdentityKind::DeployKey && words.iter().any(|word| ["--allow-write", "-w"].contains(word))
        {
            breadth = Breadth::Wildcard;
        }
        out.add(*kind, line, *head, rights, breadth);
    }
}

/// The value of `--name value` or `--name=value`.
fn argument(words: &[&str], name: &str) -> Option<String> {
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix(name)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if rest.is_empty() => words.get(at + 1).map(|value| (*value).to_owned()),
            None => None,
        }
    })
}

/// How far a role goes that a command names, in any of the clouds.
fn of_role(role: &str) -> Breadth {
    match role {
        "Owner"
        | "Role Based Access Control Administrator"
        | "User Access Administrator"
        | "cluster-admin"
        | "roles/iam.securityAdmin"
        | "roles/iam.serviceAccountTokenCreator"
        | "roles/owner"
        | "roles/resourcemanager.projectIamAdmin" => Breadth::Administrator,
        "Contributor" | "admin" | "edit" | "roles/editor" => Breadth::Wildcard,
        _ if role.ends_with("/AdministratorAccess") || role.ends_with("/IAMFullAccess") => {
            Breadth::Administrator
        }
        _ => Breadth::Listed,
    }
}
