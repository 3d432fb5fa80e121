//! Erased means gone from every file, not only from every answer.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use writ_control::store::{Options, SqliteLedger};
use writ_ledger::storage::PayloadError;
use writ_ledger::vault::Opened;
use writ_ledger::{Durability, Payload, Storage, Stream};

use super::fixture::{assert_intact, open_with, salt, subject, with_payload};

/// How many of these hold a part that also some file of the ledger holds, long enough to be no accident.
fn on_disk<'a>(directory: &Path, secrets: impl Iterator<Item = &'a [u8]>) -> usize {
    let parts =
        secrets.enumerate().flat_map(|(number, bytes)| bytes.chunks_exact(16).map(move |p| (p, number)));
    let parts: HashMap<&[u8], usize> = parts.collect();
    let mut found: BTreeSet<usize> = BTreeSet::new();
    for file in fs::read_dir(directory).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        found.extend(content.windows(16).filter_map(|window| parts.get(window)).copied());
    }
    found.len()
}

/// With next to no reserve, so that searching all files is quick.
fn open_small(directory: &Path) -> SqliteLedger {
    open_with(directory, Options { reserve_bytes: Some(4096), ..Options::default() })
}

fn wrapped_keys(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let reader = Connection::open(directory.join("ledger.sqlite")).unwrap();
    let mut statement = reader.prepare("SELECT name, wrapped FROM subject ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A text that is found only where it was put.
fn plain(subject: &str, number: u64, length: usize) -> Vec<u8> {
    format!("plaintext of {subject} number {number:06} ")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(length)
        .collect()
}

#[test]
fn neither_key_nor_payload_of_an_erased_subject_is_in_any_file() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open_small(directory.path());
    let names = ["task-a", "task-b", "task-c"];
    let mut kept: Vec<(String, u64, usize, Payload)> = Vec::new();
    // Interleaved, of many sizes: within a page, spilling over pages, and enough for the tables to be several levels.
    for number in 0..30 {
        let length = [40, 300, 1500, 5000, 9000][usize::try_from(number).unwrap() % 5];
        let mut batch = Vec::new();
        for name in names {
            let sealed = ledger.seal(&subject(name), &salt(number), &plain(name, number, length)).unwrap();
            kept.push((name.to_owned(), number, length, sealed.clone()));
            batch.push(with_payload(Stream::Activity, &format!("{name} {number}"), sealed));
        }
        ledger.append(batch, None, Durability::Written).unwrap();
        // Half of it in the database, half in the log when the erasure comes.
        if number == 15 {
            ledger.erase(&subject("nobody")).unwrap();
        }
    }
    let wrapped = wrapped_keys(directory.path());
    let of = |wanted: &'static str| kept.iter().filter(move |(name, ..)| name == wanted);
    let ciphertexts = |wanted| on_disk(directory.path(), of(wanted).map(|(.., sealed)| sealed.ciphertext()));
    let keys = || {
        on_disk(
            directory.path(),
            wrapped.iter().filter(|(n, _)| n != "nobody").map(|(_, key)| key.as_slice()),
        )
    };
    let plaintexts: Vec<_> =
        kept.iter().map(|(name, number, length, _)| plain(name, *number, *length)).collect();
    assert_eq!(
        on_disk(directory.path(), plaintexts.iter().map(Vec::as_slice)),
        0,
        "plaintext is never stored"
    );
    assert_eq!((names.map(ciphertexts), keys()), ([30, 30, 30], 3));

    assert_eq!(ledger.erase(&subject("task-a")).unwrap(), 30);
    assert_eq!((names.map(ciphertexts), keys()), ([0, 30, 30], 2));
    for (.., sealed) in of("task-a") {
        assert_eq!(ledger.payload(&sealed.commitment()).unwrap(), Some(Opened::Erased));
    }
    for (name, number, length, sealed) in of("task-b").chain(of("task-c")) {
        let opened = ledger.payload(&sealed.commitment()).unwrap();
        assert_eq!(opened, Some(Opened::Payload(plain(name, *number, *length).into())));
    }
    // Erasing the neighbours leaves nothing of theirs either.
    ledger.erase(&subject("task-b")).unwrap();
    assert_eq!((names.map(ciphertexts), keys()), ([0, 0, 30], 1));
    let log = fs::metadata(directory.path().join("ledger.sqlite-wal")).unwrap();
    assert_eq!(log.len(), 0);
    drop(ledger);
    assert_intact(directory.path());
}

#[test]
fn every_stored_byte_of_an_erased_payload_is_zero() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open_small(directory.path());
    for number in 0..40 {
        let sealed = ledger.seal(&subject("task-a"), &salt(number), &plain("a", number, 3000)).unwrap();
        ledger.append(vec![with_payload(Stream::Activity, "a", sealed)], None, Durability::Synced).unwrap();
    }
    ledger.erase(&subject("task-a")).unwrap();
    let reader = Connection::open(directory.path().join("ledger.sqlite")).unwrap();
    let nonzero = "SELECT count(*) FROM payload WHERE ciphertext != zeroblob(3000 + 32 + 16)";
    assert_eq!(reader.query_row(nonzero, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_reader_that_holds_the_log_is_told_of_and_the_erasure_can_be_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open_small(directory.path());
    let sealed = ledger.seal(&subject("task-a"), &salt(1), &plain("a", 1, 500)).unwrap();
    let (commitment, ciphertext) = (sealed.commitment(), sealed.ciphertext().to_vec());
    ledger.append(vec![with_payload(Stream::Activity, "a", sealed)], None, Durability::Synced).unwrap();

    let reader = Connection::open(directory.path().join("ledger.sqlite")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM payload;").unwrap();
    let held = ledger.erase(&subject("task-a"));
    assert!(matches!(held, Err(PayloadError::StillRead)), "{held:?}");
    assert_eq!(ledger.payload(&commitment).unwrap(), Some(Opened::Erased));
    reader.execute_batch("COMMIT").unwrap();
    ledger.erase(&subject("task-a")).unwrap();
    assert_eq!(on_disk(directory.path(), std::iter::once(ciphertext.as_slice())), 0);
}
