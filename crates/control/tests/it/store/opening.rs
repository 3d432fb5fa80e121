//! What is checked before a ledger is opened, and what an opened one knows again.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use writ_control::store::{
    AuditError, LedgerKeys, OpenError, Options, SqliteAudit, SqliteLedger, Submission,
};
use writ_ledger::note::SigningSeed;
use writ_ledger::storage::{AppendError, Sizes};
use writ_ledger::vault::{MasterKey, Opened};
use writ_ledger::{Durability, Origin, Storage, Stream};

use super::fixture::{append, append_row, keys, open, salt, subject, with_payload};

fn change(directory: &Path, sql: &str) {
    Connection::open(directory.join("ledger.sqlite")).unwrap().execute_batch(sql).unwrap();
}

fn refusal(directory: &Path, keys: LedgerKeys) -> OpenError {
    SqliteLedger::open(directory, keys, Options::default()).unwrap_err()
}

#[test]
fn everything_is_there_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(&directory.path().join("deep/er"));
    let directory = directory.path().join("deep/er");
    append_row(&ledger, Stream::Activity, 66_000 / 20);
    let sealed = ledger.seal(&subject("task-1"), &salt(1), b"prompt").unwrap();
    let commitment = sealed.commitment();
    ledger.append(vec![with_payload(Stream::Control, "c", sealed)], None, Durability::Written).unwrap();
    ledger.put_snapshot(7, Sizes { activity: 3300, control: 1 }, b"state".to_vec()).unwrap();
    let heads = Stream::ALL.map(|stream| ledger.head(stream));
    drop(ledger);
    let ledger = open(&directory);
    assert_eq!(Stream::ALL.map(|stream| ledger.head(stream)), heads);
    assert_eq!(ledger.payload(&commitment).unwrap(), Some(Opened::Payload(b"prompt".to_vec().into())));
    assert_eq!(ledger.latest_snapshot(7).unwrap().unwrap().body, b"state");
    append_row(&ledger, Stream::Activity, 500);
}

#[test]
fn files_are_private() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let ledger = open(&path);
    append_row(&ledger, Stream::Control, 1);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in std::fs::read_dir(&path).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn other_keys_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    append_row(&open(directory.path()), Stream::Control, 1);
    let refused = refusal(
        directory.path(),
        LedgerKeys { origin: Origin::new("writ.example/other").unwrap(), ..keys() },
    );
    assert!(matches!(refused, OpenError::OtherOrigin { .. }), "{refused}");
    let refused =
        refusal(directory.path(), LedgerKeys { signer: SigningSeed::from_bytes([9; 32]), ..keys() });
    assert!(matches!(refused, OpenError::OtherKey), "{refused}");
    let refused =
        refusal(directory.path(), LedgerKeys { vault_master: MasterKey::from_bytes([9; 32]), ..keys() });
    assert!(matches!(refused, OpenError::OtherMasterKey), "{refused}");
    drop(open(directory.path()));
}

#[test]
fn unknown_versions_and_strange_files_are_refused() {
    let made = |sql: &str| {
        let directory = tempfile::tempdir().unwrap();
        append_row(&open(directory.path()), Stream::Control, 1);
        change(directory.path(), sql);
        let audit = SqliteAudit::open(directory.path());
        (refusal(directory.path(), keys()), audit.err())
    };
    let (refused, audit) = made("PRAGMA user_version = 2");
    assert!(matches!(refused, OpenError::NewerSchema { found: 2, known: 1 }), "{refused}");
    assert!(matches!(audit, Some(AuditError::Unknown { version: 2, .. })));
    let (refused, audit) = made("PRAGMA application_id = 5");
    assert!(matches!(refused, OpenError::NotALedger { found: 5, .. }), "{refused}");
    assert!(audit.is_some());

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ledger.sqlite"), b"this is no database, whatever its name says")
        .unwrap();
    assert!(matches!(refusal(directory.path(), keys()), OpenError::Sqlite(_)));
    assert!(matches!(SqliteAudit::open(directory.path()), Err(AuditError::Sqlite(_))));

    let directory = tempfile::tempdir().unwrap();
    change(directory.path(), "CREATE TABLE somebodys (x)");
    assert!(matches!(refusal(directory.path(), keys()), OpenError::NotALedger { found: 0, .. }));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert!(matches!(refusal(&file, keys()), OpenError::Directory { .. }));
    assert!(matches!(SqliteAudit::open(directory.path()), Err(AuditError::Missing(_))));
}

