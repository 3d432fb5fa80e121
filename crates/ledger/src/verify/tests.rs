use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::append::plan;
use crate::entry::{BundleEntries, Entry};
use crate::note::{SigningKey, SigningSeed};
use crate::tree::Tree;

/// A stored log in memory, free to be tampered with.
#[derive(Clone, Default)]
struct Log {
    rows: BTreeMap<u64, StoredRow>,
    tiles: BTreeMap<TileId, Vec<u8>>,
}

impl LogSource for Log {
    type Error = Infallible;

    fn rows(&mut self, _: Stream, from: u64, max: usize) -> Result<Vec<StoredRow>, Infallible> {
        Ok(self.rows.range(from..).take(max).map(|(_, row)| row.clone()).collect())
    }

    fn tile(&mut self, _: Stream, id: TileId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.tiles.get(&id).cloned())
    }
}

fn key() -> SigningKey {
    SigningKey::new("writ.example/control", SigningSeed::from_bytes([1; 32])).unwrap()
}

fn entry(index: u64) -> Entry {
    Entry::new(format!("{{\"entry\":{index}}}").into_bytes()).unwrap()
}

fn log(rows: &[usize]) -> Log {
    let (mut log, mut tree) = (Log::default(), Tree::default());
    for count in rows {
        let entries: Vec<_> = (tree.size()..).take(*count).map(entry).collect();
        let plan = plan(&tree, &entries).unwrap();
        let checkpoint = Checkpoint::new(key().name(), plan.tree.size(), plan.tree.root()).unwrap();
        let row = StoredRow {
            first: plan.row.first,
            count: plan.row.count.into(),
            leaves: plan.row.leaves,
            root: plan.row.root.as_bytes().to_vec(),
            signature: key().sign(&checkpoint.to_text()).to_vec(),
            bundle: plan.row.bundle,
        };
        log.rows.insert(row.first, row);
        log.tiles.extend(plan.tiles.iter().map(|t| (t.id, Hash::join_bytes(&t.hashes))));
        tree = plan.tree;
    }
    log
}

fn verify(log: &Log, held: &[Checkpoint]) -> Report {
    let trust = Trust { key: key().verifying_key(), held: held.to_vec() };
    verify_stream(&mut log.clone(), Stream::Control, &trust).unwrap()
}

fn faults(log: &Log) -> Vec<Fault> {
    verify(log, &[]).faults
}

impl Log {
    fn row(&mut self, first: u64) -> &mut StoredRow {
        self.rows.get_mut(&first).unwrap()
    }

    fn entries(&self, first: u64) -> Vec<Vec<u8>> {
        BundleEntries::new(&self.rows[&first].bundle).map(|e| e.unwrap().to_vec()).collect()
    }

    fn set_entries(&mut self, first: u64, entries: &[Vec<u8>]) {
        let mut bundle = Vec::new();
        entries.iter().for_each(|e| Entry::new(e.clone()).unwrap().push_to(&mut bundle));
        self.row(first).bundle = bundle;
    }

    /// Makes leaf hashes, count and root fit the entries, as somebody would who has everything but the key.
    fn refit(&mut self, first: u64) {
        let mut frontier = crate::tree::Frontier::default();
        for row in self.rows.range(..first).map(|(_, row)| row) {
            Hash::split_bytes(&row.leaves).unwrap().into_iter().for_each(|l| frontier.push(l));
        }
        let firsts: Vec<u64> = self.rows.range(first..).map(|(first, _)| *first).collect();
        for first in firsts {
            let hashes: Vec<Hash> = self.entries(first).iter().map(|e| Hash::leaf(e)).collect();
            hashes.iter().for_each(|l| frontier.push(*l));
            let row = self.row(first);
            row.count = hashes.len() as u64;
            row.leaves = Hash::join_bytes(&hashes);
            row.root = frontier.root().as_bytes().to_vec();
        }
    }
}

fn checkpoint_at(rows: &[usize]) -> Checkpoint {
    let report = verify(&log(rows), &[]);
    Checkpoint::new(key().name(), report.size, report.root.unwrap()).unwrap()
}

