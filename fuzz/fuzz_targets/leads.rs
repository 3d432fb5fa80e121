//! Any text, under any name, is read for what it leads to, within the bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_policy::leads;

fuzz_target!(|text: &str| {
    for name in ["settings.json", "config.toml", "hooks.yml", "CLAUDE.md", ".envrc", "pre-commit"] {
        let found = leads(name, text);
        assert!(found.len() <= 1000);
        assert!(found.iter().all(|word| !word.is_empty() && !word.contains('\0')));
    }
});
