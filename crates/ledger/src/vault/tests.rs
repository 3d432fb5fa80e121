use proptest::prelude::*;

use super::*;

fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

fn seal(bytes: &[u8]) -> Payload {
    DataKey::from_bytes([1; 32]).seal(&subject("task-1"), &Salt::from_random([2; 32]), bytes).unwrap()
}

#[test]
fn the_commitment_is_the_digest_of_salt_and_bytes() {
    let payload = seal(b"prompt");
    let expected = crate::tree::Hash::of(&[[2; 32].as_slice(), b"prompt"].concat());
    assert_eq!(payload.commitment().as_bytes(), expected.as_bytes());
    assert_eq!(payload.commitment().to_string().parse(), Ok(payload.commitment()));
    assert!(!payload.ciphertext().windows(6).any(|w| w == b"prompt" || w == [2; 6]));
}

#[test]
fn a_payload_opens_only_where_it_belongs() {
    let payload = seal(b"prompt");
    let open = |key: u8, name: &str, commitment, ciphertext: &[u8]| {
        DataKey::from_bytes([key; 32]).open(&subject(name), &commitment, ciphertext)
    };
    let (right, text) = (payload.commitment(), payload.ciphertext());
    assert_eq!(open(1, "task-1", right, text).unwrap().as_slice(), b"prompt");
    let refused = Err(VaultError::PayloadUnreadable);
    assert_eq!(open(9, "task-1", right, text), refused);
    assert_eq!(open(1, "task-2", right, text), refused);
    assert_eq!(open(1, "task-1", Commitment::from_bytes([0; 32]), text), refused);
    assert_eq!(open(1, "task-1", right, &text[..text.len() - 1]), refused);
    assert_eq!(open(1, "task-1", right, b""), refused);
    let mut changed = text.to_vec();
    changed[0] ^= 1;
    assert_eq!(open(1, "task-1", right, &changed), refused);
}

#[test]
fn a_key_unwraps_only_for_its_subject_and_master() {
    let master = MasterKey::from_bytes([3; 32]);
    let wrapped = master.wrap(&subject("task-1"), &DataKey::from_bytes([1; 32]), [4; 12]).unwrap();
    assert_eq!(master.unwrap(&subject("task-1"), &wrapped).unwrap().0, [1; 32]);
    let refused = |name: &str| VaultError::KeyUnreadable(name.to_owned());
    assert_eq!(master.unwrap(&subject("task-2"), &wrapped).unwrap_err(), refused("task-2"));
    let other = MasterKey::from_bytes([5; 32]);
    assert_eq!(other.unwrap(&subject("task-1"), &wrapped).unwrap_err(), refused("task-1"));
    assert_eq!(WrappedKey::from_stored(wrapped.as_bytes()), Some(wrapped));
    assert_eq!(WrappedKey::from_stored(&[0; WRAPPED_KEY_BYTES]), None);
    assert_eq!(WrappedKey::from_stored(&[1; WRAPPED_KEY_BYTES - 1]), None);
}

#[test]
fn names_and_lengths_are_bounded() {
    for bad in ["", "a b", "a\n", "\u{e9}", &"x".repeat(MAX_SUBJECT_BYTES + 1)] {
        assert_eq!(SubjectId::new(bad), Err(VaultError::Subject), "{bad:?}");
    }
    for bad in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
        assert_eq!(bad.parse::<Commitment>(), Err(VaultError::Commitment), "{bad:?}");
    }
    let key = DataKey::from_bytes([1; 32]);
    let long = vec![0; MAX_PAYLOAD_BYTES + 1];
    let sealed = key.seal(&subject("t"), &Salt::from_random([0; 32]), &long);
    assert_eq!(sealed, Err(VaultError::TooLong(MAX_PAYLOAD_BYTES + 1)));
}

#[test]
fn secrets_are_not_printed() {
    let master = MasterKey::from_bytes([0x41; 32]);
    let data = DataKey::from_bytes([0x41; 32]);
    let wrapped = master.wrap(&subject("t"), &data, [0x41; 12]).unwrap();
    let opened = Opened::Payload(Zeroizing::new(b"AAAA".to_vec()));
    let printed = format!("{master:?} {data:?} {wrapped:?} {opened:?} {:?}", Salt::from_random([0x41; 32]));
    assert!(!printed.contains("AAAA") && !printed.contains("65") && !printed.contains("41"), "{printed}");
}

proptest! {
    #[test]
    fn payloads_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..2000), key: [u8; 32], salt: [u8; 32]) {
        let key = DataKey::from_bytes(key);
        let payload = key.seal(&subject("t"), &Salt::from_random(salt), &bytes).unwrap();
        let opened = key.open(payload.subject(), &payload.commitment(), payload.ciphertext()).unwrap();
        prop_assert_eq!(opened.as_slice(), bytes.as_slice());
    }
}