#[test]
fn an_untouched_log_is_intact() {
    for rows in [&[][..], &[1], &[1, 1, 1], &[256], &[5, 300, 1, 700], &[255, 1, 1], &[4000; 17]] {
        let log = log(rows);
        let report = verify(&log, &[checkpoint_at(rows)]);
        assert_eq!(report.faults, [], "{rows:?}");
        assert_eq!((report.size, report.rows), (rows.iter().sum::<usize>() as u64, rows.len() as u64));
    }
}

#[test]
fn a_changed_entry_is_named() {
    for (rows, at, index) in [
        (&[1, 1, 1, 1][..], 2, 2),
        (&[1], 0, 0),
        (&[5, 5, 5], 5, 7),
        (&[300, 300], 0, 10),
        (&[300, 300], 300, 599),
    ] {
        let mut log = log(rows);
        let mut entries = log.entries(at);
        let place = usize::try_from(index - at).unwrap();
        *entries[place].last_mut().unwrap() = b'!';
        log.set_entries(at, &entries);
        assert_eq!(faults(&log), [Fault::Changed { index }], "{rows:?}");
        // Another length, too.
        entries[place].push(b'!');
        log.set_entries(at, &entries);
        assert_eq!(faults(&log), [Fault::Changed { index }], "{rows:?}");
    }
}

#[test]
fn a_changed_entry_is_named_though_its_row_was_made_to_fit() {
    // One entry to the row: the row is the entry.
    let mut lone = log(&[1; 10]);
    lone.set_entries(6, &[b"forged".to_vec()]);
    let untouched = lone.clone();
    lone.refit(6);
    assert_eq!(faults(&lone), [Fault::Unsigned { from: 6, to: 7 }]);
    // Only that row was made to fit, the later ones were left alone.
    let mut half = untouched;
    let refitted = lone.row(6).clone();
    *half.row(6) = refitted;
    assert_eq!(faults(&half), [Fault::Unsigned { from: 6, to: 7 }]);

    // Many entries to the row: the level-0 tile still knows the hash.
    let mut batch = log(&[100, 200, 100]);
    let mut entries = batch.entries(100);
    entries[42] = b"forged".to_vec();
    batch.set_entries(100, &entries);
    batch.refit(100);
    let found = faults(&batch);
    assert!(found.iter().any(|f| matches!(f, Fault::Unsigned { from: 100, to: 300 })), "{found:?}");

    let mut tiled = log(&[100, 156, 100]);
    let mut entries = tiled.entries(100);
    entries[42] = b"forged".to_vec();
    tiled.set_entries(100, &entries);
    tiled.refit(100);
    assert_eq!(faults(&tiled)[0], Fault::Changed { index: 142 });
}

#[test]
fn a_changed_hash_root_signature_or_tile_is_told_from_a_changed_entry() {
    let rows = [100, 200, 300, 100];
    let mut changed = log(&rows);
    changed.row(100).leaves[32 * 7] ^= 1;
    assert_eq!(faults(&changed), [Fault::LeafHash { index: 107 }]);

    let mut changed = log(&rows);
    changed.row(100).root[0] ^= 1;
    assert_eq!(faults(&changed), [Fault::Root { size: 300 }]);

    let mut changed = log(&rows);
    changed.row(600).signature[0] ^= 1;
    assert_eq!(faults(&changed), [Fault::Unsigned { from: 600, to: 700 }]);

    for id in [TileId { level: 0, index: 1 }, TileId { level: 1, index: 0 }] {
        let mut changed = log(&rows);
        changed.tiles.get_mut(&id).unwrap()[40] ^= 1;
        assert_eq!(faults(&changed), [Fault::Tile { level: id.level, index: id.index }]);
        changed.tiles.remove(&id);
        assert_eq!(faults(&changed), [Fault::Tile { level: id.level, index: id.index }]);
    }
}

