//! Revocation: at once, for everything below, and whether or not there is room to record it.

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_ledger::{Storage, Stream};
use writ_model::*;

use super::bench::{Bench, Fault, human, me, refused};

fn revoke(bench: &Bench, target: RevokeTarget) -> Revoked {
    bench.office.revoke(&me(), &Revoke { target }).unwrap()
}

#[test]
fn revoking_a_task_ends_that_task() {
    let bench = Bench::new();
    let (one, other) = (bench.task(), bench.task());
    let stream = bench.office.standing_watch(&one.writ).unwrap();
    let revoked = revoke(&bench, RevokeTarget::Task(one.task.id));
    assert_eq!((revoked.tasks, revoked.recorded), (vec![one.task.id], true));
    assert!(stream.standings.borrow().revoked);
    refused(bench.allow(&one), ErrorCode::Revoked);
    refused(bench.take(&one, 1), ErrorCode::TaskNotOpen);
    assert_eq!(bench.show_task(&one).cause, Some(CloseCause::Revoked));
    assert!(bench.allow(&other).is_ok());
}

#[test]
fn revoking_an_agent_ends_its_tasks_until_a_person_resumes_it() {
    let bench = Bench::new();
    let (one, two) = (bench.task(), bench.task());
    assert_eq!(revoke(&bench, RevokeTarget::Agent("claude".into())).tasks.len(), 2);
    for task in [&one, &two] {
        refused(bench.allow(task), ErrorCode::Revoked);
    }
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::Revoked);
    let shown = bench.office.agent_show(&AgentShow { agent: "claude".into(), at: None }).unwrap();
    assert_eq!((shown.state, shown.reason), (LifecycleState::Suspended, LifecycleReason::Revoked));
    bench.office.agent_resume(&me(), &AgentResume { agent: "claude".into() }).unwrap();
    assert!(bench.office.task_open(&me(), bench.opening("claude")).is_ok());
    refused(bench.allow(&one), ErrorCode::Revoked);
}

#[test]
fn revoking_an_owner_ends_everything_of_theirs() {
    let bench = Bench::new();
    let task = bench.task();
    let other = AgentRegister { owner: Some(human(7)), ..bench.registration("other") };
    bench.office.agent_register(&me(), other).unwrap();
    bench.office.agent_approve(&me(), &AgentApprove { agent: "other".into() }).unwrap();
    let lent = bench.office.task_open(&me(), bench.opening("other")).unwrap();
    let theirs = bench.office.task_open(&human(7), bench.opening("other")).unwrap();
    let revoked = revoke(&bench, RevokeTarget::Owner(me()));
    assert_eq!(revoked.agents, [task.task.agent]);
    assert_eq!(revoked.tasks.len(), 2);
    refused(bench.allow(&task), ErrorCode::Revoked);
    refused(bench.allow(&lent), ErrorCode::Revoked);
    assert!(bench.allow(&theirs).is_ok());
}

#[test]
fn what_is_not_known_cannot_be_revoked() {
    let bench = Bench::new();
    let try_revoke = |target| bench.office.revoke(&me(), &Revoke { target });
    refused(try_revoke(RevokeTarget::Agent("nobody".into())), ErrorCode::NotFound);
    refused(try_revoke(RevokeTarget::Task(TaskId::new(bench.hands.wall(), [9; 10]))), ErrorCode::NotFound);
    let none = try_revoke(RevokeTarget::Owner(human(9))).unwrap();
    assert!(none.agents.is_empty() && none.tasks.is_empty());
}

#[test]
fn a_full_disk_does_not_keep_an_authority_alive() {
    let mut bench = Bench::new();
    let task = bench.task();
    let approval = bench.ask(&task, 1, ApprovalLevel::OnePerson);
    bench.approve(1000, approval, 1).unwrap();
    let stream = bench.office.standing_watch(&task.writ).unwrap();
    bench.ledger.fail(Fault::Full);
    let revoked = revoke(&bench, RevokeTarget::Agent("claude".into()));
    assert!(!revoked.recorded);
    assert!(stream.standings.borrow().revoked, "it acts already");
    refused(bench.allow(&task), ErrorCode::Revoked);
    refused(bench.take(&task, 1), ErrorCode::Revoked);
    refused(bench.office.writ_renew(&WritRenew { writ: task.writ.clone() }), ErrorCode::Revoked);
    assert_eq!(bench.office.unrecorded(), 1);
    // The sweep tries again, in vain, and it goes on counting.
    let _ = bench.office.sweep();
    assert_eq!(bench.office.unrecorded(), 1);
    refused(bench.allow(&task), ErrorCode::Revoked);

    bench.ledger.fail(Fault::None);
    bench.office.sweep().unwrap();
    assert_eq!(bench.office.unrecorded(), 0);
    refused(bench.allow(&task), ErrorCode::Revoked);
    drop(stream);
    bench.restart();
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::Revoked));
}

