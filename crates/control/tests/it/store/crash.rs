//! Killed at every point of an append: the ledger opens, verifies, and has everything that was acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Signal, getpid, kill_process};
use writ_control::store::{FaultHook, FaultPoint, Options};
use writ_ledger::vault::Opened;
use writ_ledger::{Commitment, Durability, Storage, Stream};

use super::fixture::{
    append, assert_intact, child, numbered, open, open_with, salt, subject, told, with_payload,
};

/// Entries of one append: more than one, so that half an append would show.
const BATCH: u64 = 3;

/// Kills the process when it comes to `point` for the n-th time.
struct Killer {
    point: FaultPoint,
    left: AtomicU32,
}

impl FaultHook for Killer {
    fn reached(&self, point: FaultPoint) {
        if point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }
}

const POINTS: [FaultPoint; 4] = [
    FaultPoint::BeforeWrite,
    FaultPoint::BeforeCommit,
    FaultPoint::BeforeSync,
    FaultPoint::BeforeAcknowledge,
];

/// Appends until it is killed, and says on its output what was acknowledged.
#[test]
fn child_that_appends() {
    let Some(told) = told() else { return };
    let mut told = told.split_whitespace();
    let (directory, point, count) = (told.next().unwrap(), told.next().unwrap(), told.next().unwrap());
    let killer =
        Killer { point: POINTS[point.parse::<usize>().unwrap()], left: count.parse::<u32>().unwrap().into() };
    let options = Options { fault: Some(Arc::new(killer)), ..Options::default() };
    let ledger = open_with(Path::new(directory), options);
    let mut output = std::io::stdout().lock();
    for round in 0.. {
        let durability = if round % 2 == 0 { Durability::Synced } else { Durability::Written };
        let sealed = ledger.seal(&subject("task-1"), &salt(round), numbered(round).as_bytes()).unwrap();
        let commitment = sealed.commitment();
        let from = ledger.tip(Stream::Activity);
        let mut batch = vec![with_payload(Stream::Activity, &numbered(from), sealed)];
        batch.extend((from + 1..from + BATCH).map(|n| append(Stream::Activity, &numbered(n))));
        batch.push(append(Stream::Control, &numbered(round)));
        ledger.append(batch, None, durability).unwrap();
        writeln!(output, "acknowledged {} {commitment}", from + BATCH).unwrap();
        output.flush().unwrap();
    }
}

fn killed_at(point: usize, count: u32) {
    let directory = tempfile::tempdir().unwrap();
    let argument = format!("{} {point} {count}", directory.path().display());
    let mut child = child("store::crash::child_that_appends", &argument)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged: Vec<(u64, Commitment)> = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The test harness may have begun the first line.
        if let Some((_, told)) = line.unwrap().split_once("acknowledged ") {
            let (size, commitment) = told.split_once(' ').unwrap();
            acknowledged.push((size.parse().unwrap(), commitment.parse().unwrap()));
        }
    }
    assert_eq!(child.wait().unwrap().signal(), Some(9), "point {point}, {count}");

    assert_intact(directory.path());
    let ledger = open(directory.path());
    let size = acknowledged.last().map_or(0, |(size, _)| *size);
    let tip = ledger.tip(Stream::Activity);
    match POINTS[point] {
        FaultPoint::BeforeWrite | FaultPoint::BeforeCommit => assert_eq!(tip, size, "nothing was committed"),
        FaultPoint::BeforeSync | FaultPoint::BeforeAcknowledge => {
            assert!(tip == size || tip == size + BATCH, "whole appends only: {tip} after {size}");
        }
    }
    assert_eq!(tip, ledger.tip(Stream::Control) * BATCH, "both streams or neither");
    let read = ledger.read(Stream::Activity, 0, usize::MAX).unwrap();
    assert!(read.iter().all(|(index, bytes)| bytes == numbered(*index).as_bytes()));
    for (round, (_, commitment)) in (0..).zip(&acknowledged) {
        let opened = ledger.payload(commitment).unwrap();
        assert_eq!(opened, Some(Opened::Payload(numbered(round).into_bytes().into())));
    }
    // And it goes on.
    ledger.append(vec![append(Stream::Activity, "after")], None, Durability::Synced).unwrap();
    drop(ledger);
    assert_intact(directory.path());
}

#[test]
fn killed_before_the_write() {
    (2..5).for_each(|count| killed_at(0, count));
}

#[test]
fn killed_before_the_commit() {
    (2..5).for_each(|count| killed_at(1, count));
}

#[test]
fn killed_before_the_sync() {
    (2..5).for_each(|count| killed_at(2, count));
}

#[test]
fn killed_before_the_acknowledgement() {
    (2..5).for_each(|count| killed_at(3, count));
}
