//! Programs as the resources they act on: some work on what is here, some on an account or a deployment far away.

use writ_model::{EffectClass, Resource};

/// Programs that act on a cloud account, and on what runs there.
const CLOUD: &[&str] = &[
    "aws",
    "gcloud",
    "gsutil",
    "bq",
    "az",
    "oci",
    "ibmcloud",
    "aliyun",
    "doctl",
    "hcloud",
    "linode-cli",
    "scw",
];
const DEPLOYMENT: &[&str] = &[
    "kubectl",
    "oc",
    "helm",
    "helmfile",
    "terraform",
    "tofu",
    "terragrunt",
    "pulumi",
    "cdk",
    "sam",
    "serverless",
    "sls",
    "ansible",
    "ansible-playbook",
    "stern",
    "k9s",
    "kubetail",
    "argocd",
    "flux",
    "flyctl",
    "fly",
    "vercel",
    "netlify",
    "heroku",
    "railway",
    "wrangler",
    "eb",
    "nomad",
    "kustomize",
    "skaffold",
    "cap",
    "dokku",
    "firebase",
    "supabase",
    "render",
    "eas",
];

/// Whether a command starts Writ itself.
pub(super) fn is_own_program(program: &str) -> bool {
    let name = program.split_whitespace().next().unwrap_or_default();
    name.rsplit('/').next() == Some("writ")
}

/// A program as the resource it acts on.
pub(super) fn of_program(class: EffectClass, program: String) -> Resource {
    let name = program.split_whitespace().next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or(name);
    let acts_far = match class {
        // Over the network, such programs look at what runs; what changes it has a class of its own.
        EffectClass::Read
        | EffectClass::Network
        | EffectClass::Publish
        | EffectClass::Deploy
        | EffectClass::SecretRead
        | EffectClass::IdentityChange
        | EffectClass::Destructive => true,
        EffectClass::WriteWorkspace
        | EffectClass::BuildTest
        | EffectClass::PackageInstall
        | EffectClass::GitPush
        | EffectClass::EscapeAttempt
        | EffectClass::Unknown => false,
    };
    // What `kubectl` only reads, it reads here: what runs, it asks over the network for.
    let is_local = class == EffectClass::Read && matches!(name, "kubectl" | "oc" | "k");
    let shows_itself = is_local || program.contains("--help") || program.contains("--version");
    if acts_far && !shows_itself && CLOUD.contains(&name) {
        return Resource::CloudAccount { provider: name.to_owned() };
    }
    if acts_far && !shows_itself && DEPLOYMENT.contains(&name) {
        return Resource::Deployment { target: program };
    }
    match class {
        EffectClass::Deploy => Resource::Deployment { target: program },
        EffectClass::IdentityChange => Resource::Identity { what: program },
        EffectClass::Read
        | EffectClass::WriteWorkspace
        | EffectClass::BuildTest
        | EffectClass::Network
        | EffectClass::PackageInstall
        | EffectClass::GitPush
        | EffectClass::Publish
        | EffectClass::SecretRead
        | EffectClass::Destructive
        | EffectClass::EscapeAttempt
        | EffectClass::Unknown => Resource::Command { program },
    }
}
