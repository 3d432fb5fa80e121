//! The facts of the story: what had to be, what was, and whether that is the same.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::record::Decided;
use super::teller::{Teller, Tone};
use crate::failure::Failure;
use crate::screen;

/// Everything that `--json` prints, and what the exit code depends on.
#[derive(Serialize)]
pub(super) struct Facts {
    ok: bool,
    /// A scripted client played a recorded session; this says nothing about a real client.
    rehearsal: bool,
    /// Why it is a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
    client: &'static str,
    agent: String,
    owner: String,
    task: String,
    calls: Vec<Call>,
    facts: Vec<Fact>,
    /// Where everything lies; nothing when it is gone.
    folder: Option<PathBuf>,
    millis: u64,
}

/// One decision of the ledger.
#[derive(Serialize)]
pub(super) struct Call {
    entry: String,
    call: String,
    operation: String,
    effects: Vec<&'static str>,
    verdict: &'static str,
    reason: &'static str,
    policies: Vec<String>,
    approval: Option<String>,
    action: String,
    wanted: String,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    expected: String,
    seen: String,
    held: bool,
}

/// Who and what the facts are about.
pub(super) struct About {
    pub(super) rehearsal: Option<&'static str>,
    pub(super) client: &'static str,
    pub(super) agent: String,
    pub(super) owner: String,
    pub(super) folder: Option<PathBuf>,
}

// === impl Call ===

impl From<&Decided> for Call {
    fn from(decided: &Decided) -> Self {
        let Decided { entry, call, operation, effects, decision, approval, action, arguments: _, wanted } =
            decided;
        Self {
            entry: entry.clone(),
            call: call.to_string(),
            operation: operation.clone(),
            effects: effects.iter().map(|effect| effect.name()).collect(),
            verdict: decision.verdict.name(),
            reason: decision.reason.name(),
            policies: decision.policies.iter().map(ToString::to_string).collect(),
            approval: approval.map(|approval| approval.to_string()),
            action: action.to_string(),
            wanted: wanted.clone(),
        }
    }
}

// === impl Facts ===

impl Facts {
    pub(super) fn about(about: About) -> Self {
        let About { rehearsal, client, agent, owner, folder } = about;
        Self {
            ok: false,
            rehearsal: rehearsal.is_some(),
            because: rehearsal,
            client,
            agent,
            owner,
            task: String::new(),
            calls: Vec::new(),
            facts: Vec::new(),
            folder,
            millis: 0,
        }
    }

    pub(super) fn did(&mut self, task: String, calls: Vec<Call>) {
        self.task = task;
        self.calls = calls;
    }

    /// Notes what had to be and what was.
    pub(super) fn check(&mut self, name: &'static str, expected: impl Into<String>, seen: impl Into<String>) {
        let (expected, seen) = (expected.into(), seen.into());
        let held = expected == seen;
        self.facts.push(Fact { name, expected, seen, held });
    }

    pub(super) fn all_held(&self) -> bool {
        !self.facts.is_empty() && self.facts.iter().all(|fact| fact.held)
    }

    /// The last words: the object, or how it went and where to look next.
    pub(super) fn tell(mut self, teller: &mut Teller, took: Duration) -> Result<(), Failure> {
        self.ok = self.all_held();
        self.millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if teller.json {
            screen::json(&self)?;
            return Ok(());
        }
        if !self.ok {
            teller.part("NOT as it should be")?;
            for Fact { name, expected, seen, .. } in self.facts.iter().filter(|fact| !fact.held) {
                teller.fact(Tone::Stopped, "differs", name)?;
                teller.also(format_args!("expected {expected}; seen {seen}"))?;
            }
        }
        teller.part("where to look next")?;
        if let Some(folder) = &self.folder {
            teller.note(format_args!("  this demo's own folder              {}", folder.display()))?;
        }
        for (what, how) in [
            ("your own client under a writ", "writ run --kind feature --task \"…\" -- claude"),
            ("answer what waits", "writ approvals watch"),
            ("what was refused, and why", "writ audit search --denied"),
            ("what this machine can enforce", "writ doctor"),
            ("what each client lets us stop", "docs/coverage.md; all promises: SPECIFICATION.md"),
        ] {
            teller.note(format_args!("  {what:<35} {how}"))?;
        }
        let held = self.facts.iter().filter(|fact| fact.held).count();
        let all = self.facts.len();
        teller.note(format_args!("\n{held} of {all} facts held, in {:.1} s", took.as_secs_f64()))?;
        if self.rehearsal {
            teller.note(
                "It was a rehearsal: a scripted client, a real everything else. It tests no real client.",
            )?;
        }
        Ok(())
    }
}
