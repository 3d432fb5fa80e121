//! Somebody with the file and without the key: what they change is named.

use std::path::Path;

use rusqlite::{Connection, params};
use writ_ledger::entry::BundleEntries;
use writ_ledger::verify::Fault;
use writ_ledger::{Checkpoint, Entry, Storage, Stream};

use super::fixture::{append_row, assert_intact, keys, numbered, open, verify};

/// A closed ledger with these rows in the control stream; returns the checkpoint after the last.
fn ledger(directory: &Path, rows: &[u64]) -> Checkpoint {
    let ledger = open(directory);
    rows.iter().for_each(|count| append_row(&ledger, Stream::Control, *count));
    append_row(&ledger, Stream::Activity, 10);
    let head = ledger.head(Stream::Control);
    drop(ledger);
    assert_intact(directory);
    Checkpoint::new(&keys().origin.of(Stream::Control), head.size, head.root).unwrap()
}

fn after(rows: &[u64], tamper: impl FnOnce(&Connection)) -> Vec<Fault> {
    let directory = tempfile::tempdir().unwrap();
    let held = ledger(directory.path(), rows);
    tamper(&Connection::open(directory.path().join("ledger.sqlite")).unwrap());
    assert!(verify(directory.path(), Stream::Activity, &[]).is_intact(), "the other stream is as it was");
    verify(directory.path(), Stream::Control, &[held]).faults
}

fn entries(database: &Connection, first: u64) -> Vec<Vec<u8>> {
    let sql = "SELECT entries FROM control_row WHERE first = ?";
    let bundle: Vec<u8> = database.query_row(sql, [first as i64], |row| row.get(0)).unwrap();
    BundleEntries::new(&bundle).map(|entry| entry.unwrap().to_vec()).collect()
}

fn set_entries(database: &Connection, first: u64, entries: &[Vec<u8>]) {
    let mut bundle = Vec::new();
    entries.iter().for_each(|bytes| Entry::new(bytes.clone()).unwrap().push_to(&mut bundle));
    let sql = "UPDATE control_row SET entries = ? WHERE first = ?";
    assert_eq!(database.execute(sql, params![bundle, first as i64]).unwrap(), 1);
}

fn run(sql: &'static str) -> impl FnOnce(&Connection) {
    move |database| database.execute_batch(sql).unwrap()
}

#[test]
fn changed_bytes_of_an_entry() {
    let faults = after(&[1, 50, 300, 1], |database| {
        let mut row = entries(database, 51);
        row[200] = numbered(9999).into_bytes();
        set_entries(database, 51, &row);
    });
    assert_eq!(faults, [Fault::Changed { index: 251 }]);
    assert_eq!(faults[0].to_string(), "entry 251 was changed");
}

#[test]
fn changed_leaf_hash() {
    let faults = after(&[1, 50, 300], |database| {
        let sql = "SELECT leaves FROM control_row WHERE first = 1";
        let mut leaves: Vec<u8> = database.query_row(sql, [], |row| row.get(0)).unwrap();
        leaves[320..352].fill(0);
        database.execute("UPDATE control_row SET leaves = ? WHERE first = 1", [leaves]).unwrap();
    });
    assert_eq!(faults, [Fault::LeafHash { index: 11 }]);
}

#[test]
fn changed_entry_with_its_leaf_hash() {
    let faults = after(&[1; 12], |database| {
        set_entries(database, 7, &[b"forged".to_vec()]);
        let leaf = Entry::new(b"forged".to_vec()).unwrap().leaf_hash();
        let sql = "UPDATE control_row SET leaves = ? WHERE first = 7";
        database.execute(sql, [leaf.as_bytes()]).unwrap();
    });
    assert_eq!(faults, [Fault::Changed { index: 7 }]);
}

#[test]
fn dropped_row_and_dropped_entry() {
    assert_eq!(
        after(&[1; 12], run("DELETE FROM control_row WHERE first = 7")),
        [Fault::Dropped { from: 7, to: 8 }]
    );
    let faults = after(&[300, 300], |database| {
        let mut row = entries(database, 300);
        row.remove(123);
        set_entries(database, 300, &row);
    });
    assert_eq!(faults, [Fault::Dropped { from: 423, to: 424 }]);
}

#[test]
fn exchanged_rows_and_exchanged_entries() {
    let moved = |index, belongs_at| Fault::Moved { index, belongs_at };
    let sql = "UPDATE control_row SET first = -1 WHERE first = 3; UPDATE control_row SET first = 3 WHERE first = 8; \
               UPDATE control_row SET first = 8 WHERE first = -1";
    assert_eq!(after(&[1; 12], run(sql)), [moved(3, 8), moved(8, 3)]);
    let faults = after(&[20, 20], |database| {
        let mut row = entries(database, 20);
        row.swap(4, 9);
        set_entries(database, 20, &row);
    });
    assert_eq!(faults, [moved(24, 29), moved(29, 24)]);
    assert_eq!(faults[0].to_string(), "the entry that stands at 24 was signed at 29: reordered");
}

#[test]
fn truncated_tail_shows_against_a_held_checkpoint() {
    let faults = after(&[10, 10, 10], run("DELETE FROM control_row WHERE first = 20"));
    assert_eq!(faults, [Fault::Truncated { size: 20, at_least: 30 }]);
    let faults = after(&[10], run("DELETE FROM control_row"));
    assert_eq!(faults, [Fault::Truncated { size: 0, at_least: 10 }]);
}

#[test]
fn tiles_and_signatures() {
    let tile = |level, index| [Fault::Tile { level, index }];
    assert_eq!(after(&[300, 300], run("DELETE FROM tile WHERE level = 0 AND n = 1")), tile(0, 1));
    assert_eq!(
        after(&[300, 300], run("UPDATE tile SET hashes = zeroblob(64) WHERE level = 1 AND stream = 2")),
        tile(1, 0)
    );
    let sql = "UPDATE control_row SET signature = zeroblob(64) WHERE first = 20";
    assert_eq!(after(&[10, 10, 10], run(sql)), [Fault::Unsigned { from: 20, to: 30 }]);
    // Roots inside the log are compared too.
    assert_eq!(
        after(&[10, 10, 10], run("UPDATE control_row SET root = zeroblob(32) WHERE first = 10")),
        [Fault::Root { size: 20 }]
    );
}
