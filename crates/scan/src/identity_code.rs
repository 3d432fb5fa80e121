//! Code that makes identities or gives them rights: Terraform, CloudFormation, policies of AWS, RBAC of Kubernetes,
//! pipelines of forges, and manifests of applications that ask for OAuth scopes. Read as data; no provider is asked, and nothing is evaluated:
//! what a variable or a module brings is not seen.

use crate::document::{self, Node, Notation};

mod application;
mod aws;
mod chart;
mod kubernetes;
mod terraform;
mod workflow;

#[cfg(test)]
mod tests;

/// One identity, or one right of one, that a line of code makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    pub kind: IdentityKind,
    pub line: u32,
    /// As the code calls it.
    pub name: String,
    /// What it may do, or who may become it; in the words of the platform.
    pub rights: Vec<String>,
    pub breadth: Breadth,
}

/// What is made.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum IdentityKind {
    /// A key that opens one repository.
    DeployKey,
    /// Scopes that people or administrators consent to.
    OauthGrant,
    /// Rights for whoever holds them.
    Policy,
    /// A principal is given a role.
    RoleBinding,
    /// A principal that is no person.
    ServicePrincipal,
    /// A credential that lasts until somebody takes it away.
    StandingCredential,
    /// Who may become a principal.
    TrustPolicy,
}

/// How far it goes.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Breadth {
    /// What is listed.
    #[default]
    Listed,
    /// All of some kind, by a wildcard or a role that holds more than its use.
    Wildcard,
    /// Everything, or the right to give oneself everything.
    Administrator,
    /// Anybody may become or use it.
    Anybody,
}

/// Most identities told of one file.
const MAX_IDENTITIES: usize = 2_000;
/// Most rights kept of one identity, and the length of each in characters.
const MAX_RIGHTS: usize = 40;
const MAX_RIGHT: usize = 160;
/// Parts of file names that speak of rights.
const NAMES: &[&str] = &[
    "appsscript",
    "app-manifest",
    "cfn",
    "cloudformation",
    "iam",
    "infra",
    "permission",
    "policy",
    "policies",
    "rbac",
    "role",
    "service-account",
    "serviceaccount",
    "slack-manifest",
    "slack_manifest",
    "stack",
    "template",
    "trust",
];
/// Folders in which files speak of rights, whatever they are called.
const FOLDERS: &[&str] = &[
    "argocd",
    "base",
    "cfn",
    "chart",
    "charts",
    "cloudformation",
    "deploy",
    "deployment",
    "deployments",
    "gitops",
    "helm",
    "iam",
    "infra",
    "infrastructure",
    "k8s",
    "kubernetes",
    "kustomize",
    "manifests",
    "overlays",
    "policies",
    "rbac",
    "sam",
    "stacks",
    "templates",
];
/// Endings of files of data.
const ENDINGS: [&str; 4] = ["json", "template", "yaml", "yml"];
/// Short names that files of Kubernetes have, alone or after a dash.
const SHORT: &[&str] = &["crb", "rb", "sa"];
/// A text without any of these makes no identity, and is not read further.
const WORDS: &[&str] = &[
    "AWS::IAM::",
    "AWS::Serverless::Function",
    "Statement",
    "default_permissions",
    "oauthScopes",
    "oauth_config",
    "rbac.authorization.k8s.io",
    "ServiceAccount",
    "service-account-token",
];
/// Those of them that stand for nothing else.
const SURE: &[&str] = &["AWS::IAM::", "rbac.authorization.k8s.io"];

// === impl IdentityKind ===

impl IdentityKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::DeployKey => "deploy-key",
            Self::OauthGrant => "oauth-grant",
            Self::Policy => "policy",
            Self::RoleBinding => "role-binding",
            Self::ServicePrincipal => "service-principal",
            Self::StandingCredential => "standing-credential",
            Self::TrustPolicy => "trust-policy",
        }
    }
}

// === impl Breadth ===

impl Breadth {
    pub fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Wildcard => "wildcard",
            Self::Administrator => "administrator",
            Self::Anybody => "anybody",
        }
    }
}

/// Identities of one file, in the order of its lines.
#[derive(Debug, Default)]
struct Identities(Vec<Identity>);

// === impl Identities ===

impl Identities {
    fn add(
        &mut self,
        kind: IdentityKind,
        line: u32,
        name: impl Into<String>,
        rights: impl IntoIterator<Item = String>,
        breadth: Breadth,
    ) {
        if self.0.len() < MAX_IDENTITIES {
            let short = |text: String| text.chars().take(MAX_RIGHT).collect::<String>();
            let rights = rights.into_iter().take(MAX_RIGHTS).map(short).collect();
            self.0.push(Identity { kind, line, name: short(name.into()), rights, breadth });
        }
    }
}

/// Whether a file by this name could make identities. Asked of every entry of a walk, so it looks at names only.
pub(crate) fn is_wanted<S: AsRef<str>>(folders: &[S], name: &str) -> bool {
    if is_terraform(name) {
        return true;
    }
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    if !ENDINGS.contains(&ending) {
        return false;
    }
    let stem = stem.to_ascii_lowercase();
    NAMES.iter().any(|part| stem.contains(part))
        || stem.rsplit(['-', '_', '.']).next().is_some_and(|last| SHORT.contains(&last))
        || ending == "template"
        || folders.iter().any(|folder| FOLDERS.contains(&folder.as_ref()))
}

/// Whether a file by this name holds data in a notation that identities are made in.
pub(crate) fn is_data(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

fn is_terraform(name: &str) -> bool {
    [".tf", ".tf.json", ".tofu"].iter().any(|ending| name.ends_with(ending))
}

/// What a file makes, and why there may be more in it. Files that are not Terraform's may be anything, so that what cannot be read
/// of them is told where they surely speak of identities only.
pub fn identities(name: &str, bytes: &[u8]) -> (Vec<Identity>, Option<String>) {
    let mut out = Identities::default();
    let mut problem = None;
    if is_terraform(name) {
        let notation = if name.ends_with(".json") { Notation::Json } else { Notation::Hcl };
        match document::parse(bytes, notation) {
            Ok(document) => terraform::read(&document, &mut out),
            Err(error) => problem = Some(error.to_string()),
        }
    } else if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| has_any(text, WORDS)) {
        let (documents, refused) = if name.ends_with(".json") {
            let document = document::parse(bytes, Notation::Json);
            let refused = usize::from(document.is_err());
            (document.into_iter().collect(), refused)
        } else {
            document::parse_stream(chart::plain(text).as_bytes())
        };
        if refused > 0
            && (has_any(text, SURE) || (text.contains("\"Statement\"") && text.contains("\"Effect\"")))
        {
            problem = Some("it speaks of identities, and not all of it can be read".to_owned());
        }
        for document in &documents {
            any(document, &mut out);
        }
    }
    out.0.sort_by_key(|identity| identity.line);
    (out.0, problem)
}

/// What a pipeline of a forge makes or becomes.
pub(crate) fn of_workflow(document: &Node) -> Vec<Identity> {
    let mut out = Identities::default();
    workflow::read(document, &mut out);
    out.0.sort_by_key(|identity| identity.line);
    out.0
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// What a document is shows in its shape, and not in its name.
fn any(document: &Node, out: &mut Identities) {
    if document.get("apiVersion").is_some() && document.get("kind").is_some() {
        kubernetes::read(document, out);
    } else if document.get("Resources").is_some_and(Node::is_map) {
        aws::template(document, out);
    } else if document.get("Statement").is_some() {
        aws::policy("policy", document, document.line, out);
    } else {
        application::read(document, out);
    }
}
