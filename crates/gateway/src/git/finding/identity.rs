//! Changes of who may do what: keys, roles, trust, owners, rights of workflows. Judged by the lines that a change adds,
//! and where the absence of a line gives rights, by those that it takes away.

use std::collections::BTreeMap;

/// Longest file that is compared line by line, in bytes; one that is longer counts as changed in every way.
pub(in super::super) const MAX_COMPARED_BYTES: usize = 256 << 10;

/// Which files a rule looks at, and what in a line means something there.
struct Rule {
    is_meant: fn(&str) -> bool,
    signs: &'static [Sign],
}

/// Part of a line, in lower case and without blanks and quotes; empty for any line.
struct Sign {
    part: &'static str,
    when: When,
    says: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Added,
    Removed,
    Either,
}

const fn added(part: &'static str, says: &'static str) -> Sign {
    Sign { part, when: When::Added, says }
}

const RULES: &[Rule] = &[
    Rule {
        is_meant: |path| {
            matches!(name(path), "authorized_keys" | "authorized_keys2" | "allowed_signers" | "known_hosts")
                || name(path).ends_with(".pub")
        },
        signs: &[Sign { part: "", when: When::Either, says: "changes which keys are trusted" }],
    },
    Rule {
        is_meant: |path| matches!(name(path), "codeowners" | "owners" | "owners_aliases"),
        signs: &[Sign {
            part: "",
            when: When::Either,
            says: "changes who owns files and is asked about them",
        }],
    },
    Rule {
        is_meant: |path| {
            path.contains(".github/workflows/")
                || path.contains(".github/actions/")
                || path.contains(".gitea/workflows/")
                || path.contains(".forgejo/workflows/")
                || matches!(name(path), "action.yml" | "action.yaml")
        },
        signs: &[
            added("pull_request_target", "a workflow runs with the repository's rights on foreign changes"),
            added("workflow_run", "a workflow runs with the repository's rights after another"),
            added("id-token:write", "a workflow may take an identity at other services"),
            added("write-all", "a workflow gets every right"),
            added("actions:write", "a workflow gets more rights"),
            added("attestations:write", "a workflow gets more rights"),
            added("checks:write", "a workflow gets more rights"),
            added("contents:write", "a workflow gets more rights"),
            added("deployments:write", "a workflow gets more rights"),
            added("discussions:write", "a workflow gets more rights"),
            added("issues:write", "a workflow gets more rights"),
            added("packages:write", "a workflow gets more rights"),
            added("pages:write", "a workflow gets more rights"),
            added("pull-requests:write", "a workflow gets more rights"),
            added("security-events:write", "a workflow gets more rights"),
            added("statuses:write", "a workflow gets more rights"),
            added("secrets:inherit", "a workflow hands its secrets on"),
            added("self-hosted", "a workflow runs on a machine of its own"),
            Sign {
                part: "permissions:",
                when: When::Removed,
                says: "a workflow no longer says which rights it needs, and gets the usual ones",
            },
            Sign { part: ":read", when: When::Removed, says: "a workflow no longer says that it only reads" },
        ],
    },
    Rule {
        is_meant: |path| {
            let name = name(path);
            name == ".gitlab-ci.yml" || path.contains(".gitlab/")
        },
        signs: &[added("id_tokens:", "a pipeline may take an identity at other services")],
    },
    Rule {
        is_meant: is_infrastructure,
        signs: &[
            added("aws_iam_", "changes roles or rights at AWS"),
            added("aws::iam::", "changes roles or rights at AWS"),
            added("assumerolepolicydocument", "changes who may take a role"),
            added("assume_role_policy", "changes who may take a role"),
            added("sts:assumerole", "changes who may take a role"),
            added("aws_key_pair", "adds a key for machines"),
            added("aws_lambda_permission", "changes who may call a function"),
            added("google_service_account", "changes service accounts or their keys at Google"),
            added("google_iam_", "changes identities at Google"),
            added("_iam_binding", "grants a role at Google"),
            added("_iam_member", "grants a role at Google"),
            added("_iam_policy", "changes rights at Google"),
            added("roles/owner", "grants a role at Google"),
            added("roles/editor", "grants a role at Google"),
            added("azurerm_role_", "changes roles at Azure"),
            added("azuread_", "changes identities at Azure"),
            added("federated_identity_credential", "changes which identities are trusted"),
            added("workload_identity_pool", "changes which identities are trusted"),
            added("microsoft.authorization/role", "changes roles at Azure"),
            added("openid_connect_provider", "changes which identities are trusted"),
            added("saml_provider", "changes which identities are trusted"),
            added("deploy_key", "adds a key to a repository"),
            added("repository_collaborator", "gives people rights in a repository"),
            added("github_membership", "gives people rights in an organisation"),
            added("github_team_", "gives people rights in an organisation"),
            added("gitlab_project_membership", "gives people rights in a project"),
            added("vault_policy", "changes rights at the vault"),
            added("_role_binding", "grants a role in a cluster"),
            added("rbac.authorization.k8s.io", "changes rights in a cluster"),
            added("kind:clusterrolebinding", "grants a role in a cluster"),
            added("kind:rolebinding", "grants a role in a cluster"),
            added("kind:clusterrole", "changes a role in a cluster"),
            added("kind:role", "changes a role in a cluster"),
            added("kind:serviceaccount", "adds an identity in a cluster"),
            added("cluster-admin", "grants every right in a cluster"),
            added("ssh-ed25519aaaa", "adds a public key"),
            added("ssh-rsaaaaa", "adds a public key"),
            added("ecdsa-sha2-nistp", "adds a public key"),
        ],
    },
];