#[test]
fn entry_and_leaf_hash_changed_together_are_named() {
    let mut lone = log(&[1; 600]);
    lone.set_entries(300, &[b"forged".to_vec()]);
    lone.row(300).leaves = Hash::leaf(b"forged").as_bytes().to_vec();
    assert_eq!(faults(&lone), [Fault::Changed { index: 300 }]);
    // Beyond the last full tile nothing else knows the hash, but a row of one entry names it still.
    let mut tail = log(&[1; 600]);
    tail.set_entries(590, &[b"forged".to_vec()]);
    tail.row(590).leaves = Hash::leaf(b"forged").as_bytes().to_vec();
    assert_eq!(faults(&tail), [Fault::Changed { index: 590 }]);
    let mut batch = log(&[10, 10, 10]);
    let mut entries = batch.entries(10);
    entries[3] = b"forged".to_vec();
    batch.set_entries(10, &entries);
    batch.row(10).leaves[96..128].copy_from_slice(Hash::leaf(b"forged").as_bytes());
    assert_eq!(faults(&batch), [Fault::ChangedWithin { from: 10, to: 20 }]);
}

#[test]
fn a_dropped_entry_is_named() {
    // A whole row, with and without tiles that remember it.
    let mut rows = log(&[1; 10]);
    rows.rows.remove(&4);
    assert_eq!(faults(&rows), [Fault::Dropped { from: 4, to: 5 }]);
    let mut tiled = log(&[100; 10]);
    tiled.rows.remove(&400);
    assert_eq!(faults(&tiled), [Fault::Dropped { from: 400, to: 500 }]);
    // The first row.
    let mut first = log(&[2, 3]);
    first.rows.remove(&0);
    assert_eq!(faults(&first), [Fault::Dropped { from: 0, to: 2 }]);

    // One entry of a row, its hash still there.
    let mut one = log(&[10, 10, 10]);
    let mut entries = one.entries(10);
    entries.remove(7);
    one.set_entries(10, &entries);
    assert_eq!(faults(&one), [Fault::Dropped { from: 17, to: 18 }]);

    // One entry of a row, with its hash, and the count made to fit; the tile remembers.
    let mut fitted = log(&[100, 156, 10]);
    let mut entries = fitted.entries(100);
    entries.remove(50);
    fitted.set_entries(100, &entries);
    let row = fitted.row(100);
    row.leaves.drain(50 * 32..51 * 32);
    row.count -= 1;
    assert!(faults(&fitted).contains(&Fault::Dropped { from: 150, to: 151 }), "{:?}", faults(&fitted));
}

#[test]
fn an_inserted_entry_is_named() {
    let mut log = log(&[10, 10, 10]);
    let mut entries = log.entries(10);
    entries.insert(4, b"never signed".to_vec());
    log.set_entries(10, &entries);
    assert_eq!(faults(&log), [Fault::Inserted { index: 14 }]);
}

#[test]
fn reordered_entries_are_named() {
    let moved = |index, belongs_at| Fault::Moved { index, belongs_at };
    // Inside a row.
    let mut inside = log(&[10, 10]);
    let mut entries = inside.entries(10);
    entries.swap(2, 5);
    inside.set_entries(10, &entries);
    assert_eq!(faults(&inside), [moved(12, 15), moved(15, 12)]);

    // Between rows, hashes left behind.
    let mut between = log(&[10, 10, 10]);
    let (mut a, mut b) = (between.entries(0), between.entries(20));
    std::mem::swap(&mut a[1], &mut b[9]);
    between.set_entries(0, &a);
    between.set_entries(20, &b);
    assert_eq!(faults(&between), [moved(1, 29), moved(29, 1)]);

    // Whole rows, with everything but their place; then with root and signature left behind.
    for leave_signatures in [false, true] {
        let mut rows = log(&[1; 10]);
        let (mut a, mut b) = (rows.rows.remove(&3).unwrap(), rows.rows.remove(&7).unwrap());
        (a.first, b.first) = (7, 3);
        if leave_signatures {
            std::mem::swap(&mut a.root, &mut b.root);
            std::mem::swap(&mut a.signature, &mut b.signature);
        }
        rows.rows.insert(7, a);
        rows.rows.insert(3, b);
        assert_eq!(faults(&rows), [moved(3, 7), moved(7, 3)], "{leave_signatures}");
    }
}

