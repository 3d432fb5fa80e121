//! What of all that was found somebody should look at, how soon, and what to do about it.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use crate::approval::ApprovalLevel;
use crate::ci::{Gate, TokenSource};
use crate::detour::{Detour, DetourKind};
use crate::identity_code::{Breadth, IdentityKind};
use crate::secret::{Confidence, FileFinding};
use crate::server::Transport;
use crate::survey::{Found, Level};
use crate::tool::FileKind;

mod registry;
pub(crate) mod rules;

pub use registry::{Look, of_agent};
pub use rules::{RULES, Rule};

/// Most rights told in one finding.
const MOST_RIGHTS: usize = 6;

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Good to know.
    Note,
    Low,
    Medium,
    High,
    Critical,
}

/// One thing to look at.
#[derive(Clone, Debug)]
pub struct Finding {
    pub rule: &'static Rule,
    pub path: PathBuf,
    /// Zero where no file says it.
    pub line: u32,
    pub message: String,
    /// Names the finding from scan to scan, wherever its line moves to: the first half of a SHA-256, in hex, of rule,
    /// path and subject.
    pub key: String,
}

// === impl Severity ===

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 5] = [Self::Note, Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

struct Findings<'a> {
    path: &'a Path,
    found: Vec<Finding>,
}

// === impl Findings ===

impl Findings<'_> {
    fn add(&mut self, rule: &'static Rule, line: u32, subject: &str, message: String) {
        self.found.push(Finding::new(rule, self.path, line, subject, message));
    }
}

// === impl Finding ===

impl Finding {
    /// A finding; `subject` names it among those of its rule and file, and stays when lines move.
    pub(crate) fn new(rule: &'static Rule, path: &Path, line: u32, subject: &str, message: String) -> Self {
        let mut named = Vec::new();
        for part in [rule.id.as_bytes(), path.as_os_str().as_encoded_bytes(), subject.as_bytes()] {
            named.extend((part.len() as u64).to_be_bytes());
            named.extend(part);
        }
        let key =
            digest(&SHA256, &named).as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { rule, path: path.to_owned(), line, message, key }
    }
}

/// Everything to look at in one file, the worst first.
pub fn findings(found: &Found) -> Vec<Finding> {
    let mut out = Findings { path: &found.path, found: Vec::new() };
    for at in &found.hard_coded {
        out.add(
            &rules::HARD_CODED,
            at.line,
            &format!("{} {:03x}", at.name, at.same),
            format!("a credential stands in plain text under `{}`", at.name),
        );
    }
    if found.kind != FileKind::Workflow {
        approvals(found, &mut out);
    }
    if let Some(unread) = &found.unread {
        out.add(
            &rules::UNREAD,
            unread.line,
            "unread",
            format!("{} may do more than is told here: {}", found.tool, unread.why),
        );
    }
    servers(found, &mut out);
    if found.level == Level::Project && !found.hooks.is_empty() {
        let line = found.hooks.first().map_or(1, |hook| hook.line);
        let events: Vec<&str> = found.hooks.iter().map(|hook| hook.event.as_str()).collect();
        out.add(
            &rules::PROJECT_HOOKS,
            line,
            "hooks",
            format!(
                "whoever opens this project with {} runs its commands at {}",
                found.tool,
                events.join(", ")
            ),
        );
    }
    detours(found, &mut out);
    workflow(found, &mut out);
    pipeline(found, &mut out);
    identities(found, &mut out);
    out.found.sort_by(|a, b| b.rule.severity.cmp(&a.rule.severity).then(a.line.cmp(&b.line)));
    out.found
}

fn approvals(found: &Found, out: &mut Findings<'_>) {
    for evidence in &found.approval.evidence {
        if evidence.level == ApprovalLevel::Blanket {
            out.add(
                &rules::BLANKET,
                evidence.line,
                &evidence.text,
                format!("{} runs any command without asking: `{}`", found.tool, evidence.text),
            );
        }
    }
}

fn servers(found: &Found, out: &mut Findings<'_>) {
    for server in found.servers.iter().filter(|server| !server.disabled) {
        if let Some(package) = server.package.as_ref().filter(|package| !package.pinned) {
            out.add(
                &rules::UNPINNED_SERVER,
                server.line,
                &server.name,
                format!(
                    "server `{}` runs whatever version of `{}` is newest at each start",
                    server.name, package.spelling
                ),
            );
        }
        let local = server.host.as_deref().is_none_or(|host| {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "host.docker.internal"].contains(&name)
        });
        if server.plain_http && !local && server.transport != Transport::Stdio {
            out.add(
                &rules::PLAIN_HTTP,
                server.line,
                &server.name,
                format!("server `{}` is called without encryption", server.name),
            );
        }
        if let Some(line) = server.trusted_line {
            out.add(
                &rules::TRUSTED_SERVER,
                line,
                &server.name,
                format!("every tool of server `{}` runs without asking", server.name),
            );
        }
    }
}

