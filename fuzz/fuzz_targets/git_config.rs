//! Any text is read as a configuration of git, and every setting has a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_policy::git_settings;

fuzz_target!(|text: &str| {
    for setting in git_settings(text) {
        assert!(!setting.key.is_empty());
        let _ = setting.names();
    }
});
