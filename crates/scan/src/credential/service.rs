//! What a variable's name tells of what it opens, and the credentials of the environment by it.

use std::path::PathBuf;

use crate::credential_name::{is_credential_name, is_real};
use crate::secret::Marker;

use super::{Credential, Guard, Life, end};

/// Most variables looked at.
const MAX_VARIABLES: usize = 10_000;

/// What the head of a name stands for.
pub(super) struct Service {
    head: &'static str,
    pub(super) opens: &'static str,
    pub(super) instead: Option<&'static str>,
}

const SERVICES: &[Service] = &[
    Service { head: "ANTHROPIC_", opens: "Anthropic", instead: None },
    Service {
        head: "ARM_",
        opens: "Azure",
        instead: Some("a federated credential: tokens of about an hour"),
    },
    Service {
        head: "AWS_",
        opens: "an AWS account",
        instead: Some("a role or `aws sso login`: sessions of hours"),
    },
    Service {
        head: "AZURE_",
        opens: "Azure",
        instead: Some("a federated credential: tokens of about an hour"),
    },
    Service {
        head: "CARGO_REGISTRY",
        opens: "a package registry",
        instead: Some("trusted publishing, which leaves no token behind"),
    },
    Service { head: "CI_JOB_TOKEN", opens: "GitLab, for one job", instead: None },
    Service { head: "CLOUDFLARE_", opens: "Cloudflare", instead: None },
    Service { head: "DATABASE_", opens: "a database", instead: Some("a database role made for the task") },
    Service { head: "DB_", opens: "a database", instead: Some("a database role made for the task") },
    Service {
        head: "DOCKER_",
        opens: "a container registry",
        instead: Some("a credential helper of the registry, whose tokens end after hours"),
    },
    Service { head: "GEMINI_", opens: "Google's models", instead: None },
    Service {
        head: "GH_",
        opens: "GitHub",
        instead: Some("an installation token of a GitHub App, which ends after one hour"),
    },
    Service {
        head: "GITHUB_",
        opens: "GitHub",
        instead: Some("an installation token of a GitHub App, which ends after one hour"),
    },
    Service {
        head: "GITLAB_",
        opens: "GitLab",
        instead: Some("OAuth through a credential helper, whose tokens end after two hours"),
    },
    Service {
        head: "GOOGLE_",
        opens: "Google Cloud",
        instead: Some("workload identity federation: tokens of an hour"),
    },
    Service { head: "HF_", opens: "Hugging Face", instead: None },
    Service { head: "MYSQL_", opens: "a MySQL server", instead: Some("a database role made for the task") },
    Service {
        head: "NODE_AUTH",
        opens: "a package registry",
        instead: Some("trusted publishing, which leaves no token behind"),
    },
    Service {
        head: "NPM_",
        opens: "a package registry",
        instead: Some("trusted publishing, which leaves no token behind"),
    },
    Service { head: "OPENAI_", opens: "OpenAI", instead: None },
    Service {
        head: "PGPASSWORD",
        opens: "a PostgreSQL server",
        instead: Some("a database role made for the task"),
    },
    Service {
        head: "POSTGRES_",
        opens: "a PostgreSQL server",
        instead: Some("a database role made for the task"),
    },
    Service {
        head: "PYPI_",
        opens: "a package registry",
        instead: Some("trusted publishing, which leaves no token behind"),
    },
    Service { head: "SLACK_", opens: "Slack", instead: None },
    Service { head: "STRIPE_", opens: "Stripe", instead: None },
    Service {
        head: "TWINE_",
        opens: "a package registry",
        instead: Some("trusted publishing, which leaves no token behind"),
    },
    Service {
        head: "VAULT_",
        opens: "a vault",
        instead: Some("a login with the platform's identity, with a token that ends with the task"),
    },
];

/// The service of a variable's name.
pub(super) fn of_name(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| name.starts_with(service.head))
}

/// Credentials of the environment, by name; and sockets of programs that use keys for whoever asks.
pub(super) fn of_environment(environment: &[(String, Vec<u8>)], marker: &Marker) -> Vec<Credential> {
    let of_session = environment.iter().any(|(name, value)| name == "AWS_SESSION_TOKEN" && !value.is_empty());
    let environment = environment.iter().take(MAX_VARIABLES);
    environment
        .filter_map(|(name, value)| {
            if name == "SSH_AUTH_SOCK" && !value.is_empty() {
                return Some(Credential {
                    kind: "sockets",
                    what: "SSH agent",
                    opens: "hosts by SSH".to_owned(),
                    guard: Guard::Keeper,
                    life: Life::Unknown,
                    ..credential(name)
                });
            }
            let text = std::str::from_utf8(value).ok()?;
            let public = name.ends_with("ACCESS_KEY_ID");
            if public || !is_credential_name(name) || !is_real(name, text) {
                return None;
            }
            let service = of_name(name);
            let (life, end) = match end::of_value(value) {
                (Life::Unknown, None) if name.starts_with("AWS_") && of_session => (Life::Short, None),
                (_, _) => end::of_kept(value),
            };
            Some(Credential {
                life,
                expires_at: end,
                opens: service.map_or("", |service| service.opens).to_owned(),
                instead: service.and_then(|service| service.instead),
                mark: Some(marker.mark(value)),
                ..credential(name)
            })
        })
        .collect()
}

fn credential(name: &str) -> Credential {
    Credential {
        kind: "environment",
        what: "variable",
        place: PathBuf::from("environment"),
        line: 0,
        name: name.chars().take(200).collect(),
        opens: String::new(),
        changed_at: None,
        made_at: None,
        expires_at: None,
        life: Life::Unknown,
        guard: Guard::None,
        mark: None,
        others_read: false,
        instead: None,
    }
}
