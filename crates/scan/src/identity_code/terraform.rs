//! Resources of Terraform and OpenTofu, by what their providers document.

use super::aws::{self, Statement};
use super::{Breadth, Identities, IdentityKind, application, kubernetes};
use crate::credential_name::is_real;
use crate::document::{Member, Node};

/// Resources that are a principal, and nothing more.
const PRINCIPALS: &[&str] = &[
    "aws_iam_user",
    "azuread_application",
    "azuread_application_registration",
    "azuread_service_principal",
    "azurerm_user_assigned_identity",
    "github_app_installation_repository",
    "google_service_account",
    "kubernetes_service_account",
    "kubernetes_service_account_v1",
    "okta_app_oauth",
    "okta_service_account",
    "vault_approle_auth_backend_role",
];
/// Resources that are a credential without an end of its own.
const STANDING: &[&str] = &[
    "aws_iam_access_key",
    "aws_iam_service_specific_credential",
    "azuread_application_certificate",
    "azuread_application_password",
    "azuread_service_principal_password",
    "gitlab_deploy_token",
    "gitlab_group_access_token",
    "gitlab_personal_access_token",
    "gitlab_project_access_token",
    "google_service_account_key",
    "okta_api_token",
    "vault_approle_auth_backend_role_secret_id",
];
/// Attributes of providers that are a credential.
const PROVIDER_KEYS: &[&str] =
    &["access_key", "api_key", "api_token", "client_secret", "password", "secret_key", "token"];
/// Attributes that hold scopes.
const SCOPES: &[&str] = &["allowed_oauth_scopes", "oauth_scopes", "scopes"];

pub(super) fn read(document: &Node, out: &mut Identities) {
    each(document, "resource", &mut |kind, name, line, body| resource(kind, name, line, body, out));
    provider(document, out);
    each(document, "data", &mut |kind, name, line, body| {
        if kind == "aws_iam_policy_document" {
            let statements: Vec<Statement> = blocks(body, "statement").map(statement).collect();
            aws::tell(name, line, &statements, out);
        }
    });
}

/// Each block of a sort, whether labels stand together or apart, and in a list where JSON has one.
fn each(document: &Node, sort: &str, see: &mut dyn FnMut(&str, &str, u32, &Node)) {
    for Member { node: kinds, .. } in document.members().iter().filter(|member| member.key == sort) {
        for kind in std::slice::from_ref(kinds).iter().chain(kinds.items()).flat_map(Node::members) {
            for named in kind.node.members() {
                let bodies = named.node.items();
                let bodies = if bodies.is_empty() { std::slice::from_ref(&named.node) } else { bodies };
                for body in bodies {
                    see(&kind.key, &named.key, named.line, body);
                }
            }
        }
    }
}

/// Inner blocks of a name: repeated members, or a list in JSON, or the content of a dynamic block.
fn blocks<'a>(body: &'a Node, name: &'a str) -> impl Iterator<Item = &'a Node> {
    let direct = body.members().iter().filter(move |member| member.key == name).map(|member| &member.node);
    let dynamic = body
        .members()
        .iter()
        .filter(|member| member.key == "dynamic")
        .filter_map(move |member| member.node.at(&[name, "content"]));
    direct.chain(dynamic).flat_map(|node| {
        let items = node.items();
        if items.is_empty() { std::slice::from_ref(node) } else { items }
    })
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    node.get(key).map(Node::texts).unwrap_or_default().into_iter().map(str::to_owned).collect()
}

/// A `statement` block of `aws_iam_policy_document`.
fn statement(node: &Node) -> Statement {
    let principals = |key: &'static str| -> Vec<String> {
        blocks(node, key).flat_map(|principal| texts(principal, "identifiers")).collect()
    };
    let not = principals("not_principals");
    Statement {
        line: node.line,
        denies: node.get("effect").and_then(Node::text) == Some("Deny"),
        actions: texts(node, "actions").into_iter().chain(texts(node, "not_actions")).collect(),
        all_but: node.get("not_actions").is_some(),
        resources: texts(node, "resources").into_iter().chain(texts(node, "not_resources")).collect(),
        all_principals_but: !not.is_empty(),
        principals: principals("principals").into_iter().chain(not).collect(),
        conditions: blocks(node, "condition")
            .filter_map(|condition| {
                Some((condition.get("variable")?.text()?.to_owned(), texts(condition, "values")))
            })
            .collect(),
    }
}

