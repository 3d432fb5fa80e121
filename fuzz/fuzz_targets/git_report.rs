//! A server's answer to a push, with and without bands: what is kept of it is one line each, without controls.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::git::{Joined, ReportReader};

fuzz_target!(|input: (bool, &[u8])| {
    let (has_bands, bytes) = input;
    let mut out = Vec::new();
    let _ = Joined::with(has_bands).take(bytes, &mut out);
    assert!(out.len() <= bytes.len() * 8 + 64);
    let mut reader = ReportReader::with(has_bands);
    if reader.take(bytes).is_err() {
        return;
    }
    if let Ok(report) = reader.finish() {
        let reasons = report.refs.iter().filter_map(|status| status.refused.as_deref());
        for text in reasons.chain(report.unpack.as_deref()).chain(report.refs.iter().map(|s| s.name.as_str()))
        {
            assert!(!text.chars().any(char::is_control));
        }
    }
});
