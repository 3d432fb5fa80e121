//! A target or a host: read in one way or not at all, and what is read is what others read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::Authority;

fuzz_target!(|text: &str| {
    if let Some(found) = Authority::parse(text, Some(443)) {
        let said = found.to_string();
        assert_eq!(Authority::parse(&said, None).as_ref(), Some(&found));
        assert!(!said.contains(['@', '/', '#', '?', '%', ' ', '\\']));
        let url = format!("https://{said}/");
        let judged = writ_policy::host_of(&url).expect("the judge reads it too");
        let short = said.strip_suffix(":443").unwrap_or(&said);
        assert_eq!(judged, short);
    }
});
