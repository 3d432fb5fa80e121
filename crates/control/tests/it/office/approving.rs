//! Approvals: for exactly one action, by the right people, used once or never.

use std::time::Duration;

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_model::{ApprovalId, ApprovalLevel, ApprovalState, CloseCause, Limits};

use super::bench::{Bench, Fault, digest, human, me, payload, refused};

const ONE: ApprovalLevel = ApprovalLevel::OnePerson;

fn state(bench: &Bench, approval: ApprovalId) -> ApprovalState {
    bench.office.approval_state(approval)
}

#[test]
fn an_approval_is_for_one_action_once() {
    let bench = Bench::new();
    let task = bench.task();
    let approval = bench.ask(&task, 1, ONE);
    assert!(bench.take(&task, 1).unwrap().is_none(), "nobody has said yes yet");
    refused(bench.approve(1000, approval, 2), ErrorCode::Conflict);
    let given = bench.approve(1000, approval, 1).unwrap();
    assert!(given.answers[0].own, "the requester's own yes is told as such");
    assert_eq!(given.shown.as_deref(), Some("{\"n\":1}"));
    assert!(bench.take(&task, 2).unwrap().is_none(), "for another action it is worth nothing");
    let taken = bench.take(&task, 1).unwrap().unwrap();
    assert_eq!((taken.approval, taken.receipt.durability), (approval, Keep::Synced));
    assert!(bench.take(&task, 1).unwrap().is_none());
    assert_eq!(state(&bench, approval), ApprovalState::Consumed);
    let next = bench.ask(&task, 1, ONE);
    assert_ne!(next, approval, "a second identical call needs a new approval");
}

#[test]
fn a_waiting_request_is_named_again_and_not_filed_twice() {
    let bench = Bench::new();
    let task = bench.task();
    let first = bench.ask(&task, 1, ONE);
    assert_eq!(bench.ask(&task, 1, ONE), first);
    assert_ne!(bench.ask(&task, 1, ApprovalLevel::AnotherPerson), first, "another level is another question");
    bench.hands.pass(Duration::from_secs(15 * 60));
    let renewed = bench.office.task_open(&me(), bench.opening("claude")).unwrap();
    assert_ne!(bench.ask(&renewed, 1, ONE), first);
}

#[test]
fn too_many_waiting_requests_are_refused() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { pending_approvals: 2, ..Limits::default() });
    let first = bench.ask(&task, 1, ONE);
    bench.ask(&task, 2, ONE);
    refused(bench.try_ask(&task, 3, ONE), ErrorCode::ApprovalsFull);
    assert_eq!(bench.ask(&task, 1, ONE), first);
    bench.office.deny(&me(), &Deny { approval: first }).unwrap();
    bench.ask(&task, 3, ONE);
}

#[test]
fn the_requester_does_not_count_where_policy_wants_others() {
    let bench = Bench::new();
    let task = bench.task();
    let another = bench.ask(&task, 1, ApprovalLevel::AnotherPerson);
    refused(bench.approve(1000, another, 1), ErrorCode::Refused);
    assert_eq!(bench.approve(7, another, 1).unwrap().state, ApprovalState::Approved);

    let two = bench.ask(&task, 2, ApprovalLevel::TwoPeople);
    refused(bench.approve(1000, two, 2), ErrorCode::Refused);
    assert_eq!(bench.approve(7, two, 2).unwrap().state, ApprovalState::Pending);
    refused(bench.approve(7, two, 2), ErrorCode::Refused);
    assert!(bench.take(&task, 2).unwrap().is_none());
    assert_eq!(bench.approve(8, two, 2).unwrap().state, ApprovalState::Approved);
    assert!(bench.take(&task, 2).unwrap().is_some());

    // Nobody has roles yet, so nobody is made to wait for one.
    refused(bench.try_ask(&task, 3, ApprovalLevel::Role), ErrorCode::Refused);
}

#[test]
fn what_is_answered_stays_answered() {
    let bench = Bench::new();
    let task = bench.task();
    let approval = bench.ask(&task, 1, ONE);
    let refused_view = bench.office.deny(&me(), &Deny { approval }).unwrap();
    assert_eq!(refused_view.state, ApprovalState::Refused);
    refused(bench.approve(1000, approval, 1), ErrorCode::Conflict);
    refused(bench.office.deny(&me(), &Deny { approval }), ErrorCode::Conflict);
    assert!(bench.take(&task, 1).unwrap().is_none());
    let nobody = ApprovalId::new(bench.hands.wall(), [9; 10]);
    refused(bench.office.deny(&me(), &Deny { approval: nobody }), ErrorCode::NotFound);
    refused(bench.approve(1000, nobody, 1), ErrorCode::NotFound);
}

