//! Any text that is a chain is judged to its end: no panic, one answer for each step.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use writ_policy::{Engine, PolicySources, Scenario};

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    Arc::new(Engine::load(&PolicySources::shipped()).expect("the shipped policies are usable"))
});

fuzz_target!(|text: &str| {
    let Ok(scenario) = Scenario::read(text) else { return };
    if let Ok(answers) = scenario.judge(&ENGINE) {
        assert_eq!(answers.len(), scenario.steps.len());
    }
});
