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
    /// It gives rights, and does not only leave something behind.
    pub widens: bool,
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

/// First words of commands, and what each leaves in the job.
const COMMANDS: &[(&str, &str)] = &[
    ("aws ecr get-login-password", "leaves a registry's login on the runner"),
    ("aws sts assume-role", "takes on another role in AWS"),
    ("az login", "logs the job in to Azure; each later step acts as that principal"),
    ("docker login", "leaves a registry's login on the runner"),
    ("docker run --privileged", "starts a container that has the whole machine"),
    (
        "gcloud auth activate-service-account",
        "logs the job in to Google Cloud; each later step acts as that account",
    ),
    ("gcloud auth login", "logs the job in to Google Cloud; each later step acts as that account"),
    ("gh auth login", "logs the job in to the forge with a token of its own"),
    ("op read", "fetches secrets from 1Password"),
    ("podman login", "leaves a registry's login on the runner"),
    ("ssh-add", "loads an SSH key into an agent that each later step can use"),
    ("vault login", "logs the job in to Vault"),
    ("vault write auth/", "logs the job in to Vault"),
];
/// Parts of a container's options and volumes, and what each gives to whatever runs in it.
const CONTAINER: &[(&str, &str)] = &[
    ("--cap-add=all", "gives the job's container the whole machine"),
    ("--cap-add=sys_admin", "gives the job's container the whole machine"),
    ("--cap-add sys_admin", "gives the job's container the whole machine"),
    ("--cap-add all", "gives the job's container the whole machine"),
    ("--pid=host", "shows the job's container every process of the machine"),
    ("--pid host", "shows the job's container every process of the machine"),
    ("--privileged", "gives the job's container the whole machine"),
    ("containerd.sock", "lets the job start containers that have the whole machine"),
    ("docker.sock", "lets the job start containers that have the whole machine"),
    ("podman.sock", "lets the job start containers that have the whole machine"),
];
/// Beginnings of what only leaves something behind, in place of giving more rights.
const LEAVES: &[&str] = &["fetches ", "leaves ", "loads "];
/// Most commands of one step that are looked at.
const MAX_COMMANDS: usize = 1_000;

/// What a step gives beyond the token, as far as it is known to.
pub(super) fn of_step(job: &str, step: &Node) -> Vec<Escalator> {
    let mut found = Vec::new();
    if let Some(uses) = step.get("uses")
        && let Some(text) = uses.text()
    {
        let name = text.split('@').next().unwrap_or(text).to_ascii_lowercase();
        let known = ACTIONS.iter().find(|(head, _)| name == *head || name.starts_with(&format!("{head}/")));
        found.extend(known.map(|(_, gives)| Escalator::new(job, uses.line, text, gives)));
    }
    if let Some(run) = step.get("run") {
        let script = run.text().unwrap_or("").replace("\\\n", " ");
        for command in script.split(['\n', ';', '|', '&', '(', ')', '`']).take(MAX_COMMANDS) {
            let words: Vec<&str> = command.split_whitespace().skip_while(|word| *word == "sudo").collect();
            let command = words.join(" ");
            let begins = |head: &str| {
                command
                    .strip_prefix(head)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' ') || head.ends_with('/'))
            };
            let known = COMMANDS.iter().filter(|(head, _)| begins(head));
            for (head, gives) in known {
                if !found.iter().any(|other: &Escalator| other.name == *head) {
                    found.push(Escalator::new(job, run.line, head, gives));
                }
            }
        }
    }
    found
}

/// Whether an action makes a token with rights of its own, for later steps to use.
pub(super) fn gives_token(uses: &str) -> bool {
    let name = uses.split('@').next().unwrap_or(uses).to_ascii_lowercase();
    let known = ACTIONS.iter().find(|(head, _)| name == *head || name.starts_with(&format!("{head}/")));
    known.is_some_and(|(_, gives)| gives.contains("token"))
}

/// Whether an action keeps what it is given where later steps find it.
pub(super) fn leaves_login(uses: &str) -> bool {
    let name = uses.split('@').next().unwrap_or(uses).to_ascii_lowercase();
    let known = ACTIONS.iter().find(|(head, _)| name == *head || name.starts_with(&format!("{head}/")));
    known.is_some_and(|(_, gives)| ["later step", "leaves "].iter().any(|part| gives.contains(part)))
}

/// What a job's container and services give to whatever runs in them.
///
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idcontainer>
pub(super) fn of_job(job: &str, node: &Node) -> Vec<Escalator> {
    let mut found: Vec<Escalator> = Vec::new();
    let services = node.get("services").map_or(&[][..], Node::members).iter().map(|member| &member.node);
    for container in node.get("container").into_iter().chain(services) {
        for part in ["options", "volumes"].into_iter().filter_map(|key| container.get(key)) {
            part.each_text(&mut |_, text, line| {
                let lower = text.to_ascii_lowercase();
                for (part, gives) in CONTAINER.iter().filter(|(part, _)| lower.contains(part)) {
                    found.push(Escalator::new(job, line, part, gives));
                }
            });
        }
    }
    found
}

// === impl Escalator ===

impl Escalator {
    fn new(job: &str, line: u32, name: &str, gives: &'static str) -> Self {
        let widens = !LEAVES.iter().any(|head| gives.starts_with(head));
        Self { job: job.to_owned(), line, name: name.to_owned(), gives, widens }
    }
}
