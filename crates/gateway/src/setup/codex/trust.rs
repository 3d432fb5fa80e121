//! The trust that Codex wants for each hook: a key that says where it stands, and a hash over what it is.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use super::Handler;

/// Where a handler stands: file, event, group, place in the group. Our groups have one handler.
pub(super) fn state_key(source: &str, event_snake: &str, group: usize) -> String {
    format!("{source}:{event_snake}:{group}:0")
}

/// The hash that Codex computes over a handler without matcher, found by asking `codex app-server` (`hooks/list`).
pub(super) fn trusted_hash(handler: &Handler) -> String {
    hash(handler.event.snake, &handler.line, handler.timeout_secs, None)
}

fn hash(event_snake: &str, command: &str, timeout_secs: u64, matcher: Option<&str>) -> String {
    let handler = json!({ "async": false, "command": command, "timeout": timeout_secs, "type": "command" });
    let mut identity = json!({ "event_name": event_snake, "hooks": [handler] });
    if let (Some(matcher), Some(fields)) = (matcher, identity.as_object_mut()) {
        fields.insert("matcher".to_owned(), matcher.into());
    }
    // Sorted by name at every level, whatever order the map keeps.
    identity.sort_all_objects();
    let hash = digest(&SHA256, identity.to_string().as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_codex_computes() {
        assert_eq!(
            hash("pre_tool_use", "true", 600, Some("Bash")),
            "sha256:39057ebd30cc98418da09c661f1ff844e076ba83820ea7f8a14b085993f1a440"
        );
    }
}