#[test]
fn a_tail_that_was_tampered_with_is_not_opened() {
    let made = |sql: &str| {
        let directory = tempfile::tempdir().unwrap();
        let ledger = open(directory.path());
        (0..3).for_each(|_| append_row(&ledger, Stream::Control, 300));
        drop(ledger);
        change(directory.path(), sql);
        refusal(directory.path(), keys())
    };
    let refused = made("UPDATE control_row SET signature = zeroblob(64) WHERE first = 600");
    assert!(matches!(refused, OpenError::Unsigned { stream: Stream::Control }), "{refused}");
    for sql in [
        "UPDATE control_row SET root = zeroblob(32) WHERE first = 600",
        "UPDATE control_row SET leaves = zeroblob(32 * 300) WHERE first = 600",
        "UPDATE control_row SET count = 301 WHERE first = 600",
        "UPDATE tile SET hashes = zeroblob(96) WHERE level = 1",
        "DELETE FROM tile WHERE level = 1",
    ] {
        let refused = made(sql);
        assert!(matches!(refused, OpenError::Damaged { stream: Stream::Control }), "{sql}: {refused}");
    }
}

#[test]
fn a_snapshot_that_does_not_fit_is_passed_over() {
    let made = |sql: &str| {
        let directory = tempfile::tempdir().unwrap();
        let ledger = open(directory.path());
        append_row(&ledger, Stream::Control, 5);
        ledger.put_snapshot(1, Sizes { activity: 0, control: 2 }, b"older".to_vec()).unwrap();
        ledger.put_snapshot(1, Sizes { activity: 0, control: 4 }, b"newer".to_vec()).unwrap();
        drop(ledger);
        change(directory.path(), sql);
        let found = open(directory.path()).latest_snapshot(1).unwrap();
        String::from_utf8(found.unwrap().body).unwrap()
    };
    assert_eq!(made(""), "newer");
    for sql in [
        "UPDATE snapshot SET body = x'00' WHERE id = 2",
        "UPDATE snapshot SET control = 3 WHERE id = 2",
        "UPDATE snapshot SET control = 900 WHERE id = 2",
        "UPDATE snapshot SET note = 'x' WHERE id = 2",
        "UPDATE snapshot SET note = (SELECT note FROM snapshot WHERE id = 1) WHERE id = 2",
    ] {
        assert_eq!(made(sql), "older", "{sql}");
    }
}

#[test]
fn submitting_answers_through_the_callback() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path());
    let (answer, answered) = std::sync::mpsc::channel();
    for number in 0..100 {
        let answer = answer.clone();
        let batch = vec![append(Stream::Activity, &format!("{number}"))];
        let submission =
            Submission { batch, expected: None, durability: Durability::Synced, revocation: false };
        ledger.submit(submission, Box::new(move |outcome| answer.send(outcome).unwrap())).unwrap();
    }
    // Closing finishes what was submitted.
    drop(ledger);
    drop(answer);
    let indexes: Vec<u64> = answered.iter().map(|outcome| outcome.unwrap()[0].index()).collect();
    assert!(indexes.into_iter().eq(0..100));
}

#[test]
fn a_flood_is_refused_and_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path());
    let (answer, answered) = std::sync::mpsc::channel();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..2000 {
        let answer = answer.clone();
        let batch = vec![append(Stream::Activity, &"x".repeat(1000)); 100];
        let submission =
            Submission { batch, expected: None, durability: Durability::Written, revocation: false };
        match ledger.submit(submission, Box::new(move |outcome| answer.send(outcome.is_ok()).unwrap())) {
            Ok(()) => taken += 1,
            Err(AppendError::Overloaded) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    drop(answer);
    assert_eq!(answered.iter().filter(|ok| *ok).count(), taken);
    assert_eq!(ledger.tip(Stream::Activity), taken as u64 * 100);
    assert_eq!(taken + refused, 2000);
}

#[test]
fn a_callback_that_panics_leaves_nobody_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path());
    let submission = || Submission {
        batch: vec![append(Stream::Activity, "x")],
        expected: None,
        durability: Durability::Synced,
        revocation: false,
    };
    ledger.submit(submission(), Box::new(|_| panic!("a careless caller"))).unwrap();
    let after =
        std::iter::repeat_with(|| ledger.append(submission().batch, None, Durability::Synced)).take(3).last();
    assert!(matches!(after, Some(Err(AppendError::Closed))), "{after:?}");
    drop(ledger);
    // The append after it may have shared its commit.
    assert!(open(directory.path()).tip(Stream::Activity) >= 1);
}
