//! What every engine of the ledger has to do. A new engine is added to `each_engine` and nothing else.

use proptest::prelude::*;
use writ_control::store::MemoryLedger;
use writ_ledger::entry::BundleEntries;
use writ_ledger::proof::{verify_consistency, verify_inclusion};
use writ_ledger::storage::{
    self, AppendError, MAX_BATCH_ENTRIES, PayloadError, ReadError, Sizes, StoreSnapshotError,
};
use writ_ledger::tile::TileId;
use writ_ledger::vault::{DataKey, Opened, VaultError};
use writ_ledger::{Checkpoint, Durability, Entry, Expected, Hash, Storage, Stream};

use super::fixture::{append, append_row, keys, numbered, open, salt, subject, with_payload};

fn each_engine(case: fn(&dyn Storage)) {
    case(&MemoryLedger::new(&keys()).unwrap());
    let directory = tempfile::tempdir().unwrap();
    case(&open(directory.path()));
}

fn texts(ledger: &dyn Storage, stream: Stream) -> Vec<String> {
    let read = ledger.read(stream, 0, usize::MAX).unwrap();
    assert!(read.iter().map(|(index, _)| *index).eq(0..read.len() as u64));
    read.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
}

#[test]
fn a_batch_of_both_streams_is_appended_in_order() {
    each_engine(|ledger| {
        let batch = [
            (Stream::Control, "c0"),
            (Stream::Activity, "a0"),
            (Stream::Control, "c1"),
            (Stream::Activity, "a1"),
            (Stream::Activity, "a2"),
        ];
        let batch = batch.map(|(stream, text)| append(stream, text)).to_vec();
        let receipts = ledger.append(batch, None, Durability::Synced).unwrap();
        let places: Vec<_> = receipts.iter().map(|r| (r.stream(), r.index(), r.tree_size())).collect();
        let (activity, control) = (Stream::Activity, Stream::Control);
        let expected =
            [(control, 0, 2), (activity, 0, 3), (control, 1, 2), (activity, 1, 3), (activity, 2, 3)];
        assert_eq!(places, expected);
        assert!(receipts.iter().all(|r| r.durability() == Durability::Synced));
        assert_eq!(texts(ledger, control), ["c0", "c1"]);
        assert_eq!(texts(ledger, activity), ["a0", "a1", "a2"]);
        assert_eq!((ledger.tip(control), ledger.tip(activity)), (2, 3));
    });
}

#[test]
fn a_change_decided_on_an_old_state_is_refused_whole() {
    each_engine(|ledger| {
        let expected = |size| Some(Expected { stream: Stream::Control, size });
        let one = |text| vec![append(Stream::Control, text), append(Stream::Activity, text)];
        ledger.append(one("first"), expected(0), Durability::Synced).unwrap();
        let refused = ledger.append(one("late"), expected(0), Durability::Synced);
        let conflict =
            matches!(refused, Err(AppendError::Conflict { stream: Stream::Control, expected: 0, actual: 1 }));
        assert!(conflict, "{refused:?}");
        assert!(matches!(
            ledger.append(one("early"), expected(9), Durability::Written),
            Err(AppendError::Conflict { .. })
        ));
        ledger.append(one("second"), expected(1), Durability::Written).unwrap();
        assert_eq!(texts(ledger, Stream::Control), ["first", "second"]);
        assert_eq!(texts(ledger, Stream::Activity), ["first", "second"]);
    });
}

#[test]
fn batches_are_bounded() {
    each_engine(|ledger| {
        assert!(matches!(ledger.append(vec![], None, Durability::Synced), Err(AppendError::Empty)));
        let many = vec![append(Stream::Activity, "x"); MAX_BATCH_ENTRIES + 1];
        assert!(matches!(ledger.append(many, None, Durability::Synced), Err(AppendError::TooLarge { .. })));
        assert_eq!(ledger.tip(Stream::Activity), 0);
        let large = "x".repeat(writ_ledger::entry::MAX_ENTRY_BYTES);
        ledger.append(vec![append(Stream::Activity, &large); 3], None, Durability::Synced).unwrap();
        assert_eq!(texts(ledger, Stream::Activity), vec![large; 3]);
    });
}

