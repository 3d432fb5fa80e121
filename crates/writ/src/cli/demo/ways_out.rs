//! A run of nothing in a house of its own, for what a run tries before its client starts.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use writ_control::api::message::AgentView;

use super::house::House;
use super::{process, story};
use crate::failure::Failure;

const AGENT: &str = "trial";

/// Starts a real run of a client that does nothing, with the shipped policies and nothing of the user's.
///
/// # Errors
/// The house could not be made. What the run said is no error: `Ok(Err(…))` is why its client did not start.
pub(in crate::cli) fn ran() -> Result<Result<(), String>, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    runtime.spawn(process::listen(Arc::clone(&interrupted)));
    let house = House::make(false, &interrupted)?;
    let client = house.root().join("bin/claude");
    house.put(&client, "#!/bin/sh\nexit 0\n")?;
    std::fs::set_permissions(&client, std::fs::Permissions::from_mode(0o755))?;
    let _serve = story::serve(&house)?;
    let purpose = "try the ways out";
    let register = ["agent", "register", AGENT, "--client", "claude-code", "--purpose", purpose, "--approve"];
    let _: AgentView = house.json(&register)?;
    let client = client.to_string_lossy();
    let said = house.said(&["run", "--agent", AGENT, "--kind", "docs", "--task", purpose, "--", &client])?;
    Ok(if said.succeeded() { Ok(()) } else { Err(said.last_words()) })
}
