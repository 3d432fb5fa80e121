//! Any text is classified, whatever the task files say: no panic, no runaway, never nothing, and company never makes it
//! look better. A zero byte parts the command from the file that names its tasks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_policy::{Facts, Look, classify};

/// One text behind every name.
#[derive(Debug)]
struct Same<'a>(&'a str);

impl Look for Same<'_> {
    fn text(&self, _path: &str) -> Option<String> {
        Some(self.0.to_owned())
    }
}

fuzz_target!(|text: &str| {
    let (command, file) = text.split_once('\0').unwrap_or((text, ""));
    let look = Same(file);
    let facts = Facts { workspace: Some("/w"), cwd: Some("/w/a"), home: Some("/home/u"), look: Some(&look) };
    let bare = classify(command, &facts);
    assert!(!bare.effects.is_empty());
    let first = classify(&format!("true && {command}"), &facts);
    assert!(!first.effects.is_empty());
    for task in [
        "make x",
        "npm run x",
        "just x",
        "task x",
        "cargo x",
        "cargo make x",
        "deno task x",
        "composer run x",
    ] {
        let task = classify(task, &facts);
        assert!(!task.effects.is_empty());
    }
});