fn detours(found: &Found, out: &mut Findings<'_>) {
    let is_project = found.level == Level::Project;
    for Detour { kind, line, text } in &found.detours {
        let tool = found.tool;
        let (rule, message) = match kind {
            DetourKind::Model if is_project => (
                &rules::PROJECT_MODEL,
                format!("{tool} sends its key and all that it says elsewhere: `{text}`"),
            ),
            DetourKind::Model => {
                (&rules::MODEL_HOST, format!("{tool} talks to another model host: `{text}`"))
            }
            DetourKind::Helper if is_project => {
                (&rules::PROJECT_HELPER, format!("{tool} runs a program that the project names in `{text}`"))
            }
            // A program of one's own that gives keys is better than a key in a file.
            DetourKind::Helper => continue,
            DetourKind::Folders => (&rules::WIDE_FOLDERS, format!("{tool} may work there: `{text}`")),
        };
        out.add(rule, *line, text, message);
    }
}

fn workflow(found: &Found, out: &mut Findings<'_>) {
    let Some(workflow) = &found.workflow else { return };
    for step in &workflow.agents {
        let name = format!("{}/{}", step.job, step.step_index);
        if !step.outsider_by.is_empty() && step.is_privileged() {
            out.add(
                &rules::OUTSIDER_STARTS,
                step.line,
                &name,
                format!(
                    "anybody can start {} in job `{}` by {}, with {}",
                    step.agent,
                    step.job,
                    step.outsider_by.join(", "),
                    means(step)
                ),
            );
        }
        if let Some(line) = step.checks_out_head.filter(|_| step.gate > Gate::NotApplicable) {
            out.add(
                &rules::STRANGERS_CODE,
                line,
                &name,
                format!("job `{}` fetches a stranger's code into a run with {}", step.job, means(step)),
            );
        }
        if let Some(line) = step.open_to_all {
            out.add(
                &rules::OPEN_ACTION,
                line,
                &name,
                format!("{} takes orders from everybody in job `{}`", step.agent, step.job),
            );
        }
        if step.token.all {
            let line = step.token.line.unwrap_or(step.line);
            out.add(
                &rules::WRITE_ALL,
                line,
                &name,
                format!("the token beside {} may write everything", step.agent),
            );
        } else if step.token.source == TokenSource::Inherited && !workflow.is_action {
            out.add(
                &rules::INHERITED_TOKEN,
                step.line,
                &name,
                format!("nothing says what the token beside {} in job `{}` may do", step.agent, step.job),
            );
        }
        if let Some(line) =
            step.self_hosted.filter(|_| step.gate > Gate::NotApplicable || runs_for_forks(found))
        {
            out.add(
                &rules::SELF_HOSTED,
                line,
                &name,
                format!("job `{}` runs strangers' work on a runner that keeps state", step.job),
            );
        }
        for evidence in
            step.approval.evidence.iter().filter(|evidence| evidence.level == ApprovalLevel::Blanket)
        {
            out.add(
                &rules::CI_BYPASS,
                evidence.line,
                &format!("{name} {}", evidence.text),
                format!("{} in job `{}` runs any command: `{}`", step.agent, step.job, evidence.text),
            );
        }
        if !step.pinned {
            out.add(
                &rules::UNPINNED_ACTION,
                step.line,
                &name,
                format!("`{}` is not fixed to a commit", step.runs),
            );
        }
        if !step.left.is_empty() {
            let left: Vec<&str> = step.left.iter().map(String::as_str).collect();
            out.add(
                &rules::LEFT_TOKEN,
                step.line,
                &name,
                format!(
                    "the checkout in job `{}` leaves {} where {} can read it",
                    step.job,
                    left.join(", "),
                    step.agent
                ),
            );
        } else if step.persists_credentials && step.token.writes().any(|scope| scope == "contents") {
            out.add(
                &rules::LEFT_TOKEN,
                step.line,
                &name,
                format!(
                    "the checkout in job `{}` leaves a token that may push where {} can read it",
                    step.job, step.agent
                ),
            );
        }
    }
    for call in workflow.calls.iter().filter(|call| call.outsider) {
        let (rule, more) = if call.elsewhere {
            (&rules::UNSEEN_AGENT, ", unless that asks who is there")
        } else {
            (&rules::OUTSIDER_STARTS, "")
        };
        if call.elsewhere && !call.is_privileged {
            continue;
        }
        out.add(
            rule,
            call.line,
            &call.job,
            format!("anybody can start the agents of `{}` through job `{}`{more}", call.path, call.job),
        );
    }
    for step in &workflow.escalators {
        out.add(
            if step.widens { &rules::MORE_RIGHTS } else { &rules::ESCALATOR },
            step.line,
            &format!("{} {}", step.job, step.name),
            format!("`{}` in job `{}` {}", step.name, step.job, step.gives),
        );
    }
}