#[test]
fn a_waiting_revocation_is_recorded_even_if_the_world_moved_on() {
    let bench = Bench::new();
    let task = bench.task();
    bench.ledger.fail(Fault::Full);
    revoke(&bench, RevokeTarget::Task(task.task.id));
    bench.ledger.fail(Fault::None);
    // Its supervisor ends it first.
    bench.office.task_end(&TaskEnd { writ: task.writ.clone(), cause: CloseCause::Finished }).unwrap();
    bench.office.sweep().unwrap();
    assert_eq!(bench.office.unrecorded(), 0);
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::Finished));
    refused(bench.allow(&task), ErrorCode::Revoked);
}

#[test]
fn accepting_a_fingerprint_does_not_undo_a_revocation() {
    let bench = Bench::new();
    let task = bench.task();
    let see = |model: &str| {
        let model = Some(Label::lossy(model));
        let seen = Fingerprint { client_version: None, instructions: None, model, tools: None };
        bench
            .office
            .fingerprint_seen(FingerprintSeen { writ: task.writ.clone(), seen: seen.clone() })
            .unwrap();
        seen
    };
    see("m1");
    let seen = see("m2");
    revoke(&bench, RevokeTarget::Agent("claude".into()));
    let attested = bench.office.agent_attest(&me(), &AgentAttest { agent: "claude".into(), seen }).unwrap();
    assert_eq!(attested.state, LifecycleState::Suspended);
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::Revoked);
    bench.office.agent_resume(&me(), &AgentResume { agent: "claude".into() }).unwrap();
    assert!(bench.office.task_open(&me(), bench.opening("claude")).is_ok());
}

#[test]
fn nothing_is_allowed_after_a_revocation_is_answered() {
    for _ in 0..10 {
        let bench = Bench::stored();
        let task = bench.task();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| while bench.allow(&task).is_ok() {});
            }
            while bench.ledger.tip(Stream::Activity) < 20 {
                std::thread::yield_now();
            }
            revoke(&bench, RevokeTarget::Task(task.task.id));
            let tip = bench.ledger.tip(Stream::Activity);
            for _ in 0..50 {
                assert!(bench.allow(&task).is_err());
            }
            assert_eq!(bench.ledger.tip(Stream::Activity), tip);
        });
    }
}

/// For an incident a supervisor ends its own task, the other tasks of the same agent with it, and nobody else's.
#[test]
fn an_incident_suspends_the_agent_of_the_task_until_a_person_resumes_it() {
    let bench = Bench::new();
    let (task, other) = (bench.task(), bench.task());
    let end = |task: &TaskOpened, cause| {
        bench.office.task_end(&TaskEnd { writ: task.writ.clone(), cause }).unwrap().cause
    };
    let agent = || bench.office.agent_show(&AgentShow { agent: "claude".into(), at: None }).unwrap();
    assert_eq!(end(&task, CloseCause::Incident), CloseCause::Incident);
    assert_eq!((agent().state, agent().reason), (LifecycleState::Suspended, LifecycleReason::Incident));
    assert_eq!(bench.show_task(&other).cause, Some(CloseCause::AgentSuspended));
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::AgentNotActive);
    bench.office.agent_resume(&me(), &AgentResume { agent: "claude".into() }).unwrap();
    // Whose task is over has no say any more.
    assert_eq!(end(&other, CloseCause::Incident), CloseCause::AgentSuspended);
    assert_eq!(agent().state, LifecycleState::Active);
    bench.office.task_open(&me(), bench.opening("claude")).unwrap();
}
