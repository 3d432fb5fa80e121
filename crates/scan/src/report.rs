//! What a scan found, as reports: the JSON of `writ scan --json`, one object a file.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::autonomy::{Answer, Autonomy};
use crate::ci::gitlab::GitlabAgent;
use crate::ci::{AgentStep, Call, CallSecrets, Gate};
use crate::credential::Credential;
use crate::detour::DetourKind;
use crate::finding::{Finding, findings};
use crate::identity_code::Identity;
use crate::machine::{Extension, Process, Program};
use crate::server::{Server, Transport};
use crate::session::Sessions;
use crate::survey::{Found, Level};
use crate::walk::Note;

/// Version of the objects.
pub const VERSION: u32 = 1;

/// JSON as it is printed: what could turn lines around, end them or steer a terminal stands as `\\uXXXX`, in names and
/// texts of others too. Such characters stand in strings only, where that means the same.
pub fn printed(value: &Value) -> String {
    let plain = value.to_string();
    let mut text = String::with_capacity(plain.len());
    for letter in plain.chars() {
        let steers = matches!(letter, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if steers {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(letter);
        }
    }
    text
}

/// A path as text. Of one that is no UTF-8, the bytes that are none and `%` stand as `%XX`, so that no two such paths read alike.
pub fn path_text(path: &Path) -> Cow<'_, str> {
    if let Some(text) = path.to_str() {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
    }
    Cow::Owned(text)
}

/// The bytes of a path that is no UTF-8, in hexadecimal: what tells it from one whose name is spelled as [`path_text`] says.
pub fn odd_bytes(path: &Path) -> Option<String> {
    let bytes = path.as_os_str().as_encoded_bytes();
    path.to_str().is_none().then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// One file of a tool. Never the value of a credential.
///
/// Of a workflow, `agent_names` holds names of tools and `agent_steps` what is known of each step, wherever it lies. `agents`
/// is older and is one or the other, as programs came to read it: the names where a forge would run the workflow, the steps
/// elsewhere.
pub fn file(found: &Found) -> Value {
    let mut object = plain(found);
    if let (Value::Object(object), Some(workflow)) = (&mut object, &found.workflow) {
        let steps: Vec<Value> = workflow.agents.iter().map(step).collect();
        let mut names: BTreeSet<&str> = workflow.agents.iter().map(|step| step.agent).collect();
        names.extend(workflow.calls.iter().flat_map(|call| call.agents.iter()));
        let installed = found.path.parent().is_some_and(|folder| {
            [".github/workflows", ".gitea/workflows", ".forgejo/workflows"]
                .iter()
                .any(|place| folder.ends_with(place))
        });
        object.insert("agent_names".to_owned(), json!(names));
        object.insert("agents".to_owned(), if installed { json!(names) } else { json!(steps) });
        object.insert("agent_steps".to_owned(), json!(steps));
        object.insert(
            "triggers".to_owned(),
            workflow.triggers.iter().map(|trigger| trigger.name.clone()).collect(),
        );
        let untrusted: Vec<&str> = workflow.untrusted().map(|trigger| trigger.name.as_str()).collect();
        object.insert("untrusted_triggers".to_owned(), json!(untrusted));
        object.insert("gate".to_owned(), json!(workflow.gate.name()));
        object.insert("untrusted_privileged_start".to_owned(), json!(workflow.outsider_start));
        object.insert("calls".to_owned(), workflow.calls.iter().map(call).collect());
        object.insert(
            "escalators".to_owned(),
            workflow
                .escalators
                .iter()
                .map(|step| {
                    json!({
                        "job": step.job, "line": step.line, "name": step.name, "gives": step.gives,
                    })
                })
                .collect(),
        );
    }
    if let (Value::Object(object), Some(pipeline)) = (&mut object, &found.gitlab) {
        let names: BTreeSet<&str> = pipeline.agents.iter().map(|job| job.agent).collect();
        object.insert("agent_names".to_owned(), json!(names));
        object.insert("agents".to_owned(), json!(names));
        object.insert("agent_steps".to_owned(), pipeline.agents.iter().map(gitlab_job).collect());
        let triggers: BTreeSet<&String> = pipeline.agents.iter().flat_map(|job| &job.sources).collect();
        object.insert("triggers".to_owned(), json!(triggers));
        object.insert("untrusted_triggers".to_owned(), json!([]));
        object.insert("gate".to_owned(), json!(Gate::NotApplicable.name()));
        object.insert("untrusted_privileged_start".to_owned(), json!(false));
        object.insert("includes_elsewhere".to_owned(), json!(pipeline.elsewhere));
    }
    if let (Value::Object(object), false) = (&mut object, found.identities.is_empty()) {
        object.insert("identities".to_owned(), found.identities.iter().map(identity).collect());
    }
    if let Value::Object(object) = &mut object {
        if let Some(bytes) = odd_bytes(&found.path) {
            object.insert("file_bytes".to_owned(), json!(bytes));
        }
        object.insert("autonomy".to_owned(), autonomy(&Autonomy::of(found)));
        object.insert("findings".to_owned(), findings(found).iter().map(finding).collect());
    }
    object
}

fn gitlab_job(job: &GitlabAgent) -> Value {
    json!({
        "job": job.job,
        "line": job.line,
        "file": job.file,
        "agent": job.agent,
        "runs": job.runs,
        "secrets_agent_step": job.secrets,
        "id_token_write": !job.id_tokens.is_empty(),
        "on_merge_request": job.sources.contains("merge_request_event"),
        "triggers": job.sources,
        "manual": job.manual,
        "protected": job.protected,
        "environment": job.environment,
        "runner_tags": job.tags,
        "own_runner": job.own_runner,
        "untrusted_content_in_prompt": job.untrusted_prompt.is_some(),
        "approval_level": job.approval.level().name(),
    })
}

fn identity(identity: &Identity) -> Value {
    json!({
        "kind": identity.kind.name(),
        "name": identity.name,
        "line": identity.line,
        "rights": identity.rights,
        "breadth": identity.breadth.name(),
    })
}

/// How far an agent acts by itself: a level, and three answers with what gives them. The level is null where something
/// could not be read, and never less than `at_least`.
pub fn autonomy(autonomy: &Autonomy) -> Value {
    json!({
        "level": (!autonomy.unknown).then(|| autonomy.level()),
        "at_least": autonomy.level(),
        "actions": answer(&autonomy.actions),
        "tools": answer(&autonomy.tools),
        "timing": answer(&autonomy.timing),
    })
}

fn answer(answer: &Answer) -> Value {
    let because: Vec<Value> =
        answer.because.iter().map(|(line, why)| json!({"line": line, "why": why})).collect();
    json!({"degree": answer.degree.name(), "because": because})
}

/// One thing to look at, without its path.
pub fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.id,
        "severity": finding.rule.severity.name(),
        "line": finding.line,
        "message": finding.message,
        "key": finding.key,
    })
}

