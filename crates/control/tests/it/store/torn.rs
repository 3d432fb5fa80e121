//! A write-ahead log whose end never reached the disk, or reached it as garbage.
//!
//! After a loss of power everything up to the last sync is as written; what came after may be there, cut, zero, old or
//! garbled, at any offset. The ledger has to open at some whole commit and keep all that was acknowledged as synced.

use std::fs;
use std::path::Path;

use writ_ledger::{Durability, Storage, Stream};

use super::fixture::{append, append_row, assert_intact, numbered, open};

const DATABASE: &str = "ledger.sqlite";
const LOG: &str = "ledger.sqlite-wal";
const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

struct Crash {
    database: Vec<u8>,
    log: Vec<u8>,
    /// Length of the log at the last sync, and entries acknowledged then.
    synced: usize,
    entries: u64,
}

fn crash() -> Crash {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| fs::read(directory.path().join(name)).unwrap();
    // The log is longer than what is in it: zeros follow the last frame.
    let log = || {
        let mut log = file(LOG);
        let used = log.len() - log.iter().rev().take_while(|byte| **byte == 0).count();
        log.truncate(HEADER + (used - HEADER).next_multiple_of(FRAME));
        log
    };
    let ledger = open(directory.path());
    append_row(&ledger, Stream::Activity, 250);
    append_row(&ledger, Stream::Control, 3);
    append_row(&ledger, Stream::Activity, 1);
    let (synced, entries) = (log().len(), ledger.tip(Stream::Activity));
    for number in entries..entries + 8 {
        let text = numbered(number);
        ledger.append(vec![append(Stream::Activity, &text)], None, Durability::Written).unwrap();
    }
    Crash { database: file(DATABASE), log: log(), synced, entries }
}

fn opens_after(crash: &Crash, log: &[u8], what: &str) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(DATABASE), &crash.database).unwrap();
    fs::write(directory.path().join(LOG), log).unwrap();
    let tip = opens_at(directory.path());
    assert!(tip >= crash.entries, "{what}: {tip} of {} synced entries", crash.entries);
    tip
}

fn opens_at(directory: &Path) -> u64 {
    let ledger = open(directory);
    let tip = ledger.tip(Stream::Activity);
    let read = ledger.read(Stream::Activity, 0, usize::MAX).unwrap();
    assert!(read.iter().all(|(index, bytes)| bytes == numbered(*index).as_bytes()));
    assert_eq!(read.len() as u64, tip);
    append_row(&ledger, Stream::Activity, 2);
    drop(ledger);
    assert_intact(directory);
    tip
}

/// Offsets spread over what was not synced, the edges of frames among them.
fn offsets(crash: &Crash, every: usize) -> impl Iterator<Item = usize> {
    let frames = (0..).map(|frame| HEADER + frame * FRAME).take_while(|at| *at < crash.log.len());
    let edges: Vec<usize> = frames.flat_map(|at| [at, at + 1, at + 24]).collect();
    let (from, to) = (crash.synced, crash.log.len());
    edges.into_iter().chain((from..to).step_by(every)).filter(move |at| (from..to).contains(at))
}

#[test]
fn cut_anywhere() {
    let crash = crash();
    assert!(crash.synced < crash.log.len(), "there is something to lose");
    let tips: Vec<u64> = offsets(&crash, 3001)
        .map(|at| opens_after(&crash, &crash.log[..at], &format!("cut at {at}")))
        .collect();
    assert_eq!(tips.iter().min(), Some(&crash.entries));
    assert_eq!(opens_after(&crash, &crash.log, "whole"), crash.entries + 8);
}

#[test]
fn garbled_anywhere() {
    let crash = crash();
    for at in offsets(&crash, 4001) {
        let mut flipped = crash.log.clone();
        flipped[at] ^= 0x40;
        opens_after(&crash, &flipped, &format!("bit flipped at {at}"));
        let mut sector = crash.log.clone();
        let end = sector.len().min(at + 512);
        sector[at..end].fill(0xa5);
        opens_after(&crash, &sector, &format!("sector garbled at {at}"));
    }
}

#[test]
fn extended_but_never_filled() {
    let crash = crash();
    for at in offsets(&crash, 5003) {
        let mut zeros = crash.log.clone();
        zeros[at..].fill(0);
        opens_after(&crash, &zeros, &format!("zeros from {at}"));
    }
}
