//! Full disks and read-only ones.

use std::fs;
use std::io::Write;
use std::path::Path;

use writ_control::store::{AuditError, OpenError, Options, SqliteAudit, SqliteLedger};
use writ_ledger::storage::AppendError;
use writ_ledger::{Durability, Storage, Stream};

use super::fixture::{
    append, append_row, assert_intact, child, child_in_namespace, keys, numbered, open, open_with, told,
};

#[test]
fn full_by_page_limit_refuses_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open_with(directory.path(), Options { max_pages: Some(64), ..Options::default() });
    let mut acknowledged = 0;
    let refused = loop {
        let batch =
            (acknowledged..acknowledged + 50).map(|n| append(Stream::Activity, &numbered(n))).collect();
        match ledger.append(batch, None, Durability::Synced) {
            Ok(_) => acknowledged += 50,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::DiskFull), "{refused}");
    assert!(refused.to_string().contains("free some space"));
    assert_eq!(
        (ledger.tip(Stream::Activity), ledger.head(Stream::Activity).size),
        (acknowledged, acknowledged)
    );
    drop(ledger);
    assert_intact(directory.path());
    let ledger = open(directory.path());
    assert_eq!(ledger.tip(Stream::Activity), acknowledged);
    append_row(&ledger, Stream::Activity, 500);
    drop(ledger);
    assert_intact(directory.path());
}

#[test]
fn full_tmpfs_takes_revocations_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mount = format!("mount -t tmpfs -o size=24m none {path}");
    let Some(mut child) = child_in_namespace(&mount, "store::disk::child_on_a_full_disk", path) else {
        return;
    };
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("saw it through"));
}

/// Runs with a small file system at the directory it is told.
#[test]
fn child_on_a_full_disk() {
    let Some(path) = told() else { return };
    let (directory, filler) = (Path::new(&path).join("ledger"), Path::new(&path).join("filler"));
    let options = || Options { reserve_bytes: Some(2 << 20), ..Options::default() };
    let ledger = open_with(&directory, options());
    append_row(&ledger, Stream::Control, 3);

    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    let ordinary = || ledger.append(vec![append(Stream::Control, "ordinary")], None, Durability::Synced);
    // The log may have a few blocks left over.
    let refused = (0..1000).find_map(|_| ordinary().err()).unwrap();
    assert!(matches!(refused, AppendError::DiskFull), "{refused}");
    let before = ledger.tip(Stream::Control);
    for _ in 0..20 {
        ledger.append_revocation(vec![append(Stream::Control, "revoked")]).unwrap();
        assert!(matches!(ordinary(), Err(AppendError::DiskFull)), "the reserve is not for this");
    }
    assert_eq!(ledger.head(Stream::Control).size, before + 20);
    assert!(ledger.seal(&super::fixture::subject("t"), &super::fixture::salt(1), b"x").is_err());

    // Opened on the full disk, it still takes revocations.
    drop(ledger);
    open_with(&directory, options());
    while file.write_all(&[1; 4096]).is_ok() {}
    let ledger = open_with(&directory, options());
    assert_eq!(ledger.tip(Stream::Control), before + 20);
    ledger.append_revocation(vec![append(Stream::Control, "revoked")]).unwrap();
    drop(file);
    fs::remove_file(&filler).unwrap();
    append_row(&ledger, Stream::Control, 100);
    drop(ledger);
    assert_intact(&directory);
    println!("saw it through");
}

#[test]
fn read_only_directory_is_a_clear_error_and_can_be_verified() {
    let directory = tempfile::tempdir().unwrap();
    let (clean, unclean) = (directory.path().join("clean"), directory.path().join("unclean"));
    let ledger = open(&clean);
    append_row(&ledger, Stream::Control, 3);
    drop(ledger);
    // A ledger that was not closed, as a copied disk image has it.
    let ledger = open(&unclean);
    append_row(&ledger, Stream::Control, 3);
    let log = fs::read(unclean.join("ledger.sqlite-wal")).unwrap();
    drop(ledger);
    fs::write(unclean.join("ledger.sqlite-wal"), log).unwrap();

    let path = directory.path().to_str().unwrap();
    let mount = format!("mount --bind {path} {path}; mount -o remount,bind,ro {path}");
    let Some(mut child) = child_in_namespace(&mount, "store::disk::child_in_a_read_only_directory", path)
    else {
        return;
    };
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("saw it through"));
}

#[test]
fn child_in_a_read_only_directory() {
    let Some(path) = told() else { return };
    let path = Path::new(&path);
    for directory in ["clean", "unclean", "new"] {
        let refused = SqliteLedger::open(&path.join(directory), keys(), Options::default()).unwrap_err();
        assert!(matches!(refused, OpenError::Directory { .. }), "{refused}");
        assert!(refused.to_string().contains("be writable"), "{refused}");
    }
    assert_intact(&path.join("clean"));
    let refused = SqliteAudit::open(&path.join("unclean")).unwrap_err();
    assert!(matches!(refused, AuditError::NeedsRecovery(_)), "{refused}");
    println!("saw it through");
}

#[test]
fn a_second_writer_is_refused_here_and_in_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path());
    let refused = SqliteLedger::open(directory.path(), keys(), Options::default()).unwrap_err();
    assert!(matches!(refused, OpenError::Locked(_)), "{refused}");
    let path = directory.path().to_str().unwrap();
    let output = child("store::disk::child_that_opens", path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("refused: the ledger in") && said.contains("already open"), "{said}");
    // Reading beside the writer is welcome.
    append_row(&ledger, Stream::Control, 3);
    assert_intact(directory.path());
    drop(ledger);
    let output = child("store::disk::child_that_opens", path).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("opened"));
}

#[test]
fn child_that_opens() {
    let Some(path) = told() else { return };
    match SqliteLedger::open(Path::new(&path), keys(), Options::default()) {
        Ok(_) => println!("opened"),
        Err(error) => println!("refused: {error}"),
    }
}