/// The same with its path, as `place`.
pub fn placed(one: &Finding) -> Value {
    let mut object = finding(one);
    if let Value::Object(object) = &mut object {
        object.insert("place".to_owned(), json!(path_text(&one.path)));
    }
    object
}

/// Something that was passed by.
pub fn note(note: &Note) -> Value {
    json!({"v": VERSION, "note": note.why.to_string(), "at": path_text(&note.relative)})
}

/// One credential. Times are RFC 3339, or null where nothing says them.
fn credential(credential: &Credential) -> Value {
    json!({
        "kind": credential.kind,
        "what": credential.what,
        "place": path_text(&credential.place),
        "line": credential.line,
        "name": credential.name,
        "opens": credential.opens,
        "changed_at": credential.changed_at,
        "made_at": credential.made_at,
        "expires_at": credential.expires_at,
        "life": credential.life.name(),
        "guard": credential.guard.name(),
        "mark": credential.mark,
        "others_read": credential.others_read,
        "short_lived_form": credential.instead,
    })
}

/// What is on the machine beside files of tools.
pub fn machine(
    programs: &[Program],
    extensions: &[Extension],
    processes: &[Process],
    credentials: &[Credential],
    looked_at: &[Finding],
    sessions: &[Sessions],
) -> Value {
    json!({
        "v": VERSION,
        "credentials": credentials.iter().map(credential).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(|one| json!({
            "tool": one.tool, "workspace": one.workspace, "here": one.here, "sessions": one.count,
            "first_at": one.first_at, "last_at": one.last_at,
        })).collect::<Vec<_>>(),
        "findings": looked_at.iter().map(placed).collect::<Vec<_>>(),
        "programs": programs.iter().map(|program| json!({
            "tool": program.tool, "path": path_text(&program.path),
        })).collect::<Vec<_>>(),
        "extensions": extensions.iter().map(|extension| json!({
            "tool": extension.tool, "id": extension.id, "version": extension.version, "editor": extension.editor,
        })).collect::<Vec<_>>(),
        "processes": processes.iter().map(|process| json!({
            "tool": process.tool, "pid": process.id, "credential_env": process.credential_names,
            "bypass": process.bypass,
        })).collect::<Vec<_>>(),
    })
}

