//! What Cedar's validator has against policies, each by itself.

use cedar_policy::{Policy, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use super::{STACK_BYTES, Severity};

/// How many threads validate, and how many policies are worth one.
const THREADS: usize = 8;
const ON_ONE_THREAD: usize = 250;

/// What Cedar's validator has against a policy.
pub(super) struct Complaint {
    pub severity: Severity,
    /// The policy's id, with its layer.
    pub policy: String,
    pub message: String,
    pub help: Option<String>,
}

/// Validates policies, each by itself, on as many threads as the machine has room for.
pub(super) fn complaints(policies: &[&Policy], schema: &Schema) -> Vec<Complaint> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS);
    let each = policies.len().div_ceil(threads).max(ON_ONE_THREAD);
    let unread = |policies: &[&Policy]| Complaint {
        severity: Severity::Error,
        policy: policies.first().map(|policy| policy.id().to_string()).unwrap_or_default(),
        message: "the policies from this one on could not be validated".to_owned(),
        help: None,
    };
    std::thread::scope(|scope| {
        let spawn = |part| {
            let thread = std::thread::Builder::new().name("validate".to_owned()).stack_size(STACK_BYTES);
            (part, thread.spawn_scoped(scope, move || complaints_here(part, schema)))
        };
        let running: Vec<_> = policies.chunks(each).map(spawn).collect();
        let told = |(part, thread): (&[&Policy], std::io::Result<std::thread::ScopedJoinHandle<'_, _>>)| {
            let found = thread.ok().and_then(|thread| thread.join().ok()).flatten();
            found.unwrap_or_else(|| vec![unread(part)])
        };
        running.into_iter().flat_map(told).collect()
    })
}

/// None where Cedar will not have them together.
fn complaints_here(policies: &[&Policy], schema: &Schema) -> Option<Vec<Complaint>> {
    let set = PolicySet::from_policies(policies.iter().copied().cloned()).ok()?;
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| Complaint {
        severity: Severity::Error,
        policy: error.policy_id().to_string(),
        message: error.to_string(),
        help: error.help().map(|help| help.to_string()),
    });
    let warnings = result.validation_warnings().map(|warning| Complaint {
        severity: Severity::Warning,
        policy: warning.policy_id().to_string(),
        message: warning.to_string(),
        help: warning.help().map(|help| help.to_string()),
    });
    Some(errors.chain(warnings).collect())
}
