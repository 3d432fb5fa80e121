//! `writ scan --probe`: one MCP server, started because a person named it, in a sandbox that shows it the folder and the system and
//! nothing else: no network, no variable of the user's, nothing to write but what ends with it. Its list of tools is a claim.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use writ_sandbox::{Plan, Streams};
use writ_scan::report::path_text;
use writ_scan::server::Transport;
use writ_scan::survey::{command_line, scan_tree};
use writ_scan::walk::WalkOptions;

use super::summary::plain;
use super::unreadable;
use crate::cli::run::{other_hands, yard};
use crate::environment::redacted;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;

/// Longest time that a server has for all answers.
const WITHIN: Duration = Duration::from_secs(20);
/// Most bytes that are read of its answers, and lines that wait to be looked at.
const MAX_BYTES: u64 = 8 << 20;
const MAX_WAITING: usize = 64;
/// Most pages of tools, and tools.
const MAX_PAGES: usize = 50;
const MAX_TOOLS: usize = 2_000;
/// Most letters shown of a name and of a description.
const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 300;
/// The version of the protocol that is spoken (modelcontextprotocol.io, "Lifecycle"); a server answers with its own.
const PROTOCOL: &str = "2025-06-18";

pub(super) fn main(
    paths: &[PathBuf],
    server: &str,
    within: Option<Duration>,
    options: &WalkOptions,
    json: bool,
) -> Outcome {
    let within = within.unwrap_or(WITHIN);
    if within > WITHIN {
        return Err(Failure::usage(format_args!("a server has {} seconds at most", WITHIN.as_secs())));
    }
    let here = PathBuf::from(".");
    let folder = match paths {
        [] => &here,
        [one] => one,
        _ => return Err(Failure::usage("--probe looks at one folder")),
    };
    let root = std::fs::canonicalize(folder).map_err(|error| unreadable(folder, &error))?;
    let scan = scan_tree(&root, options);
    let named = scan.found.iter().find_map(|found| {
        let known = found.servers.iter().any(|one| one.name == server && one.transport == Transport::Stdio);
        Some((found, command_line(&root, found, server).filter(|_| known)?))
    });
    let Some((found, words)) = named else {
        return Err(Failure::usage(format_args!(
            "no file below `{}` names a server `{}` that is started as a program",
            root.display(),
            plain(server)
        ))
        .hint("`writ scan --json` lists `mcp_servers`; one at an address is not called"));
    };
    let answer = ask(&root, &words, within)?;
    let file = path_text(&found.path);
    if json {
        let Answer { server: own, tools } = answer;
        screen::json(&json!({"probed": server, "file": file, "server": own, "tools": tools}))?;
        return Ok(ExitCode::SUCCESS);
    }
    screen::line(format_args!(
        "{} of {} says of itself: {}",
        plain(server),
        plain(&file),
        plain(&answer.server)
    ))?;
    for tool in &answer.tools {
        let text = |key: &str| plain(tool.get(key).and_then(Value::as_str).unwrap_or_default());
        screen::line(format_args!("  {}  {}", text("name"), text("description")))?;
    }
    screen::line(format_args!("{} tools; what they do is not known", answer.tools.len()))?;
    Ok(ExitCode::SUCCESS)
}

struct Answer {
    /// Name and version, as the server gives them.
    server: String,
    tools: Vec<Value>,
}

