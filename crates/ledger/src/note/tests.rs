use proptest::prelude::*;

use super::*;

const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn key(name: &str, byte: u8) -> SigningKey {
    SigningKey::new(name, SigningSeed::from_bytes([byte; 32])).unwrap()
}

#[test]
fn published_vector() {
    let vkey = VerifyingKey::parse(VKEY).unwrap();
    assert_eq!(vkey.to_text(), VKEY);
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(
        note.verify(&[vkey]),
        Ok(("This is an example message.\n", vec!["example.com/foo".to_owned()]))
    );
}

#[test]
fn a_changed_text_or_signature_is_refused() {
    let vkey = [VerifyingKey::parse(VKEY).unwrap()];
    for (from, to) in [("example message", "Example message"), ("Uw2QOkn8", "Uw2QOkn9"), ("yaQM=", "yaQA=")] {
        let note = Note::parse(NOTE.replace(from, to).as_bytes()).unwrap();
        assert!(matches!(note.verify(&vkey), Err(NoteError::BadSignature { .. })), "{from}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let check = |note: &str, expected: NoteError| {
        assert_eq!(Note::parse(note.as_bytes()), Err(expected), "{note:?}");
    };
    let line = "\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnag=\n";
    assert!(Note::parse(format!("text\n\n{line}").as_bytes()).is_ok());
    check("", NoteError::NoSignatureBlock);
    check("text\n", NoteError::NoSignatureBlock);
    check(&format!("text\n{line}"), NoteError::NoSignatureBlock);
    check(&format!("text\n\n{}", line.trim_end()), NoteError::NoSignatureBlock);
    check("text\n\n", NoteError::NoSignatureBlock);
    check(&format!("te\u{7}xt\n\n{line}"), NoteError::Characters);
    check(&format!("te\rxt\n\n{line}"), NoteError::Characters);
    check(&format!("te\u{9b}xt\n\n{line}"), NoteError::Characters);
    check(&format!("text\n\n{line}- example.com Uw2QOkn8\n"), NoteError::SignatureLine(2));
    check("text\n\n\u{2014} a+b Uw2QOkn8srV1\n", NoteError::SignatureLine(1));
    check("text\n\n\u{2014} name Uw2QOg==\n", NoteError::SignatureLine(1));
    check("text\n\n\u{2014} name !!!\n", NoteError::SignatureLine(1));
    check("text\n\n\u{2014} name\n", NoteError::SignatureLine(1));
    check("text\n\n\u{2014}  Uw2QOkn8srV1\n", NoteError::SignatureLine(1));
    check(&format!("text\n\n{}", line.repeat(MAX_SIGNATURES + 1)), NoteError::TooManySignatures);
    assert_eq!(Note::parse(b"te\xffxt\n\n"), Err(NoteError::Characters));
    assert_eq!(Note::parse(&vec![b'a'; MAX_NOTE_BYTES + 1]), Err(NoteError::TooLong));
}

#[test]
fn unknown_keys_are_ignored_and_known_ones_must_fit() {
    let text = "text\n";
    let mut lines: Vec<_> =
        (0..20).map(|n| key(&format!("other{n}"), n)).map(|k| k.line(k.sign(text))).collect();
    let ours = key("ours", 99);
    let known = [ours.verifying_key()];
    let note = |lines: &[NoteSignature]| Note::parse(format_note(text, lines).unwrap().as_bytes()).unwrap();
    assert_eq!(note(&lines).verify(&known), Err(NoteError::Unsigned));
    lines.push(ours.line(ours.sign(text)));
    lines.push(ours.line(ours.sign(text)));
    assert_eq!(note(&lines).verify(&known).unwrap().1, ["ours"]);
    lines.push(ours.line(ours.sign("other text\n")));
    assert!(matches!(note(&lines).verify(&known), Err(NoteError::BadSignature { .. })));
    // A name alone is not an identity: another key under our name is an unknown key.
    let impostor = key("ours", 98);
    assert_eq!(note(&[impostor.line(impostor.sign(text))]).verify(&known), Err(NoteError::Unsigned));
}

#[test]
fn key_texts_round_trip_and_refuse_what_does_not_fit() {
    let signing = key("writ.example/control", 7);
    let secret = signing.to_secret_text();
    assert_eq!(SigningKey::parse(&secret).unwrap().verifying_key(), signing.verifying_key());
    let public = signing.verifying_key().to_text();
    assert_eq!(VerifyingKey::parse(&public).unwrap(), signing.verifying_key());

    for bad in ["", "a", "a+b", "a+00000000+AAAA", "a+0000000g+AAAA", VKEY.strip_suffix('k').unwrap()] {
        assert!(VerifyingKey::parse(bad).is_err(), "{bad}");
        assert!(SigningKey::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(VerifyingKey::parse(&public.replace("control", "activity")), Err(KeyError::Id));
    assert_eq!(VerifyingKey::parse(&VKEY.replace("+Aek", "+Bek")), Err(KeyError::Type));
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
        assert_eq!(VerifyingKey::new(name, [0; 32]), Err(KeyError::Name), "{name:?}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let signing = key("name", 0xab);
    let printed = format!("{signing:?} {:?}", SigningSeed::from_bytes([0xab; 32]));
    assert!(!printed.contains("171") && !printed.contains("ab, ab"), "{printed}");
}

proptest! {
    #[test]
    fn notes_round_trip(lines in prop::collection::vec("[^\\p{Cc}]{0,40}", 1..6), signers in 1_u8..20) {
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        let keys: Vec<_> = (0..signers).map(|n| key(&format!("k{n}"), n)).collect();
        let signed: Vec<_> = keys.iter().map(|k| k.line(k.sign(&text))).collect();
        let note = Note::parse(format_note(&text, &signed).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(note.text(), &text);
        let known: Vec<_> = keys.iter().map(SigningKey::verifying_key).collect();
        prop_assert_eq!(note.verify(&known).unwrap().1.len(), usize::from(signers));
    }

    #[test]
    fn any_bytes_parse_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC*\n\n(\u{2014} [a-z]* [A-Za-z0-9+/=]*\n)*") {
        let _ = Note::parse(&bytes);
        let _ = Note::parse(text.as_bytes());
    }
}