#[test]
fn a_cut_tail_shows_against_a_held_checkpoint() {
    let held = checkpoint_at(&[10, 10, 10]);
    let mut cut = log(&[10, 10, 10]);
    cut.rows.remove(&20);
    assert_eq!(faults(&cut), [], "nothing else can show it");
    assert_eq!(
        verify(&cut, std::slice::from_ref(&held)).faults,
        [Fault::Truncated { size: 20, at_least: 30 }]
    );
    let nothing = Log::default();
    assert_eq!(verify(&nothing, &[held]).faults, [Fault::Truncated { size: 0, at_least: 30 }]);

    // Tiles that were left behind show it without one.
    let mut traces = log(&[200, 200, 200]);
    traces.rows.remove(&400);
    assert_eq!(faults(&traces), [Fault::Truncated { size: 400, at_least: 512 }]);
}

#[test]
fn another_history_shows_against_a_held_checkpoint() {
    let ours = log(&[10, 10, 10]);
    assert_eq!(verify(&ours, &[checkpoint_at(&[3]), checkpoint_at(&[10, 7])]).faults, []);
    let other = Checkpoint::new(key().name(), 17, Hash::leaf(b"another")).unwrap();
    assert_eq!(verify(&ours, &[other]).faults, [Fault::Forked { size: 17 }]);
}

#[test]
fn another_key_signs_nothing() {
    let other = SigningKey::new(key().name(), SigningSeed::from_bytes([2; 32])).unwrap();
    let trust = Trust { key: other.verifying_key(), held: vec![] };
    let report = verify_stream(&mut log(&[3, 3]), Stream::Control, &trust).unwrap();
    assert_eq!(report.faults, [Fault::Unsigned { from: 0, to: 3 }]);
}

#[test]
fn absurd_rows_are_faults_and_nothing_worse() {
    let absurd = |change: fn(&mut StoredRow)| {
        let mut log = log(&[5, 5]);
        let mut row = log.rows.remove(&5).unwrap();
        change(&mut row);
        log.rows.insert(row.first, row);
        assert!(!verify(&log, &[]).is_intact());
    };
    absurd(|row| row.count = u64::MAX);
    absurd(|row| row.count = 0);
    absurd(|row| row.first = u64::MAX);
    absurd(|row| row.first = u64::MAX - 3);
    absurd(|row| (row.first, row.count) = ((1 << 62) - 1, u64::MAX));
    absurd(|row| row.first = 2);
    absurd(|row| row.leaves = vec![]);
    absurd(|row| row.leaves.truncate(33));
    absurd(|row| row.root = vec![]);
    absurd(|row| row.signature = vec![0; 63]);
    absurd(|row| row.bundle = vec![]);
    absurd(|row| row.bundle = vec![0xff; 100]);
    absurd(|row| row.bundle.truncate(20));
    absurd(|row| *row = StoredRow { first: row.first, ..StoredRow::default() });
}

type AnyRow = (u64, u64, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

fn any_row() -> impl Strategy<Value = AnyRow> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 0..most);
    let edge = || prop_oneof![0_u64..20, Just(u64::MAX), Just((1 << 62) - 1), any::<u64>()];
    (edge(), edge(), bytes(200), bytes(40), bytes(70), bytes(100))
}

proptest! {
    #[test]
    fn rows_of_any_content_make_a_report(rows in prop::collection::vec(any_row(), 0..6), mix: bool) {
        let mut log = if mix { log(&[3, 3, 3]) } else { Log::default() };
        for (first, count, leaves, root, signature, bundle) in rows {
            log.rows.insert(first, StoredRow { first, count, leaves, root, signature, bundle });
        }
        let _ = verify(&log, &[]);
    }

    /// Whatever one byte of a stored row or tile becomes, it does not pass.
    #[test]
    fn one_changed_byte_never_passes(row in 0_usize..4, part in 0_usize..5, at: usize, flip in 1_u8..) {
        let mut log = log(&[100, 156, 1, 40]);
        let first = *log.rows.keys().nth(row).unwrap();
        let last = row == 3;
        let stored = log.row(first);
        let bytes = match part {
            0 => &mut stored.leaves,
            1 => &mut stored.root,
            2 if last => &mut stored.signature,
            3 => log.tiles.get_mut(&TileId { level: 0, index: 0 }).unwrap(),
            _ => &mut stored.bundle,
        };
        let at = at % bytes.len();
        bytes[at] ^= flip;
        prop_assert!(!verify(&log, &[]).is_intact());
    }
}
