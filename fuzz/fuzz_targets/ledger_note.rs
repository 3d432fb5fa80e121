//! Signed notes, checkpoints and key texts from untrusted bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_ledger::Checkpoint;
use writ_ledger::note::{Note, VerifyingKey, format_note};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = Note::parse(bytes) {
        let again = format_note(note.text(), note.signatures()).expect("a note that was read can be written");
        assert_eq!(Note::parse(again.as_bytes()), Ok(note.clone()));
        if let Ok(checkpoint) = Checkpoint::parse_text(note.text()) {
            assert!(note.text().starts_with(&checkpoint.to_text()));
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(key) = VerifyingKey::parse(text) {
            assert_eq!(VerifyingKey::parse(&key.to_text()), Ok(key));
        }
        let _ = Checkpoint::parse_text(text);
    }
});
