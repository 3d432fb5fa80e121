//! What one file of a tool says, line by line, for people who ask for everything.

use std::fmt::Write as _;

use writ_scan::autonomy::{Answer, Autonomy};
use writ_scan::server::{Package, Server};
use writ_scan::survey::Found;

use super::summary::plain;
use crate::failure::Failure;
use crate::screen;

/// Shows the servers, hooks and plugins of a file, and how far it lets an agent act by itself.
pub(super) fn show(found: &Found, autonomy: &Autonomy) -> Result<(), Failure> {
    for server in &found.servers {
        screen::line(format_args!("    {}", server_line(server)))?;
    }
    for plugin in &found.plugins {
        screen::line(format_args!("    plugin {}", plain(plugin)))?;
    }
    for hook in &found.hooks {
        let runs: Vec<String> = hook.programs.iter().map(|program| plain(program)).collect();
        let runs = if runs.is_empty() { String::new() } else { format!(", runs {}", runs.join(", ")) };
        screen::line(format_args!("    hook at {}{runs}, line {}", plain(&hook.event), hook.line))?;
    }
    for detour in &found.detours {
        screen::line(format_args!(
            "    {} by {}, line {}",
            detour.kind.name(),
            plain(&detour.text),
            detour.line
        ))?;
    }
    // What says nothing of an agent's freedom needs no three lines.
    let answers = [("actions", &autonomy.actions), ("tools", &autonomy.tools), ("timing", &autonomy.timing)];
    if autonomy.unknown
        || found.kind.is_configuration()
        || answers.iter().any(|(_, one)| !one.because.is_empty())
    {
        for (question, answer) in answers {
            screen::line(format_args!("    {question} {}", said(answer, autonomy.unknown)))?;
        }
    }
    Ok(())
}

/// `server NAME: stdio npx, some-mcp@1.2 (fixed), with A_KEY, line 3`.
fn server_line(server: &Server) -> String {
    let mut line = format!("server {}: {}", plain(&server.name), server.transport.name());
    for what in server.command.iter().chain(&server.host) {
        let _ = write!(line, " {}", plain(what));
    }
    if let Some(Package { spelling, pinned }) = &server.package {
        let fixed = if *pinned { "fixed" } else { "whatever is newest" };
        let _ = write!(line, ", {} ({fixed})", plain(spelling));
    }
    if !server.credential_names.is_empty() {
        let names: Vec<String> = server.credential_names.iter().map(|name| plain(name)).collect();
        let _ = write!(line, ", with {}", names.join(", "));
    }
    if server.disabled {
        line.push_str(", switched off");
    }
    let _ = write!(line, ", line {}", server.line);
    line
}

fn said(answer: &Answer, unknown: bool) -> String {
    let at_least = if unknown { "at least " } else { "" };
    let because: Vec<String> =
        answer.because.iter().map(|(line, why)| format!("{}, line {line}", plain(why))).collect();
    let because = if because.is_empty() { String::new() } else { format!(": {}", because.join("; ")) };
    format!("{at_least}{}{because}", answer.degree.name())
}