#[test]
fn the_head_is_a_signed_checkpoint_of_what_is_synced() {
    each_engine(|ledger| {
        for (stream, size) in [(Stream::Control, 0), (Stream::Control, 1), (Stream::Activity, 2)] {
            if size > 0 {
                append_row(ledger, stream, size);
            }
            let head = ledger.head(stream);
            let origin = keys().origin.of(stream);
            let key = keys().verifying_key(stream).unwrap();
            let checkpoint = Checkpoint::verify(head.checkpoint.as_bytes(), &origin, &key).unwrap();
            assert_eq!((checkpoint.size(), checkpoint.root()), (head.size, head.root));
            assert_eq!(head.size, size);
            assert_eq!(head.root, storage::root_at(ledger, stream, size).unwrap());
        }
    });
}

#[test]
fn what_is_only_written_is_synced_by_itself() {
    each_engine(|ledger| {
        let receipts = ledger.append(vec![append(Stream::Activity, "a")], None, Durability::Written).unwrap();
        assert!(receipts.iter().all(|r| r.durability() == Durability::Written));
        // No sleeping: the head moves when the writer has synced, and the test's own time limit bounds the wait.
        while ledger.head(Stream::Activity).size < 1 {
            std::thread::yield_now();
        }
    });
}

#[test]
fn reading_is_bounded_and_ends_at_the_end() {
    each_engine(|ledger| {
        append_row(ledger, Stream::Control, 5);
        append_row(ledger, Stream::Control, 7);
        let read = |from, max| {
            let read = ledger.read(Stream::Control, from, max).unwrap();
            read.into_iter().map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert_eq!(read(3, 4), [3, 4, 5, 6]);
        assert_eq!(read(11, 10), [11]);
        assert_eq!(read(12, 10), [0; 0]);
        assert_eq!(read(u64::MAX, 10), [0; 0]);
        assert_eq!(read(0, 0), [0; 0]);
    });
}

#[test]
fn tiles_and_bundles_are_served_at_every_width() {
    each_engine(|ledger| {
        for count in [1, 254, 2, 300, 143] {
            append_row(ledger, Stream::Activity, count);
        }
        let leaves: Vec<Hash> = (0..700).map(|n| Hash::leaf(numbered(n).as_bytes())).collect();
        for (id, width) in TileId::all(700) {
            for width in 1..=width {
                let span = 256_usize.pow(id.level.into());
                let from = usize::try_from(id.index).unwrap() * 256 * span;
                let part = &leaves[from..from + usize::from(width) * span];
                let expected: Vec<Hash> = part.chunks(span).map(writ_ledger::tree::subtree_root).collect();
                assert_eq!(ledger.tile(Stream::Activity, id, width).unwrap(), Hash::join_bytes(&expected));
            }
            assert!(matches!(ledger.tile(Stream::Activity, id, width + 1), Err(ReadError::BeyondEnd { .. })));
        }
        for (index, width) in [(0, 256), (1, 256), (2, 188), (2, 1), (0, 17)] {
            let bundle = ledger.bundle(Stream::Activity, index, width).unwrap();
            let from = index * 256;
            let entries =
                BundleEntries::new(&bundle).map(|e| String::from_utf8(e.unwrap().to_vec()).unwrap());
            assert!(entries.eq((from..from + u64::from(width)).map(numbered)), "{index} {width}");
        }
        let beyond = [
            ledger.bundle(Stream::Activity, 2, 189),
            ledger.bundle(Stream::Activity, 3, 1),
            ledger.bundle(Stream::Activity, u64::MAX, 1),
            ledger.bundle(Stream::Activity, 0, 0),
            ledger.tile(Stream::Control, TileId { level: 0, index: 0 }, 1),
            ledger.tile(Stream::Activity, TileId { level: 2, index: 0 }, 1),
            ledger.tile(Stream::Activity, TileId { level: 63, index: u64::MAX }, 256),
        ];
        assert!(beyond.iter().all(|b| matches!(b, Err(ReadError::BeyondEnd { .. }))), "{beyond:?}");
    });
}

#[test]
fn proofs_are_made_for_any_entry_and_any_size() {
    each_engine(|ledger| {
        for count in [3, 253, 1, 400] {
            append_row(ledger, Stream::Control, count);
        }
        let root = |size| storage::root_at(ledger, Stream::Control, size).unwrap();
        for (index, size) in [(0, 1), (2, 3), (0, 657), (255, 256), (256, 657), (656, 657), (100, 300)] {
            let proof = storage::inclusion(ledger, Stream::Control, index, size).unwrap();
            let leaf = Hash::leaf(numbered(index).as_bytes());
            verify_inclusion(index, size, leaf, &proof, root(size)).unwrap();
        }
        for (old, new) in [(1, 657), (256, 657), (255, 256), (300, 301), (657, 657)] {
            let proof = storage::consistency(ledger, Stream::Control, old, new).unwrap();
            verify_consistency(old, new, &proof, root(old), root(new)).unwrap();
        }
        assert!(storage::inclusion(ledger, Stream::Control, 5, 5).is_err());
        assert!(storage::inclusion(ledger, Stream::Control, 5, 658).is_err());
        assert!(storage::consistency(ledger, Stream::Control, 0, 5).is_err());
        assert!(storage::consistency(ledger, Stream::Control, 6, 5).is_err());
    });
}

#[test]
fn the_newest_snapshot_of_a_fold_version_comes_back() {
    each_engine(|ledger| {
        append_row(ledger, Stream::Control, 5);
        append_row(ledger, Stream::Activity, 300);
        assert!(ledger.latest_snapshot(1).unwrap().is_none());
        let sizes = |control, activity| Sizes { activity, control };
        ledger.put_snapshot(1, sizes(3, 0), b"older".to_vec()).unwrap();
        ledger.put_snapshot(1, sizes(5, 299), b"newer".to_vec()).unwrap();
        ledger.put_snapshot(2, sizes(1, 1), b"other fold".to_vec()).unwrap();
        let found = ledger.latest_snapshot(1).unwrap().unwrap();
        assert_eq!((found.control.size, found.activity.size, found.body.as_slice()), (5, 299, &b"newer"[..]));
        assert_eq!(found.activity.root, storage::root_at(ledger, Stream::Activity, 299).unwrap());
        assert_eq!(ledger.latest_snapshot(2).unwrap().unwrap().body, b"other fold");
        assert!(ledger.latest_snapshot(3).unwrap().is_none());
        let beyond = ledger.put_snapshot(1, sizes(6, 0), Vec::new());
        assert!(matches!(beyond, Err(StoreSnapshotError::Read(ReadError::BeyondEnd { .. }))), "{beyond:?}");
    });
}

#[test]
fn a_payload_is_kept_with_its_entry_until_it_is_erased() {
    each_engine(|ledger| {
        let (ours, theirs) = (subject("task-1"), subject("task-2"));
        let sealed = ledger.seal(&ours, &salt(1), b"prompt").unwrap();
        let other = ledger.seal(&theirs, &salt(2), b"other").unwrap();
        let late = ledger.seal(&ours, &salt(3), b"late").unwrap();
        let (first, second, third) = (sealed.commitment(), other.commitment(), late.commitment());
        assert_eq!(ledger.payload(&first).unwrap(), None, "not appended yet");
        let batch =
            vec![with_payload(Stream::Activity, "a0", sealed), with_payload(Stream::Control, "c0", other)];
        ledger.append(batch, None, Durability::Synced).unwrap();
        let opened = |bytes: &[u8]| Some(Opened::Payload(bytes.to_vec().into()));
        assert_eq!(ledger.payload(&first).unwrap(), opened(b"prompt"));
        assert_eq!(ledger.payload(&second).unwrap(), opened(b"other"));

        assert_eq!(ledger.erase(&ours).unwrap(), 1);
        assert_eq!(ledger.payload(&first).unwrap(), Some(Opened::Erased));
        assert_eq!(ledger.payload(&second).unwrap(), opened(b"other"));
        let again = ledger.seal(&ours, &salt(4), b"again");
        assert!(matches!(again, Err(PayloadError::Vault(VaultError::Erased))), "{again:?}");
        // What was sealed before and comes after: the entry is recorded, the payload is not.
        ledger.append(vec![with_payload(Stream::Activity, "a1", late)], None, Durability::Synced).unwrap();
        assert_eq!(texts(ledger, Stream::Activity), ["a0", "a1"]);
        assert_eq!(ledger.payload(&third).unwrap(), None);
        ledger.erase(&ours).unwrap();
        // Erased before it ever had a key.
        ledger.erase(&subject("task-3")).unwrap();
        assert!(ledger.seal(&subject("task-3"), &salt(5), b"x").is_err());
    });
}

#[test]
fn a_payload_of_another_ledger_is_refused_with_its_batch() {
    each_engine(|ledger| {
        let foreign = DataKey::from_bytes([9; 32]).seal(&subject("task-9"), &salt(1), b"x").unwrap();
        let batch = vec![append(Stream::Control, "c"), with_payload(Stream::Activity, "a", foreign)];
        let refused = ledger.append(batch, None, Durability::Synced);
        assert!(matches!(refused, Err(AppendError::ForeignPayload { .. })), "{refused:?}");
        assert_eq!((ledger.tip(Stream::Control), ledger.tip(Stream::Activity)), (0, 0));
    });
}

#[test]
fn many_writers_get_one_order() {
    each_engine(|ledger| {
        std::thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || {
                    for number in 0..20 {
                        let text = format!("{writer}/{number}");
                        loop {
                            let size = ledger.tip(Stream::Control);
                            let expected = Some(Expected { stream: Stream::Control, size });
                            let batch = vec![append(Stream::Control, &text), append(Stream::Activity, &text)];
                            match ledger.append(batch, expected, Durability::Written) {
                                Ok(receipts) => break assert_eq!(receipts[0].index(), size),
                                Err(AppendError::Conflict { actual, .. }) => assert!(actual > size),
                                Err(error) => panic!("{error}"),
                            }
                        }
                    }
                });
            }
        });
        let mut control = texts(ledger, Stream::Control);
        assert_eq!(control, texts(ledger, Stream::Activity));
        for writer in 0..8 {
            let own = control.iter().filter(|t| t.starts_with(&format!("{writer}/")));
            assert!(own.eq((0..20).map(|n| format!("{writer}/{n}")).collect::<Vec<_>>().iter()));
        }
        control.sort();
        control.dedup();
        assert_eq!(control.len(), 160);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The same appends give the same log, down to the signature, in every engine and after every reopening.
    #[test]
    fn engines_agree(batches in prop::collection::vec((any::<bool>(), 1_u64..400, any::<bool>()), 1..8)) {
        let memory = MemoryLedger::new(&keys()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut sqlite = open(directory.path());
        for (control, count, reopen) in batches {
            let stream = if control { Stream::Control } else { Stream::Activity };
            append_row(&memory, stream, count);
            append_row(&sqlite, stream, count);
            if reopen {
                drop(sqlite);
                sqlite = open(directory.path());
            }
            for stream in Stream::ALL {
                prop_assert_eq!(memory.head(stream), sqlite.head(stream));
            }
        }
        for stream in Stream::ALL {
            prop_assert_eq!(texts(&memory, stream), texts(&sqlite, stream));
            for (id, width) in TileId::all(memory.tip(stream)) {
                prop_assert_eq!(memory.tile(stream, id, width).unwrap(), sqlite.tile(stream, id, width).unwrap());
            }
        }
    }
}

#[test]
fn entries_hash_as_they_were_given() {
    each_engine(|ledger| {
        let entry = Entry::new(b"{\"a\":1}".to_vec()).unwrap();
        ledger.append(vec![append(Stream::Control, "{\"a\":1}")], None, Durability::Synced).unwrap();
        assert_eq!(ledger.head(Stream::Control).root, entry.leaf_hash());
    });
}