#[test]
fn approvals_run_out_given_or_not() {
    let bench = Bench::new();
    let task = bench.task();
    let (waiting, given) = (bench.ask(&task, 1, ONE), bench.ask(&task, 2, ONE));
    bench.approve(1000, given, 2).unwrap();
    bench.hands.pass(Duration::from_secs(14 * 60));
    let writ = bench.office.writ_renew(&WritRenew { writ: task.writ.clone() }).unwrap().writ;
    let task = TaskOpened { writ, ..task };
    bench.hands.pass(Duration::from_secs(60));
    // Nobody has swept yet.
    refused(bench.approve(1000, waiting, 1), ErrorCode::Refused);
    refused(bench.office.deny(&me(), &Deny { approval: waiting }), ErrorCode::Refused);
    assert!(bench.take(&task, 2).unwrap().is_none());
    bench.hands.set_back(Duration::from_secs(600));
    assert!(bench.take(&task, 2).unwrap().is_none(), "a clock set back revives nothing");
    bench.office.sweep().unwrap();
    for approval in [waiting, given] {
        assert_eq!(state(&bench, approval), ApprovalState::Expired);
    }
}

#[test]
fn the_end_of_a_task_is_the_end_of_its_approvals() {
    let bench = Bench::new();
    let task = bench.task();
    let approval = bench.ask(&task, 1, ONE);
    bench.approve(1000, approval, 1).unwrap();
    bench.office.task_end(&TaskEnd { writ: task.writ.clone(), cause: CloseCause::Finished }).unwrap();
    refused(bench.take(&task, 1), ErrorCode::TaskNotOpen);
    refused(bench.try_ask(&task, 2, ONE), ErrorCode::TaskNotOpen);
    refused(bench.approve(1000, approval, 1), ErrorCode::NotFound);
}

#[test]
fn another_tasks_approval_is_none() {
    let bench = Bench::new();
    let (mine, other) = (bench.task(), bench.task());
    let approval = bench.ask(&mine, 1, ONE);
    bench.approve(1000, approval, 1).unwrap();
    assert!(bench.take(&other, 1).unwrap().is_none());
    refused(bench.office.approval_is_of(&other.writ, approval), ErrorCode::NotFound);
    assert!(bench.take(&mine, 1).unwrap().is_some());
}

#[test]
fn of_many_at_once_one_gets_it() {
    let bench = Bench::stored();
    let task = bench.task();
    for round in 1..6 {
        let approval = bench.ask(&task, round, ONE);
        bench.approve(1000, approval, round).unwrap();
        let start = std::sync::Barrier::new(8);
        let taken: usize = std::thread::scope(|scope| {
            let one = || {
                start.wait();
                usize::from(bench.take(&task, round).unwrap().is_some())
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1, "round {round}");
    }
}

#[test]
fn a_spending_that_fails_half_way_is_nobodys() {
    for fault in [Fault::Before, Fault::After] {
        let mut bench = Bench::new();
        let task = bench.task();
        let approval = bench.ask(&task, 1, ONE);
        bench.approve(1000, approval, 1).unwrap();
        bench.ledger.fail(fault);
        refused(bench.take(&task, 1), ErrorCode::Storage);
        bench.ledger.fail(Fault::None);
        assert!(bench.take(&task, 1).unwrap().is_none(), "it is not known whether it is spent");
        assert!(bench.office.agent_list(&AgentList::default()).is_ok());
        bench.restart();
        // Now the log decides.
        let expected = if fault == Fault::After { ApprovalState::Consumed } else { ApprovalState::Approved };
        assert_eq!(state(&bench, approval), expected);
        assert_eq!(bench.take(&task, 1).unwrap().is_some(), fault == Fault::Before);
    }
}

#[test]
fn what_an_approver_is_shown_must_be_what_was_committed_to() {
    let bench = Bench::new();
    let task = bench.task();
    let ask = |shown| ApprovalAsk {
        writ: task.writ.clone(),
        call: bench.call(1),
        action: digest(1),
        level: ONE,
        shown,
    };
    let good = payload(b"{}");
    let other = Payload { commitment: digest(3), ..good.clone() };
    let short = Payload { salt: writ_control::api::Bytes(vec![1]), ..good.clone() };
    for shown in [other, short, payload(b""), payload(&vec![b'x'; 300 << 10])] {
        refused(bench.office.approval_ask(ask(shown)), ErrorCode::BadRequest);
    }
    assert!(bench.office.approval_ask(ask(good)).is_ok());
    let listed = bench.office.approvals_list(&ApprovalsList::default()).unwrap().approvals;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].requester, human(1000));
}
