//! Any bytes are a document or none, in every notation, within the bounds; and any document has its servers read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::document::{Notation, front_matter, parse, read};
use writ_scan::server::servers;

fuzz_target!(|bytes: &[u8]| {
    for notation in [Notation::Json, Notation::Toml, Notation::Xml, Notation::Yaml] {
        let whole = read(bytes, notation);
        assert_eq!(parse(bytes, notation).is_ok(), whole.problem.is_none());
        let _ = servers(&whole.node, true);
        for survey in writ_scan::tool::SURVEYS {
            (survey.read)(&whole.node, &mut writ_scan::approval::Approval::default());
        }
    }
    let _ = front_matter(bytes);
});