fn pipeline(found: &Found, out: &mut Findings<'_>) {
    let Some(pipeline) = &found.gitlab else { return };
    for job in &pipeline.agents {
        // A job of another file is told where it stands.
        let path = match (&job.file, top_of(&found.path)) {
            (Some(file), Some(top)) => top.join(file),
            (Some(_) | None, _) => found.path.clone(),
        };
        let mut add = |rule, line, subject: &str, message| {
            out.found.push(Finding::new(rule, &path, line, subject, message));
        };
        for evidence in
            job.approval.evidence.iter().filter(|evidence| evidence.level == ApprovalLevel::Blanket)
        {
            add(
                &rules::CI_BYPASS,
                evidence.line,
                &format!("{} {}", job.job, evidence.text),
                format!("{} in job `{}` runs any command: `{}`", job.agent, job.job, evidence.text),
            );
        }
        let secrets: Vec<&str> = job.secrets.iter().map(String::as_str).collect();
        if !job.protected && !secrets.is_empty() {
            add(
                &rules::CI_ANY_BRANCH,
                job.line,
                &job.job,
                format!("{} runs on any branch in job `{}`, with {}", job.agent, job.job, secrets.join(", ")),
            );
        }
    }
}

/// The folder that a pipeline's own paths begin at.
fn top_of(path: &Path) -> Option<PathBuf> {
    let inner = path
        .ancestors()
        .find(|folder| folder.file_name().is_some_and(|name| name == ".gitlab" || name == ".gitlab-ci"));
    inner.unwrap_or(path).parent().map(Path::to_owned)
}

fn identities(found: &Found, out: &mut Findings<'_>) {
    for made in &found.identities {
        let rule = match made.breadth {
            Breadth::Anybody => &rules::IDENTITY_ANYBODY,
            Breadth::Administrator => &rules::IDENTITY_ADMINISTRATOR,
            Breadth::Wildcard => &rules::IDENTITY_WILDCARD,
            Breadth::Listed if made.kind == IdentityKind::StandingCredential => &rules::STANDING_CREDENTIAL,
            Breadth::Listed => &rules::IDENTITY,
        };
        let rights: Vec<&str> = made.rights.iter().take(MOST_RIGHTS).map(String::as_str).collect();
        let more = if made.rights.len() > MOST_RIGHTS { ", …" } else { "" };
        let said = if rights.is_empty() { String::new() } else { format!(": {}{more}", rights.join(", ")) };
        out.add(
            rule,
            made.line,
            &format!("{} {}", made.kind.name(), made.name),
            match made.name.as_str() {
                "" => format!("{} without a name{said}", made.kind.name()),
                name => format!("{} `{name}`{said}", made.kind.name()),
            },
        );
    }
}

fn runs_for_forks(found: &Found) -> bool {
    found
        .workflow
        .as_ref()
        .is_some_and(|workflow| workflow.triggers.iter().any(|trigger| trigger.name == "pull_request"))
}

/// What is at stake in a step, in words.
fn means(step: &crate::ci::AgentStep) -> String {
    let secrets: Vec<&str> =
        step.secrets.iter().map(String::as_str).filter(|name| *name != "GITHUB_TOKEN").collect();
    let writes: Vec<&str> = step.token.writes().collect();
    let mut means = Vec::new();
    if !secrets.is_empty() {
        means.push(format!("secrets {}", secrets.join(", ")));
    }
    if !step.handed.is_empty() {
        let handed: Vec<&str> = step.handed.iter().map(String::as_str).collect();
        means.push(format!("what steps before hand on of {}", handed.join(", ")));
    }
    if step.token.all {
        means.push("a token that writes everything".to_owned());
    } else if !writes.is_empty() {
        means.push(format!("a token that writes {}", writes.join(", ")));
    } else if step.token.source == TokenSource::Inherited {
        means.push("the default token".to_owned());
    }
    if step.token.id_token() {
        means.push("an identity token".to_owned());
    }
    if means.is_empty() { "nothing of worth".to_owned() } else { means.join(" and ") }
}

/// A secret in a file as something to look at; `nth` counts those that are the same in one file, from zero. Its key stays
/// when its line moves, and is another for another value, but for one in some thousands. Marks are no part of it: they
/// change with their key.
pub fn of_secret(found: &FileFinding, path: &Path, nth: usize) -> Finding {
    let rule = match found.confidence {
        Confidence::High => &rules::SECRET,
        Confidence::Medium => &rules::LIKELY_SECRET,
        Confidence::Low => &rules::POSSIBLE_SECRET,
    };
    let line = u32::try_from(found.place.line).unwrap_or(u32::MAX);
    let message = format!("a credential by rule `{}`, mark {}", found.rule, found.mark);
    Finding::new(rule, path, line, &format!("{} {} {nth}", found.rule, found.same), message)
}
