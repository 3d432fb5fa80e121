//! The form of any command line can be told, and serves that line; a line with more words is not served by it for them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_model::EffectClass;
use writ_policy::{Facts, line_fits, line_form};

fuzz_target!(|text: &str| {
    let facts = Facts { workspace: Some("/w"), cwd: Some("/w/a"), home: Some("/home/u"), look: None };
    let (granted, asked) = text.split_once('\0').unwrap_or((text, "npm install left-pad"));
    for effect in
        [EffectClass::Network, EffectClass::PackageInstall, EffectClass::GitPush, EffectClass::Unknown]
    {
        let form = line_form(granted, &facts, &[effect], "writ/docs/x");
        assert!(line_fits(&form, granted, &facts, &[effect], "writ/docs/x"));
        let _ = line_fits(&form, asked, &facts, &[effect], "writ/docs/x");
    }
});