fn step(step: &AgentStep) -> Value {
    json!({
        "job": step.job,
        "step_index": step.step_index,
        "line": step.line,
        "agent": step.agent,
        "runs": step.runs,
        "pinned": step.pinned,
        "token_source": step.token.source.name(),
        "scopes": step.token.scopes,
        "write_all": step.token.all,
        "write_scopes": step.token.writes().collect::<Vec<_>>(),
        "id_token_write": step.token.id_token(),
        "secrets_agent_step": step.secrets,
        "secrets_handed_on": step.handed,
        "secrets_of_checkout": step.left,
        "checks_out_pr_head": step.checks_out_head.is_some(),
        "persists_credentials": step.persists_credentials,
        "environment": step.environment,
        "self_hosted": step.self_hosted.is_some(),
        "open_user_gate": step.open_to_all.is_some(),
        "untrusted_content_in_prompt": step.untrusted_prompt.is_some(),
        "outsider_by": step.outsider_by,
        "gate": step.gate.name(),
        "approval_level": step.approval.level().name(),
    })
}

fn call(call: &Call) -> Value {
    json!({
        "job": call.job,
        "line": call.line,
        "workflow": call.path,
        "elsewhere": call.elsewhere,
        "agents": call.agents,
        "secrets": match &call.secrets {
            CallSecrets::All => json!("inherit"),
            CallSecrets::Some(names) => json!(names),
        },
        "outsider": call.outsider,
    })
}

fn plain(found: &Found) -> Value {
    json!({
        "v": VERSION,
        "file": path_text(&found.path),
        "tool": found.tool,
        "kind": found.kind.name(),
        "level": found.level.name(),
        "mcp_servers": found.servers.iter().map(server).collect::<Vec<_>>(),
        "credential_env": found.credential_names,
        "hardcoded_credentials": !found.hard_coded.is_empty(),
        "hardcoded_at": found.hard_coded.iter().map(|at| json!({"name": at.name, "line": at.line})).collect::<Vec<_>>(),
        "approval_level": found.approval.level().name(),
        "approval_evidence": found.approval.evidence.iter().map(|evidence| json!({
            "level": evidence.level.name(),
            "line": evidence.line,
            "text": evidence.text,
        })).collect::<Vec<_>>(),
        "has_hooks": !found.hooks.is_empty(),
        "hooks": found.hooks.iter().map(|hook| json!({"event": hook.event, "line": hook.line, "programs": hook.programs})).collect::<Vec<_>>(),
        "plugins": found.plugins,
        "detours": found.detours.iter().map(|one| json!({"kind": one.kind.name(), "line": one.line, "text": one.text})).collect::<Vec<_>>(),
        "unread": found.unread.as_ref().map(|unread| json!({"line": unread.line, "why": unread.why})),
    })
}

fn server(server: &Server) -> Value {
    json!({
        "name": server.name,
        "line": server.line,
        "transport": server.transport.name(),
        "command": server.command,
        "package": server.package.as_ref().map(|package| &package.spelling),
        "pinned": server.package.as_ref().map(|package| package.pinned),
        "url_host": server.host,
        "credential_env": server.credential_names,
        "auto_approve_tools": server.approved_tools,
        "disabled": server.disabled,
        "hardcoded_credential": !server.hard_coded.is_empty(),
    })
}

// === impl DetourKind ===

impl DetourKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Folders => "folders",
            Self::Helper => "helper",
            Self::Model => "model",
        }
    }
}

// === impl Transport ===

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sse => "sse",
            Self::Stdio => "stdio",
        }
    }
}

// === impl Level ===

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Project => "project",
            Self::User => "user",
        }
    }
}
