//! Any bytes in any pieces: the same secrets as in the whole, within it, in order, apart from each other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::secret::{Detector, Scanner, redact};

fuzz_target!(|input: (&[u8], u8)| {
    let (bytes, piece) = input;
    let whole = Detector::shipped().find(bytes);
    let mut scanner = Scanner::new(Detector::shipped());
    let mut found = Vec::new();
    for piece in bytes.chunks(usize::from(piece).max(1)) {
        found.extend(scanner.push(piece));
    }
    found.extend(scanner.finish());
    assert_eq!(found, whole);
    let mut last = 0;
    for finding in &whole {
        assert!(last <= finding.start && finding.start < finding.end && finding.end <= bytes.len() as u64);
        last = finding.end;
    }
    let _ = redact(bytes, &whole);
});