fn resource(kind: &str, name: &str, line: u32, body: &Node, out: &mut Identities) {
    if PRINCIPALS.contains(&kind) {
        out.add(IdentityKind::ServicePrincipal, line, name, [], Breadth::Listed);
    }
    if STANDING.contains(&kind) {
        out.add(IdentityKind::StandingCredential, line, name, texts(body, "scopes"), Breadth::Listed);
        return;
    }
    match kind {
        "aws_iam_role" => {
            if let Some(trust) = body.get("assume_role_policy") {
                aws::policy(name, trust, line, out);
            }
            for inline in blocks(body, "inline_policy") {
                if let Some(policy) = inline.get("policy") {
                    aws::policy(name, policy, inline.line, out);
                }
            }
        }
        "aws_iam_policy"
        | "aws_iam_role_policy"
        | "aws_iam_user_policy"
        | "aws_iam_group_policy"
        | "aws_s3_bucket_policy"
        | "aws_kms_key" => {
            if let Some(policy) = body.get("policy") {
                aws::policy(name, policy, line, out);
            }
        }
        "azurerm_role_assignment" | "azuread_directory_role_assignment" => azure(name, line, body, out),
        "azuread_application_federated_identity_credential"
        | "azurerm_federated_identity_credential"
        | "azuread_application_flexible_federated_identity_credential" => {
            let subjects = texts(body, "subject");
            out.add(IdentityKind::TrustPolicy, line, name, subjects, Breadth::Listed);
        }
        "aws_iam_openid_connect_provider" | "aws_iam_saml_provider" => {
            let issuers = texts(body, "url");
            out.add(IdentityKind::TrustPolicy, line, name, issuers, Breadth::Listed);
        }
        "okta_app_oauth_role_assignment" | "okta_group_role" | "okta_user_admin_roles" => {
            let roles: Vec<String> =
                ["type", "role_type", "admin_roles"].iter().flat_map(|key| texts(body, key)).collect();
            let highest = roles.iter().any(|role| ["ORG_ADMIN", "SUPER_ADMIN"].contains(&role.as_str()));
            let breadth = if highest { Breadth::Administrator } else { Breadth::Listed };
            out.add(IdentityKind::RoleBinding, line, name, roles, breadth);
        }
        "github_actions_secret"
        | "github_actions_environment_secret"
        | "github_actions_organization_secret"
        | "github_dependabot_secret" => {
            if let Some(value) = body.get("plaintext_value").filter(|value| is_written("secret", value)) {
                let rights = ["a value in plain text".to_owned()];
                out.add(IdentityKind::StandingCredential, value.line, name, rights, Breadth::Listed);
            }
        }
        "google_iam_workload_identity_pool_provider" => {
            // Without a condition every account of the issuer may ask for a token.
            let at = body.get("attribute_condition");
            let breadth =
                if at.is_some() || body.get("oidc").is_none() { Breadth::Listed } else { Breadth::Anybody };
            let issuers = body.at(&["oidc", "issuer_uri"]).and_then(Node::scalar);
            out.add(IdentityKind::TrustPolicy, at.map_or(line, |node| node.line), name, issuers, breadth);
        }
        "kubernetes_role"
        | "kubernetes_role_v1"
        | "kubernetes_cluster_role"
        | "kubernetes_cluster_role_v1" => {
            rules(name, line, body, out);
        }
        "kubernetes_role_binding"
        | "kubernetes_role_binding_v1"
        | "kubernetes_cluster_role_binding"
        | "kubernetes_cluster_role_binding_v1" => {
            let role =
                blocks(body, "role_ref").find_map(|role| role.get("name")?.scalar()).unwrap_or_default();
            let breadth = kubernetes::of_role(&role);
            out.add(IdentityKind::RoleBinding, line, name, [format!("role {role}")], breadth);
        }
        "github_repository_deploy_key" => {
            let writes = body.get("read_only").and_then(Node::truth) == Some(false);
            deploy_key(name, line, writes, out);
        }
        "gitlab_deploy_key" => {
            deploy_key(name, line, body.get("can_push").is_some_and(Node::is_true), out);
        }
        _ if kind.starts_with("aws_iam_") && kind.ends_with("_policy_attachment") => {
            if let Some(arn) = body.get("policy_arn") {
                aws::attached(name, arn, out);
            }
        }
        _ if kind.starts_with("google_") && kind.contains("_iam_") => google(name, line, body, out),
        _ => {}
    }
    if let Some(managed) = body.get("managed_policy_arns").filter(|_| kind == "aws_iam_role") {
        aws::attached(name, managed, out);
    }
    for key in SCOPES {
        let inner = ["service_account", "node_config"].into_iter().flat_map(|block| blocks(body, block));
        for node in std::iter::once(body).chain(inner).filter_map(|body| body.get(key)) {
            application::scopes(name, node, out);
        }
    }
}

