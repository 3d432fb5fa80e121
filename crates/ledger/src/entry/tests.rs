use proptest::prelude::*;

use super::*;

#[test]
fn length_is_bounded_at_both_ends() {
    assert_eq!(Entry::new(vec![]), Err(EntryError::Empty));
    assert!(Entry::new(vec![b'x'; MAX_ENTRY_BYTES]).is_ok());
    assert_eq!(Entry::new(vec![b'x'; MAX_ENTRY_BYTES + 1]), Err(EntryError::TooLong(MAX_ENTRY_BYTES + 1)));
}

#[test]
fn a_bundle_cut_inside_an_entry_says_where() {
    let mut bundle = Vec::new();
    Entry::new(b"first".to_vec()).unwrap().push_to(&mut bundle);
    Entry::new(b"second".to_vec()).unwrap().push_to(&mut bundle);
    bundle.pop();
    let read: Vec<_> = BundleEntries::new(&bundle).collect();
    assert_eq!(read, [Ok(&b"first"[..]), Err(BundleError::Truncated { at: 7 })]);
}

#[test]
fn debug_does_not_print_the_content() {
    let entry = Entry::new(b"content".to_vec()).unwrap();
    assert!(!format!("{entry:?}").contains("content"));
}

proptest! {
    #[test]
    fn bundles_round_trip(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..600), 0..40)) {
        let mut bundle = Vec::new();
        for bytes in &entries {
            let entry = Entry::new(bytes.clone()).unwrap();
            let before = bundle.len();
            entry.push_to(&mut bundle);
            prop_assert_eq!(bundle.len() - before, entry.bundled_len());
        }
        let read: Vec<Vec<u8>> = BundleEntries::new(&bundle).map(|e| e.unwrap().to_vec()).collect();
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn any_bytes_are_walked_to_the_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut seen = 0;
        for entry in BundleEntries::new(&bytes) {
            match entry {
                Ok(entry) => seen += entry.len() + 2,
                Err(BundleError::Truncated { at }) => prop_assert_eq!(at, seen),
            }
        }
        prop_assert!(seen <= bytes.len());
    }
}
