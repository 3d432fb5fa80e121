//! What is dead after the end: the process tree, the task's hook socket, and every writ of it.

use std::io::Write as _;
use std::process::Stdio;

use tokio::runtime::Handle;
use writ_control::api::ErrorCode;
use writ_control::api::client::{Client as Office, ClientError};
use writ_control::api::message::{TaskEnd, TaskOpen, WritRenew};
use writ_model::{CloseCause, TaskId, TaskKind};

use super::cast::Cast;
use super::house::House;
use crate::failure::{Failure, Kind};

/// What was tried after the end, and how it went.
pub(super) struct Afterwards {
    /// The hook process, asked once more for a call that was allowed before.
    pub(super) hook: Hook,
    pub(super) writ: Renewal,
}

/// An answer of the hook process.
pub(super) struct Hook {
    pub(super) code: Option<i32>,
    pub(super) text: String,
}

/// How renewing a writ went, while its task was open and after it was closed.
pub(super) struct Renewal {
    pub(super) while_open: bool,
    pub(super) after_close: Option<ErrorCode>,
}

/// Asks a dead task's socket, and uses a dead writ.
pub(super) fn afterwards(
    house: &House,
    cast: &Cast,
    task: TaskId,
    runtime: &Handle,
) -> Result<Afterwards, Failure> {
    Ok(Afterwards { hook: ask_hook(house, cast, task)?, writ: runtime.block_on(renew(house, cast))? })
}

// === impl Hook ===

impl Hook {
    /// Whether the client would let the call run.
    pub(super) fn refuses(&self) -> bool {
        self.code == Some(2) || (self.code == Some(0) && self.text.contains("\"deny\""))
    }
}

fn ask_hook(house: &House, cast: &Cast, task: TaskId) -> Result<Hook, Failure> {
    let socket = house.state().runs().join(task.to_string()).join("hook.sock");
    let socket = socket.to_string_lossy().into_owned();
    let client = cast.client().name();
    let event = if client == "gemini-cli" { "BeforeTool" } else { "PreToolUse" };
    let payload = serde_json::json!({
        "session_id": "after-the-end", "cwd": house.repo(), "hook_event_name": event,
        "tool_name": "Bash", "tool_input": {"command": "cat README.md"}, "tool_use_id": "late",
    });
    let mut command = house.writ(&["hook", client, event, "--socket", &socket, "--deadline", "10"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook that refuses early stops reading.
        let _ = stdin.write_all(payload.to_string().as_bytes());
    }
    let output = child.wait_with_output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok(Hook { code: output.status.code(), text: String::from_utf8_lossy(&text).into_owned() })
}

/// The supervisor showed its writ to nobody, so the demo takes one for a small task of its own, uses it, closes the task
/// and uses it again.
async fn renew(house: &House, cast: &Cast) -> Result<Renewal, Failure> {
    let office = Office::connect(&house.state().control_socket()).await?;
    let opened = office
        .call(TaskOpen {
            agent: cast.agent().to_owned(),
            client: cast.client(),
            kind: TaskKind::Review,
            intent: "see how long a writ lives".to_owned(),
            workspace: house.repo().to_string_lossy().into_owned(),
            limits: None,
            handed_over: Vec::new(),
            weakened: Vec::new(),
            client_sandbox_off: None,
            bounds: None,
        })
        .await?;
    let while_open = office.call(WritRenew { writ: opened.writ.clone() }).await;
    let writ = while_open.as_ref().map_or_else(|_| opened.writ.clone(), |renewed| renewed.writ.clone());
    office.call(TaskEnd { writ: writ.clone(), cause: CloseCause::Finished }).await?;
    let after_close = match office.call(WritRenew { writ }).await {
        Ok(_) => None,
        Err(ClientError::Refused(refused)) => Some(refused.code),
        Err(error) => return Err(Failure::new(Kind::Broken, error)),
    };
    Ok(Renewal { while_open: while_open.is_ok(), after_close })
}