/// Keys of a cloud that stand in the settings of its provider.
fn provider(document: &Node, out: &mut Identities) {
    for Member { node: kinds, .. } in document.members().iter().filter(|member| member.key == "provider") {
        for kind in std::slice::from_ref(kinds).iter().chain(kinds.items()).flat_map(Node::members) {
            let bodies = kind.node.items();
            let bodies = if bodies.is_empty() { std::slice::from_ref(&kind.node) } else { bodies };
            for (body, key) in
                bodies.iter().flat_map(|body| PROVIDER_KEYS.iter().map(move |key| (body, *key)))
            {
                if let Some(value) = body.get(key).filter(|value| is_written(key, value)) {
                    let rights = [format!("{key} in plain text")];
                    out.add(
                        IdentityKind::StandingCredential,
                        value.line,
                        &*kind.key,
                        rights,
                        Breadth::Listed,
                    );
                }
            }
        }
    }
}

/// A value that stands in the file: no name of something else, and no word of an example.
fn is_written(key: &str, value: &Node) -> bool {
    value.text().is_some_and(|text| !text.contains("${") && is_real(key, text))
}

fn deploy_key(name: &str, line: u32, writes: bool, out: &mut Identities) {
    let (right, breadth) = if writes { ("push", Breadth::Wildcard) } else { ("fetch", Breadth::Listed) };
    out.add(IdentityKind::DeployKey, line, name, [right.to_owned()], breadth);
}

fn azure(name: &str, line: u32, body: &Node, out: &mut Identities) {
    let role = body.get("role_definition_name").and_then(Node::scalar).unwrap_or_default();
    let breadth = match role.as_str() {
        "Owner" | "Role Based Access Control Administrator" | "User Access Administrator" => {
            Breadth::Administrator
        }
        "Contributor" => Breadth::Wildcard,
        _ if role.ends_with("Administrator") => Breadth::Administrator,
        _ => Breadth::Listed,
    };
    let at = body.get("role_definition_name").map_or(line, |node| node.line);
    out.add(IdentityKind::RoleBinding, at, name, [format!("role {role}")], breadth);
}

fn google(name: &str, line: u32, body: &Node, out: &mut Identities) {
    let Some(role) = body.get("role") else { return };
    let said = role.scalar().unwrap_or_default();
    let members: Vec<String> = texts(body, "member").into_iter().chain(texts(body, "members")).collect();
    let everybody = members.iter().any(|member| member == "allUsers" || member == "allAuthenticatedUsers");
    let breadth = match said.as_str() {
        _ if everybody => Breadth::Anybody,
        "roles/owner"
        | "roles/iam.securityAdmin"
        | "roles/iam.serviceAccountTokenCreator"
        | "roles/resourcemanager.organizationAdmin"
        | "roles/resourcemanager.projectIamAdmin" => Breadth::Administrator,
        "roles/editor" => Breadth::Wildcard,
        _ if said.to_ascii_lowercase().ends_with("admin") => Breadth::Wildcard,
        _ => Breadth::Listed,
    };
    let rights = std::iter::once(said).chain(members.into_iter().map(|member| format!("for {member}")));
    out.add(
        IdentityKind::RoleBinding,
        if breadth == Breadth::Listed { line } else { role.line },
        name,
        rights,
        breadth,
    );
}

fn rules(name: &str, line: u32, body: &Node, out: &mut Identities) {
    let (mut rights, mut widest) = (Vec::new(), (Breadth::Listed, line));
    for one in blocks(body, "rule") {
        let lists = ["verbs", "resources", "api_groups"].map(|key| texts(one, key));
        let [verbs, resources, groups] =
            lists.each_ref().map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
        let (words, breadth) = kubernetes::rule(&verbs, &resources, &groups);
        rights.push(words);
        if breadth > widest.0 {
            widest = (breadth, one.line);
        }
    }
    out.add(IdentityKind::Policy, widest.1, name, rights, widest.0);
}
