//! Steps beside an agent that give more rights than the job's own token has: known by name, and by what they leave
//! behind for later steps.

use crate::document::Node;

/// A step that raises privilege.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Escalator {
    pub job: String,
    pub line: u32,
    /// The action or setting.
    pub name: String,
    /// What it gives, in a sentence's rest.
    pub gives: &'static str,
}

/// Heads of actions, and what each leaves in the job.
const ACTIONS: &[(&str, &str)] = &[
    (
        "actions/create-github-app-token",
        "mints a token of a GitHub App, whose rights the workflow does not show",
    ),
    ("tibdex/github-app-token", "mints a token of a GitHub App, whose rights the workflow does not show"),
    (
        "peter-murray/workflow-application-token-action",
        "mints a token of a GitHub App, whose rights the workflow does not show",
    ),
    (
        "getsentry/action-github-app-token",
        "mints a token of a GitHub App, whose rights the workflow does not show",
    ),
    ("octo-sts/action", "trades the job's identity for a token of another repository or organisation"),
    ("aws-actions/configure-aws-credentials", "logs the job in to AWS; each later step acts as that role"),
    ("google-github-actions/auth", "logs the job in to Google Cloud; each later step acts as that account"),
    ("azure/login", "logs the job in to Azure; each later step acts as that principal"),
    ("hashicorp/vault-action", "fetches secrets from Vault into the job's environment"),
    ("1password/load-secrets-action", "fetches secrets from 1Password into the job's environment"),
    ("infisical/secrets-action", "fetches secrets into the job's environment"),
    ("dopplerhq/secrets-fetch-action", "fetches secrets into the job's environment"),
    ("docker/login-action", "leaves a registry's login on the runner"),
    ("aws-actions/amazon-ecr-login", "leaves a registry's login on the runner"),
    ("pypa/gh-action-pypi-publish", "publishes to a package index under the job's identity"),
    ("webfactory/ssh-agent", "loads an SSH key into an agent that each later step can use"),
    ("crazy-max/ghaction-import-gpg", "loads a signing key that each later step can use"),
    ("tailscale/github-action", "joins the runner to a private network"),
];

/// What a step gives beyond the token, if it is known to.
pub(super) fn of_step(job: &str, step: &Node) -> Option<Escalator> {
    let uses = step.get("uses")?;
    let name = uses.text()?.split('@').next()?.to_ascii_lowercase();
    let (_, gives) =
        ACTIONS.iter().find(|(head, _)| name == *head || name.starts_with(&format!("{head}/")))?;
    Some(Escalator { job: job.to_owned(), line: uses.line, name: uses.text()?.to_owned(), gives })
}
