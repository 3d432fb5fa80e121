//! Which steps run an agent: by the action they use, or by the program they start.

use self::table::{ACTIONS, IMAGES, NOT_AGENTS, PROGRAMS};
use super::text_map;
use crate::approval::Approval;
use crate::bypass::SWITCHES;
use crate::document::Node;

mod command;
mod table;

pub(super) use command::of_script;

/// Further words that switch every question off, wherever they stand in a step.
const BYPASSES: &[&str] =
    &["--approval-mode=yolo", "--approval-mode yolo", "bypassPermissions", "danger-full-access"];

/// An agent in a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Agent {
    pub(super) tool: &'static str,
    pub(super) runs: String,
    pub(super) pinned: bool,
}

/// Whether an action or a program of an agent is named in a text in lower case; short names stand in too many words.
pub(super) fn is_named_in(text: &str) -> bool {
    let programs = PROGRAMS.iter().map(|(program, _, _)| *program).filter(|program| program.len() > 4);
    ACTIONS.iter().map(|(part, _)| *part).chain(programs).any(|name| text.contains(name))
}

/// The agent that a step runs, if it runs one.
pub(super) fn of_step(step: &Node) -> Option<Agent> {
    if let Some(uses) = step.get("uses").and_then(Node::text) {
        // Asking a model once is no agent; giving it the forge's tools is.
        let given = step.at(&["with", "enable-github-mcp"]).is_some_and(Node::is_true);
        if given && uses.starts_with("actions/ai-inference@") {
            return Some(Agent { tool: "ai-inference", runs: uses.to_owned(), pinned: is_commit(uses) });
        }
        return of_action(uses);
    }
    let script = step.get("run").and_then(Node::text)?;
    of_script(script).map(|(tool, runs)| Agent { tool, runs, pinned: true })
}

/// The agent behind an action.
pub(super) fn of_action(uses: &str) -> Option<Agent> {
    let name = uses.split('@').next().unwrap_or(uses);
    let name = name.to_ascii_lowercase();
    if let Some(image) = name.strip_prefix("docker://") {
        let (_, tool) = IMAGES.iter().find(|(part, _)| image.contains(part))?;
        return Some(Agent { tool, runs: uses.to_owned(), pinned: uses.contains("@sha256:") });
    }
    if name.starts_with("./") || name.contains(".github/workflows/") {
        return None;
    }
    if NOT_AGENTS.iter().any(|part| name.contains(part)) {
        return None;
    }
    let (_, tool) = ACTIONS.iter().find(|(part, _)| name.contains(part))?;
    Some(Agent { tool, runs: uses.to_owned(), pinned: is_commit(uses) })
}

/// Whether what is used is named by a commit.
fn is_commit(uses: &str) -> bool {
    let version = uses.rsplit_once('@').map_or("", |(_, version)| version);
    version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What an agent step may do unasked, by its inputs and its script.
pub(super) fn approval(step: &Node) -> Approval {
    let mut approval = Approval::default();
    step.each_text(&mut |key, text, line| {
        // A prompt may speak of flags without setting them.
        if key.contains("prompt") || key == "name" || key == "if" {
            return;
        }
        for bypass in BYPASSES.iter().chain(SWITCHES) {
            if text.contains(bypass) {
                approval.blanket(line, *bypass);
            }
        }
        let lists = ["allowed_tools", "allowedtools", "allowed-tools"];
        if lists.contains(&key) {
            tools(text, line, &mut approval);
        }
        for flag in ["--allowedTools", "--allowed-tools"] {
            for part in text.split(flag).skip(1) {
                let list = part.trim_start_matches(['=', ' ']).lines().next().unwrap_or("");
                let list = match list.strip_prefix(['"', '\'']) {
                    Some(quoted) => quoted.split(['"', '\'']).next().unwrap_or(""),
                    None => list.split(" --").next().unwrap_or(""),
                };
                tools(list, line, &mut approval);
            }
        }
        if key == "settings"
            && let Ok(document) = crate::document::parse(text.as_bytes(), crate::document::Notation::Json)
        {
            for survey in crate::tool::SURVEYS
                .iter()
                .filter(|survey| ["claude-code", "gemini-cli"].contains(&survey.id))
            {
                let mut inner = Approval::default();
                (survey.read)(&document, &mut inner);
                for evidence in inner.evidence {
                    match evidence.level {
                        crate::approval::ApprovalLevel::Blanket => approval.blanket(line, evidence.text),
                        crate::approval::ApprovalLevel::Scoped => approval.scoped(line, evidence.text),
                        crate::approval::ApprovalLevel::None => {}
                    }
                }
            }
        }
    });
    for (key, value) in text_map(step.get("with")) {
        let off = matches!(
            (key.as_str(), value.as_str()),
            ("sandbox", "danger-full-access") | ("safety-strategy", "unsafe")
        );
        if off {
            approval.blanket(step.line, format!("{key}: {value}"));
        }
    }
    approval
}

fn tools(list: &str, line: u32, approval: &mut Approval) {
    let mut depth = 0_usize;
    for entry in list.split(|letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (letter == ',' || letter == '\n')
    }) {
        let entry = entry.trim().trim_matches(['"', '\'']);
        if matches!(entry, "Bash" | "Bash(*)" | "Bash(:*)" | "*") {
            approval.blanket(line, format!("allowed tools: {entry}"));
        } else if !entry.is_empty() {
            approval.scoped(line, format!("allowed tools: {entry}"));
        }
    }
}

/// Whether the action itself refuses accounts without write access at this trigger, and the line that says it does not.
///
/// claude-code-action looks for issues, comments, pull requests and reviews only (its src/entrypoints/prepare.ts);
/// codex-action at every trigger (its action.yml).
pub(super) fn checks_itself(step: &Node, trigger: &str) -> (bool, Option<u32>) {
    let uses = step.get("uses").and_then(Node::text).unwrap_or("").to_ascii_lowercase();
    let name = uses.split('@').next().unwrap_or("");
    let with = step.get("with");
    let input =
        |key: &str| with.and_then(|with| with.get(key)).and_then(|node| Some((node.scalar()?, node.line)));
    if name.ends_with("/claude-code-action") {
        let open = input("allowed_non_write_users")
            .filter(|(users, _)| users.split(',').any(|user| user.trim() == "*"))
            .filter(|_| input("github_token").is_some_and(|(token, _)| !token.is_empty()));
        return (open.is_none() && trigger != "workflow_run", open.map(|(_, line)| line));
    }
    if name.ends_with("/codex-action") {
        let open = input("allow-users").filter(|(users, _)| users.split(',').any(|user| user.trim() == "*"));
        return (open.is_none(), open.map(|(_, line)| line));
    }
    (name.ends_with("opencode/github"), None)
}