/// Starts the server, asks it for its tools, and ends it with all that it started.
fn ask(root: &Path, words: &[String], within: Duration) -> Result<Answer, Failure> {
    let broken = |what: &str, error: &dyn std::fmt::Display| {
        Failure::new(Kind::Broken, format_args!("{what}: {error}"))
    };
    let (command, args) = words.split_first().ok_or_else(|| Failure::usage("the server has no program"))?;
    let variable = |name: &str| std::env::var_os(name);
    let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| Failure::usage("HOME is not set"))?;
    let search = variable("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let program = if command.contains('/') {
        root.join(command)
    } else {
        std::env::split_paths(&search)
            .map(|folder| folder.join(command))
            .find(|path| path.is_file())
            .ok_or_else(|| Failure::usage(format_args!("there is no program `{}`", plain(command))))?
    };
    let profile = yard::bare(root, &home, &program, other_hands(variable))
        .map_err(|error| broken("could not lay out a sandbox", &error))?;
    let profile = writ_sandbox::Profile {
        command: program.into(),
        args: args.iter().map(Into::into).collect(),
        env: vec![("PATH".into(), search), ("HOME".into(), home.into()), ("LANG".into(), "C.UTF-8".into())],
        ..profile
    };
    let plan = Plan::draw(profile).map_err(|error| broken("could not lay out a sandbox", &error))?;
    let pipe = || std::io::pipe().map_err(|error| broken("could not make a pipe", &error));
    let ((stdin, mut write), (read, stdout)) = (pipe()?, pipe()?);
    let stderr = std::fs::File::options()
        .write(true)
        .open("/dev/null")
        .map_err(|error| broken("could not open `/dev/null`", &error))?;
    let streams = Streams { stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into() };
    let running = writ_sandbox::start(&plan, streams)
        .map_err(|error| broken("the sandbox does not hold, so nothing was started", &error))?;
    let (tell, told) = sync_channel(MAX_WAITING);
    let reader = std::thread::spawn(move || {
        let mut lines = BufReader::new(read.take(MAX_BYTES));
        let mut line = Vec::new();
        // Nobody listens any more once the answers are there.
        while matches!(lines.read_until(b'\n', &mut line), Ok(length) if length > 0)
            && tell.send(std::mem::take(&mut line)).is_ok()
        {}
    });
    let answer =
        Conversation { write: &mut write, told, until: Instant::now() + within, within, next: 1 }.tools();
    let ended = running.kill_tree();
    drop(write);
    ended.map_err(|error| broken("the server did not end", &error))?;
    drop(running);
    let _ = reader.join();
    answer
}

struct Conversation<'a> {
    write: &'a mut std::io::PipeWriter,
    told: Receiver<Vec<u8>>,
    until: Instant,
    within: Duration,
    next: u64,
}

// === impl Conversation ===

impl Conversation<'_> {
    fn tools(mut self) -> Result<Answer, Failure> {
        let own = json!({"name": "writ", "version": env!("CARGO_PKG_VERSION")});
        let hello = self.call(
            "initialize",
            &json!({"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": own}),
        )?;
        let said = |key: &str| {
            let text = hello.pointer(&format!("/serverInfo/{key}")).and_then(Value::as_str);
            shortened(text.unwrap_or_default(), MAX_NAME)
        };
        let server = format!("{} {}", said("name"), said("version")).trim().to_owned();
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        let (mut tools, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let ask = cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
            let page = self.call("tools/list", &ask)?;
            let listed = page.get("tools").and_then(Value::as_array);
            tools.extend(listed.into_iter().flatten().map(tool));
            cursor = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || tools.len() >= MAX_TOOLS {
                break;
            }
        }
        tools.truncate(MAX_TOOLS);
        Ok(Answer { server, tools })
    }

    fn call(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        let id = self.next;
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let line = self.told.recv_timeout(left).map_err(|error| match error {
                RecvTimeoutError::Timeout => {
                    silent(&format!("it did not answer `{method}` in {} seconds", self.within.as_secs()))
                }
                RecvTimeoutError::Disconnected => silent(&format!("it ended before it answered `{method}`")),
            })?;
            // What is no answer to this is a notification, a request of the server's, or noise.
            let Ok(mut message) = serde_json::from_slice::<Value>(&line) else { continue };
            if message.get("id") != Some(&id.into()) || message.get("method").is_some() {
                continue;
            }
            return match message.get_mut("result").map(Value::take) {
                Some(result) => Ok(result),
                None => Err(silent(&format!("it refused `{method}`"))),
            };
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), Failure> {
        let line = format!("{message}\n");
        self.write.write_all(line.as_bytes()).map_err(|_| silent("it ended before it was asked"))
    }
}

fn silent(what: &str) -> Failure {
    Failure::new(Kind::Broken, format_args!("the server says nothing of its tools: {what}"))
        .hint("it has no network, no variable of yours and nothing to write; what it fetches at its start is not there")
}

/// What of a tool is told.
fn tool(tool: &Value) -> Value {
    let text = |key: &str, most| shortened(tool.get(key).and_then(Value::as_str).unwrap_or_default(), most);
    let hint = |key: &str| tool.pointer(&format!("/annotations/{key}")).and_then(Value::as_bool);
    json!({
        "name": text("name", MAX_NAME),
        "description": text("description", MAX_DESCRIPTION),
        "says_read_only": hint("readOnlyHint"),
        "says_destructive": hint("destructiveHint"),
    })
}

/// Text of a server's, which may be anything, what looks like a credential left out.
fn shortened(text: &str, most: usize) -> String {
    let short: String = text.chars().take(most).collect();
    redacted(&short)
}
