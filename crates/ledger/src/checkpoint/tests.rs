use proptest::prelude::*;

use super::*;
use crate::note::{SigningKey, SigningSeed};

const ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[test]
fn texts_are_read_strictly() {
    let read = |text: &str| Checkpoint::parse_text(text);
    assert_eq!(read(&format!("writ.example/control\n0\n{ROOT}\n")).unwrap().size(), 0);
    assert_eq!(read(&format!("origin\n7\n{ROOT}\nextension\n")).unwrap().size(), 7);
    for (text, expected) in [
        (String::new(), CheckpointError::Lines),
        (format!("o\n7\n{ROOT}"), CheckpointError::Lines),
        ("o\n7\n".to_owned(), CheckpointError::Lines),
        (format!("o\n7\n{ROOT}\n\n"), CheckpointError::Lines),
        (format!("\n7\n{ROOT}\n"), CheckpointError::Origin),
        (format!("o\n07\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n+7\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n-7\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n18446744073709551616\n{ROOT}\n"), CheckpointError::Size),
        ("o\n7\nAAAA\n".to_owned(), CheckpointError::Root),
        (format!("o\n7\n{}\n", ROOT.trim_end_matches('=')), CheckpointError::Root),
        (format!("o\n0\n{}\n", STANDARD.encode([1; 32])), CheckpointError::Root),
    ] {
        assert_eq!(read(&text), Err(expected), "{text:?}");
    }
}

#[test]
fn a_checkpoint_belongs_to_one_log_and_one_key() {
    let key = SigningKey::new("log/control", SigningSeed::from_bytes([1; 32])).unwrap();
    let other = SigningKey::new("log/control", SigningSeed::from_bytes([2; 32])).unwrap();
    let checkpoint = Checkpoint::new("log/control", 3, Hash::leaf(b"x")).unwrap();
    let note = key.sign_note(&checkpoint.to_text()).unwrap();
    let verify =
        |origin: &str, key: &SigningKey| Checkpoint::verify(note.as_bytes(), origin, &key.verifying_key());
    assert_eq!(verify("log/control", &key), Ok(checkpoint));
    assert!(matches!(verify("log/activity", &key), Err(CheckpointError::OtherLog { .. })));
    assert_eq!(verify("log/control", &other), Err(CheckpointError::Note(NoteError::Unsigned)));
}

proptest! {
    #[test]
    fn texts_round_trip(origin in "[a-z./0-9-]{1,40}", size in 1_u64.., root: [u8; 32]) {
        let checkpoint = Checkpoint::new(&origin, size, Hash::from_bytes(root)).unwrap();
        prop_assert_eq!(Checkpoint::parse_text(&checkpoint.to_text()), Ok(checkpoint));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*(\n\\PC*){0,5}") {
        let _ = Checkpoint::parse_text(&text);
    }
}
