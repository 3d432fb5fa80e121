//! Commands that clients run by themselves at an event: which program, and when.

use crate::credential_name::{has_password, is_marked};
use crate::document::Node;

/// A command that a client runs at an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hook {
    pub event: String,
    pub line: u32,
    /// The program of each command, without what it is given: that may be a secret.
    pub programs: Vec<String>,
}

/// Members under which clients keep the command of a hook.
const COMMANDS: &[&str] = &["bash", "cmd", "command", "exec", "powershell", "run", "script"];
/// Most programs kept of one hook, and characters of one.
const MAX_PROGRAMS: usize = 20;
const MAX_PROGRAM: usize = 200;

/// All hooks of one document, in its order.
pub(super) fn hooks(document: &Node) -> Vec<Hook> {
    let mut hooks = Vec::new();
    for event in document.get("hooks").map_or(&[][..], Node::members) {
        if !event.node.items().is_empty() || event.node.is_map() || event.node.text().is_some() {
            let programs = programs(&event.key, &event.node);
            hooks.push(Hook { event: event.key.clone(), line: event.line, programs });
        }
    }
    // Kiro's hooks are one a file.
    if let (Some(when), Some(then)) = (document.at(&["when", "type"]), document.get("then")) {
        let event = when.scalar().unwrap_or_default();
        hooks.push(Hook { event, line: when.line, programs: programs("then", then) });
    }
    hooks
}

/// The first word of each command that is no assignment: what runs, and nothing that it is given.
fn programs(event: &str, hook: &Node) -> Vec<String> {
    let mut programs: Vec<String> = Vec::new();
    each_command(event, hook, true, &mut |text| {
        let Some(word) = text.split_whitespace().find(|word| value(word).is_none()) else { return };
        // Past a value in quotes that goes on, the next word may be the rest of it.
        let goes_on = |value: &str| value.contains(['"', '\'', '`', '(']);
        if text.split_whitespace().map_while(value).any(goes_on) {
            return;
        }
        let program: String = word.trim_matches(['"', '\'']).chars().take(MAX_PROGRAM).collect();
        let tells = program.is_empty() || has_password(&program) || is_marked(&program);
        if !tells && programs.len() < MAX_PROGRAMS && !programs.contains(&program) {
            programs.push(program);
        }
    });
    programs
}

/// The value of a word that sets a variable.
fn value(word: &str) -> Option<&str> {
    let (name, value) = word.split_once('=')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(value)
}

/// Shows each command below a node: a text, or the first of a list of words. One may stand under the event itself.
fn each_command(key: &str, node: &Node, is_event: bool, see: &mut dyn FnMut(&str)) {
    if is_event || COMMANDS.contains(&key) {
        let first = node.text().or_else(|| node.items().first().and_then(Node::text));
        if let Some(text) = first {
            return see(text);
        }
    }
    for item in node.items() {
        each_command(key, item, is_event, see);
    }
    for member in node.members() {
        each_command(&member.key, &member.node, false, see);
    }
}
