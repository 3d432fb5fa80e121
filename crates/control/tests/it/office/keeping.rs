//! What survives: restarts, snapshots, and a stranger's look at the stored ledger.

use std::path::Path;

use writ_control::api::message::*;
use writ_control::audit::{HeldCheckpoint, Verified, verify};
use writ_control::store::{Options, SqliteAudit, SqliteLedger};
use writ_ledger::storage::Sizes;
use writ_ledger::{Append, Durability, Entry, Storage, Stream};
use writ_model::*;

use super::bench::{Bench, keys};

fn check(home: &Path, held: &[HeldCheckpoint]) -> Verified {
    let (_, ledger_keys) = keys(home);
    let keys = [Stream::Activity, Stream::Control].map(|stream| ledger_keys.verifying_key(stream).unwrap());
    verify(&mut SqliteAudit::open(&home.join("ledger")).unwrap(), &keys, held).unwrap()
}

/// Appends past the office: as an attacker who holds the keys.
fn append(home: &Path, stream: Stream, bytes: Vec<u8>) {
    let ledger = SqliteLedger::open(&home.join("ledger"), keys(home).1, Options::default()).unwrap();
    let entry = Entry::new(bytes).unwrap();
    ledger.append(vec![Append { stream, entry, payloads: Vec::new() }], None, Durability::Synced).unwrap();
}

fn worked() -> (Bench, TaskOpened) {
    let bench = Bench::stored();
    let task = bench.task();
    for _ in 0..20 {
        bench.allow(&task).unwrap();
    }
    (bench, task)
}

#[test]
fn a_restart_changes_nothing_with_or_without_a_snapshot() {
    for snapshot in [false, true] {
        let (mut bench, task) = worked();
        if snapshot {
            bench.office.close().unwrap();
        }
        bench.allow(&task).unwrap();
        let approval = bench.ask(&task, 1, ApprovalLevel::OnePerson);
        let before = bench.show_task(&task);
        bench.restart();
        let after = bench.show_task(&task);
        assert_eq!(format!("{before:?}"), format!("{after:?}"), "snapshot: {snapshot}");
        assert_eq!(after.used.unwrap().calls, 21);
        bench.approve(1000, approval, 1).unwrap();
        assert!(bench.take(&task, 1).unwrap().is_some());
    }
}

#[test]
fn a_snapshot_that_does_not_fit_is_not_used() {
    let (mut bench, task) = worked();
    let (activity, control) = (bench.ledger.tip(Stream::Activity), bench.ledger.tip(Stream::Control));
    for body in [&b"garbage"[..], br#"{"control":{},"activity":{}}"#] {
        bench
            .ledger
            .put_snapshot(writ_control::fold::FOLD_VERSION, Sizes { activity, control }, body.to_vec())
            .unwrap();
        bench.restart();
        assert_eq!(bench.show_task(&task).used.unwrap().calls, 20);
    }
}

#[test]
fn an_honest_ledger_verifies_with_a_kept_checkpoint_and_snapshot() {
    let (bench, task) = worked();
    let closed =
        bench.office.task_end(&TaskEnd { writ: task.writ.clone(), cause: CloseCause::Finished }).unwrap();
    bench.office.close().unwrap();
    bench.agent("later");
    let held: Vec<_> = closed.checkpoints.into_iter().map(|c| HeldCheckpoint(c.note.into_bytes())).collect();
    let home = bench.leave();
    let verified = check(home.path(), &held);
    assert!(verified.is_intact(), "{verified:?}");
    assert_eq!(verified.activity.size, 20);
    let foreign = [HeldCheckpoint(b"writ.example/control\n0\n\n".to_vec())];
    let (_, ledger_keys) = keys(home.path());
    let keys = [Stream::Activity, Stream::Control].map(|stream| ledger_keys.verifying_key(stream).unwrap());
    assert!(verify(&mut SqliteAudit::open(&home.path().join("ledger")).unwrap(), &keys, &foreign).is_err());
}

#[test]
fn entries_that_break_the_rules_are_named_though_they_are_signed() {
    let at = Timestamp::from_millis(super::bench::START + 10_000);
    let task = TaskId::new(at, [9; 10]);
    let control =
        |event| ControlEntry { v: ENTRY_VERSION, at, by: Actor::ControlPlane, event }.to_bytes().unwrap();
    let activity = |control_size, at| {
        let event = ActivityEvent::InputRefused {
            session: None,
            client: Label::lossy("codex"),
            reason: ReasonCode::Unknown,
        };
        ActivityEntry { v: ENTRY_VERSION, at, task, control_size, event }.to_bytes().unwrap()
    };
    let early = Timestamp::from_millis(0);
    let cases = [
        (Stream::Control, control(ControlEvent::TaskClosed { task, cause: CloseCause::Finished }), "no task"),
        (Stream::Control, b"{}".to_vec(), "canonical JSON"),
        (Stream::Activity, activity(10_000, at), "decided at 10000 entries"),
        (Stream::Activity, activity(2, early), "did not exist yet"),
        (Stream::Activity, b"[]".to_vec(), "canonical JSON"),
    ];
    for (stream, bytes, expected) in cases {
        let (bench, _) = worked();
        let index = bench.ledger.tip(stream);
        let home = bench.leave();
        append(home.path(), stream, bytes);
        let verified = check(home.path(), &[]);
        assert!(verified.control.is_intact() && verified.activity.is_intact(), "the bytes are as signed");
        let [finding] = verified.findings.as_slice() else { panic!("{verified:?}") };
        assert_eq!(finding.place, format!("{stream}:{index}"));
        assert!(finding.what.contains(expected), "{}", finding.what);
    }
}

#[test]
fn a_kept_state_that_the_log_does_not_give_is_named() {
    let (bench, _) = worked();
    let (activity, control) = (bench.ledger.tip(Stream::Activity), bench.ledger.tip(Stream::Control));
    let version = writ_control::fold::FOLD_VERSION;
    bench.ledger.put_snapshot(version, Sizes { activity, control }, b"{}".to_vec()).unwrap();
    let home = bench.leave();
    let verified = check(home.path(), &[]);
    assert_eq!(verified.findings.len(), 1, "{verified:?}");
    assert_eq!(verified.findings[0].place, "snapshot");
}

#[test]
fn policy_is_recorded_when_it_changes() {
    let bench = Bench::new();
    let size = || bench.ledger.tip(Stream::Control);
    let before = size();
    bench.office.policy_loaded(Digest::new([1; 32]), None).unwrap();
    bench.office.policy_loaded(Digest::new([1; 32]), None).unwrap();
    assert_eq!(size(), before + 1);
    bench.office.policy_loaded(Digest::new([2; 32]), None).unwrap();
    assert_eq!(size(), before + 2);
    // The same policies from another commit are news too.
    for commit in ["git:a", "git:b", "git:b"] {
        bench.office.policy_loaded(Digest::new([2; 32]), Some(Label::lossy(commit))).unwrap();
    }
    assert_eq!(size(), before + 4);
}
