//! The rehearsal's client: it plays a recorded session of Claude Code through the hooks that `writ run` gives it.
//!
//! It reads its hooks from the settings file that is injected, as the real client does, starts each hook process with
//! the recorded payload, and really does what the answer allows: nothing without a clear yes. What it reports as done is
//! what came of it here, not what was recorded. It never counts as a test of a real client.
//!
//! `session.ndjson` was recorded with Claude Code 2.1.330 on a scripted model: every payload of one session, in order,
//! with the places of the recording put as `@HOME@` and `@REPO@` and the process left behind as `@MARK@`.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::house::House;
use crate::config::read_text;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;

const SESSION: &str = include_str!("session.ndjson");
/// Largest session and settings that are read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The hooks, as they stand in Claude Code's settings.
#[derive(Deserialize)]
struct Settings {
    hooks: std::collections::BTreeMap<String, Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    hooks: Vec<Handler>,
}

#[derive(Deserialize)]
struct Handler {
    command: PathBuf,
    #[serde(default)]
    args: Vec<String>,
}

/// What the hooks say to a call.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Allowed,
    Refused(String),
}

/// What came of a call that was allowed.
struct Done {
    worked: bool,
    stdout: String,
    stderr: String,
}

/// Writes a program named `claude` that plays the session of this house. The session lies in the program itself: nothing
/// else of the house is there inside the sandbox.
pub(super) fn prepare(house: &House) -> Result<PathBuf, Failure> {
    let text = SESSION
        .replace("@HOME@", &house.home().to_string_lossy())
        .replace("@REPO@", &house.repo().to_string_lossy())
        .replace("@MARK@", &house.mark.to_string());
    let program = house.root().join("bin/claude");
    let quoted = |path: &Path| format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"));
    let words = format!(
        "#!/bin/sh\nexec {} demo --play {} -- \"$@\"\n{text}",
        quoted(house.program()),
        quoted(&program)
    );
    house.put(&program, &words)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// Plays a session. `arguments` are what the client would be given.
pub(super) fn play(session: &Path, arguments: &[OsString]) -> Outcome {
    let text = read_text(session, MAX_FILE_BYTES)
        .ok_or_else(|| Failure::usage(format_args!("`{}` is no recorded session", session.display())))?;
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let events = lines.map(serde_json::from_str).collect::<Result<Vec<Map<String, Value>>, _>>()?;
    let hooks = hooks(arguments)?;
    for event in &events {
        match word(event, "hook_event_name") {
            "PreToolUse" => step(&hooks, &events, event)?,
            // What came of a call is told after it, as it was here.
            "PostToolUse" | "PostToolUseFailure" => {}
            "UserPromptSubmit" => {
                if let Answer::Refused(why) = hooks.ask(event, false)? {
                    screen::line(format_args!("the prompt was refused: {why}"))?;
                    return Ok(ExitCode::SUCCESS);
                }
            }
            _ => drop(hooks.ask(event, false)?),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One call: asked, then done and told, or not done.
fn step(hooks: &Settings, events: &[Map<String, Value>], call: &Map<String, Value>) -> Result<(), Failure> {
    let (tool, input) = (word(call, "tool_name"), call.get("tool_input").cloned().unwrap_or_default());
    screen::line(format_args!("{tool} {input}"))?;
    if let Answer::Refused(why) = hooks.ask(call, true)? {
        return Ok(screen::line(format_args!("  refused: {why}"))?);
    }
    let done = carry_out(tool, &input, Path::new(word(call, "cwd")));
    screen::line(format_args!("  done: {}{}", done.stdout, done.stderr))?;
    hooks.ask(&told(events, call, &done), false)?;
    Ok(())
}

/// Does what was allowed.
fn carry_out(tool: &str, input: &Value, cwd: &Path) -> Done {
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    match tool {
        "Bash" => {
            let output = Command::new("sh")
                .args(["-c", text("command")])
                .current_dir(cwd)
                .stdin(Stdio::null())
                .output();
            output.map_or_else(Done::not, |output| Done {
                worked: output.status.success(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            })
        }
        "Write" => std::fs::write(text("file_path"), text("content")).map_or_else(Done::not, |()| Done {
            worked: true,
            stdout: String::new(),
            stderr: String::new(),
        }),
        other => Done::not(format!("the rehearsal has no tool `{other}`")),
    }
}

/// The message after a call: as it was recorded, with what came of it here.
fn told(events: &[Map<String, Value>], call: &Map<String, Value>, done: &Done) -> Map<String, Value> {
    let is_after = |event: &&Map<String, Value>| {
        word(event, "hook_event_name") == "PostToolUse"
            && word(event, "tool_use_id") == word(call, "tool_use_id")
    };
    let mut message = events.iter().find(is_after).unwrap_or(call).clone();
    if done.worked {
        message.insert("hook_event_name".to_owned(), json!("PostToolUse"));
        if let Some(Value::Object(response)) = message.get_mut("tool_response")
            && response.contains_key("stdout")
        {
            response.insert("stdout".to_owned(), json!(done.stdout.trim_end()));
            response.insert("stderr".to_owned(), json!(done.stderr.trim_end()));
        }
        return message;
    }
    message.remove("tool_response");
    message.insert("hook_event_name".to_owned(), json!("PostToolUseFailure"));
    message.insert("error".to_owned(), json!(format!("{}{}", done.stdout, done.stderr)));
    message.insert("is_interrupt".to_owned(), json!(false));
    message
}

/// The hooks of the settings file that the command line names.
fn hooks(arguments: &[OsString]) -> Result<Settings, Failure> {
    let file = arguments.iter().skip_while(|argument| *argument != "--settings").nth(1);
    let text = file.and_then(|file| read_text(Path::new(file), MAX_FILE_BYTES));
    let text =
        text.ok_or_else(|| Failure::new(Kind::Broken, "the rehearsal was given no hooks by `--settings`"))?;
    Ok(serde_json::from_str(&text)?)
}

// === impl Settings ===

impl Settings {
    /// Starts each hook of the event. With `clearly`, silence is a refusal too.
    fn ask(&self, event: &Map<String, Value>, clearly: bool) -> Result<Answer, Failure> {
        let groups = self.hooks.get(word(event, "hook_event_name")).into_iter().flatten();
        let mut allowed = false;
        for handler in groups.flat_map(|group| &group.hooks) {
            let mut child = Command::new(&handler.command)
                .args(&handler.args)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A hook that refuses early stops reading.
                let _ = stdin.write_all(&serde_json::to_vec(event)?);
            }
            let output = child.wait_with_output()?;
            let answer = answer(output.status.code(), &output.stdout, &output.stderr);
            match answer {
                Some(Answer::Allowed) => allowed = true,
                Some(refused @ Answer::Refused(_)) => return Ok(refused),
                None => {}
            }
        }
        if allowed || !clearly {
            return Ok(Answer::Allowed);
        }
        Ok(Answer::Refused("no hook said yes".to_owned()))
    }
}

/// What one hook process says, as the client reads it: nothing when it says neither yes nor no.
fn answer(code: Option<i32>, stdout: &[u8], stderr: &[u8]) -> Option<Answer> {
    let said = || String::from_utf8_lossy(stderr).trim().to_owned();
    if code != Some(0) {
        return Some(Answer::Refused(said()));
    }
    let reply: Value = serde_json::from_slice(stdout).unwrap_or_default();
    let reason = |at: &str| reply.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    if reason("/decision") == "block" {
        return Some(Answer::Refused(reason("/reason")));
    }
    match reason("/hookSpecificOutput/permissionDecision").as_str() {
        "allow" => Some(Answer::Allowed),
        "" => None,
        _ => Some(Answer::Refused(reason("/hookSpecificOutput/permissionDecisionReason"))),
    }
}

fn word<'e>(event: &'e Map<String, Value>, field: &str) -> &'e str {
    event.get(field).and_then(Value::as_str).unwrap_or_default()
}

// === impl Done ===

impl Done {
    fn not(why: impl ToString) -> Self {
        Self { worked: false, stdout: String::new(), stderr: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::turns::{TASK, Turn, turns};

    fn recorded() -> Vec<Map<String, Value>> {
        let text = SESSION.replace("@REPO@", "/w").replace("@MARK@", "7");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_recording_holds_the_turns_that_a_real_client_is_given() {
        let events = recorded();
        let calls = events.iter().filter(|event| word(event, "hook_event_name") == "PreToolUse");
        let calls: Vec<_> = calls
            .map(|call| match call["tool_input"].get("command") {
                Some(command) => command.as_str().unwrap().to_owned(),
                None => format!("{} {}", word(call, "tool_name"), call["tool_input"]),
            })
            .collect();
        let wanted: Vec<_> = turns(Path::new("/w"), 7)
            .into_iter()
            .map(|turn| match turn {
                Turn::Shell { command, .. } => command,
                Turn::Write { path, content } => {
                    format!("Write {}", json!({"file_path": path, "content": content}))
                }
            })
            .collect();
        assert_eq!(calls, wanted);
        let prompt =
            events.iter().find(|event| word(event, "hook_event_name") == "UserPromptSubmit").unwrap();
        assert_eq!(word(prompt, "prompt"), TASK);
        assert_eq!(word(&events[0], "hook_event_name"), "SessionStart");
        assert_eq!(word(events.last().unwrap(), "hook_event_name"), "SessionEnd");
    }

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        let allow = br#"{"hookSpecificOutput":{"permissionDecision":"allow"}}"#;
        let deny = br#"{"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"no"}}"#;
        for (code, stdout, expected) in [
            (Some(0), &allow[..], Some(Answer::Allowed)),
            (Some(0), deny, Some(Answer::Refused("no".into()))),
            (Some(0), br#"{"decision":"block","reason":"no"}"#, Some(Answer::Refused("no".into()))),
            (Some(0), b"", None),
            (Some(0), b"yes", None),
            (Some(2), allow, Some(Answer::Refused("why".into()))),
            (Some(1), b"", Some(Answer::Refused("why".into()))),
            (None, b"", Some(Answer::Refused("why".into()))),
        ] {
            assert_eq!(answer(code, stdout, b"why\n"), expected);
        }
        let nobody = Settings { hooks: std::collections::BTreeMap::new() };
        assert_ne!(nobody.ask(&recorded()[2], true).unwrap(), Answer::Allowed);
    }

    #[test]
    fn what_is_told_is_what_came_of_it_here() {
        let events = recorded();
        let call = events.iter().find(|event| word(event, "hook_event_name") == "PreToolUse").unwrap();
        let worked = Done { worked: true, stdout: "here\n".into(), stderr: String::new() };
        let message = told(&events, call, &worked);
        assert_eq!(message["tool_response"]["stdout"], "here");
        let message = told(&events, call, &Done::not("gone"));
        assert_eq!(
            (word(&message, "hook_event_name"), word(&message, "error")),
            ("PostToolUseFailure", "gone")
        );
    }
}