/// Endings of files that describe machines, clouds and clusters.
const INFRASTRUCTURE: &[&str] = &[
    ".bicep",
    ".hcl",
    ".json",
    ".jsonnet",
    ".libsonnet",
    ".template",
    ".tf",
    ".tfvars",
    ".tofu",
    ".yaml",
    ".yml",
    ".tpl",
];

fn is_infrastructure(path: &str) -> bool {
    let name = name(path);
    // Lock files are long, and nothing of this stands in them.
    INFRASTRUCTURE.iter().any(|ending| name.ends_with(ending))
        && !matches!(name, "package-lock.json" | "pnpm-lock.yaml" | "npm-shrinkwrap.json" | "composer.lock")
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether any rule looks at this file.
pub(in super::super) fn is_meant(path: &str) -> bool {
    let path = path.to_lowercase();
    RULES.iter().any(|rule| (rule.is_meant)(&path))
}

/// What a change of this file means, each thing once. `None` for contents that are too large, or not here.
pub(in super::super) fn changes(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Vec<&'static str> {
    let path = path.to_lowercase();
    let rules = RULES.iter().filter(|rule| (rule.is_meant)(&path));
    let mut says: Vec<&'static str> = Vec::new();
    let (Some(old), Some(new)) = (old, new) else {
        return rules
            .filter_map(|rule| rule.signs.first())
            .map(|_| "changes a file that can say who may do what, and that could not be compared")
            .take(1)
            .collect();
    };
    let (old, new) = (lines(old), lines(new));
    let more = |left: &BTreeMap<String, usize>, right: &BTreeMap<String, usize>| -> Vec<String> {
        left.iter()
            .filter(|(line, count)| right.get(*line).copied().unwrap_or(0) < **count)
            .map(|(line, _)| line.clone())
            .collect()
    };
    let (added, removed) = (more(&new, &old), more(&old, &new));
    for sign in rules.flat_map(|rule| rule.signs) {
        let is_in = |lines: &[String]| lines.iter().any(|line| line.contains(sign.part));
        let holds = match sign.when {
            When::Added => is_in(&added),
            When::Removed => is_in(&removed),
            When::Either => is_in(&added) || is_in(&removed),
        };
        if holds && !says.contains(&sign.says) {
            says.push(sign.says);
        }
    }
    says
}

/// Lines as they are compared, with how often each stands there. Comments and blank lines say nothing.
fn lines(text: &[u8]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for line in String::from_utf8_lossy(text).lines() {
        let line: String = line
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '`'))
            .flat_map(char::to_lowercase)
            .collect();
        if !line.is_empty() && !line.starts_with('#') && !line.starts_with("//") {
            *found.entry(line).or_insert(0) += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, old: &str, new: &str, expected: &[&str]) {
        assert!(is_meant(path), "{path}");
        let says = changes(path, Some(old.as_bytes()), Some(new.as_bytes()));
        assert_eq!(says.len(), expected.len(), "{path}: {says:?}");
        for part in expected {
            assert!(says.iter().any(|says| says.contains(part)), "{path}: {says:?} lacks {part}");
        }
    }

    #[test]
    fn who_may_do_what_is_seen_in_the_lines_that_change() {
        const WORKFLOW: &str = ".github/workflows/ci.yml";
        for (path, old, new, expected) in [
            (WORKFLOW, "on: push\n", "on: push\n# id-token: write\n", vec![]),
            (WORKFLOW, "on: push\n", "on: pull_request_target\n", vec!["foreign changes"]),
            (
                WORKFLOW,
                "",
                "permissions:\n  id-token: write\n  contents: write\n",
                vec!["identity", "more rights"],
            ),
            (WORKFLOW, "", "permissions: {'id-token' : \"write\"}\n", vec!["identity"]),
            (WORKFLOW, "", "permissions: write-all\n", vec!["every right"]),
            (
                WORKFLOW,
                "runs-on: ubuntu-latest\n",
                "runs-on: [self-hosted, gpu]\n",
                vec!["machine of its own"],
            ),
            (
                WORKFLOW,
                "permissions:\n  contents: read\n",
                "on: push\n",
                vec!["no longer says which", "only reads"],
            ),
            // What stood there before is not new.
            (
                WORKFLOW,
                "permissions:\n  id-token: write\n",
                "permissions:\n  id-token: write\nname: x\n",
                vec![],
            ),
            ("deploy/.ssh/authorized_keys", "", "ssh-ed25519 AAAAC3 ann\n", vec!["keys"]),
            ("keys/ann.pub", "", "ssh-rsa AAAAB3 ann\n", vec!["keys"]),
            ("CODEOWNERS", "* @team\n", "", vec!["owns"]),
            (".github/CODEOWNERS", "* @team\n", "* @team\n/x @other\n", vec!["owns"]),
            (
                "infra/main.tf",
                "",
                "resource \"aws_iam_role\" \"a\" {\n  assume_role_policy = x\n}\n",
                vec!["at AWS", "take a role"],
            ),
            (
                "infra/main.tf",
                "",
                "resource \"github_repository_deploy_key\" \"a\" {}\n",
                vec!["key to a repository"],
            ),
            ("infra/main.tf", "", "resource \"aws_s3_bucket\" \"a\" {}\n", vec![]),
            ("stack.yaml", "", "Type: AWS::IAM::Role\n", vec!["at AWS"]),
            (
                "k8s/a.yml",
                "",
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n",
                vec!["rights in a cluster", "grants a role", "changes a role"],
            ),
            ("cloud-init.yaml", "", "  - ssh-ed25519 AAAAC3Nz ann\n", vec!["public key"]),
        ] {
            check(path, old, new, &expected);
        }
        assert!(!is_meant("src/main.rs"));
        assert!(!is_meant("package-lock.json"));
        assert_eq!(changes(WORKFLOW, None, Some(b"")).len(), 1);
    }
}
