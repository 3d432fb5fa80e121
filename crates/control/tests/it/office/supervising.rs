//! Tasks and those who hold them: one supervisor, fenced by an epoch, for a time.

use std::time::Duration;

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_model::*;

use super::bench::{Bench, digest, label, me, refused};

#[test]
fn a_task_is_opened_with_care() {
    let bench = Bench::new();
    bench.agent("claude");
    let good = || bench.opening("claude");
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        TaskOpen { limits: Some(limits), ..good() }
    };
    let cases = [
        ("no such agent", TaskOpen { agent: "nobody".into(), ..good() }, ErrorCode::NotFound),
        ("other client", TaskOpen { client: Client::Codex, ..good() }, ErrorCode::Refused),
        ("no intent", TaskOpen { intent: " ".into(), ..good() }, ErrorCode::Refused),
        ("long intent", TaskOpen { intent: "x".repeat(MAX_INTENT_BYTES + 1), ..good() }, ErrorCode::Refused),
        ("relative", TaskOpen { workspace: "here".into(), ..good() }, ErrorCode::Refused),
        ("nul", TaskOpen { workspace: "/a\0b".into(), ..good() }, ErrorCode::Refused),
        ("names", TaskOpen { handed_over: vec![label("A"); 100], ..good() }, ErrorCode::Refused),
        ("no time", limits(|l| l.seconds = 0), ErrorCode::Refused),
        ("a week", limits(|l| l.seconds = 7 * 86_400), ErrorCode::Refused),
        ("no calls", limits(|l| l.calls = 0), ErrorCode::Refused),
        ("no room", limits(|l| l.recorded_bytes = 1), ErrorCode::Refused),
    ];
    for (what, ask, code) in cases {
        let error = bench.office.task_open(&me(), ask).map(|_| what).expect_err(what);
        assert_eq!(error.code(), code, "{what}");
    }
    let opened = bench.office.task_open(&me(), good()).unwrap();
    assert_eq!((opened.epoch, opened.intent.as_str()), (1, "mend the fence"));
    let shown = bench.show_task(&opened);
    assert_eq!(shown.handed_over, [label("ANTHROPIC_API_KEY")]);
    assert_eq!(shown.workspace.as_deref(), Some("/home/me/fence"));
    assert!(shown.branch_prefix.as_str().starts_with("writ/bugfix/"));
    refused(
        bench.office.task_show(&TaskShow { task: TaskId::new(bench.hands.wall(), [9; 10]), at: None }),
        ErrorCode::NotFound,
    );
}

#[test]
fn a_second_supervisor_is_refused_while_the_first_lives_and_fences_it_off_after() {
    let bench = Bench::new();
    let first = bench.task();
    let stream = bench.office.standing_watch(&first.writ).unwrap();
    refused(bench.office.standing_watch(&first.writ).map(drop), ErrorCode::Conflict);
    refused(bench.office.task_attach(&TaskAttach { writ: first.writ.clone() }), ErrorCode::Conflict);
    drop(stream);
    let second = bench.office.task_attach(&TaskAttach { writ: first.writ.clone() }).unwrap();
    assert_eq!(second.epoch, 2);

    let writ = || first.writ.clone();
    refused(bench.allow(&first), ErrorCode::StaleEpoch);
    refused(bench.office.standing_watch(&first.writ).map(drop), ErrorCode::StaleEpoch);
    refused(bench.office.task_attach(&TaskAttach { writ: writ() }), ErrorCode::StaleEpoch);
    refused(bench.office.writ_renew(&WritRenew { writ: writ() }), ErrorCode::StaleEpoch);
    refused(bench.try_ask(&first, 1, ApprovalLevel::OnePerson), ErrorCode::StaleEpoch);
    refused(bench.take(&first, 1), ErrorCode::StaleEpoch);
    let end = TaskEnd { writ: writ(), cause: CloseCause::Finished };
    refused(bench.office.task_end(&end), ErrorCode::StaleEpoch);
    let seen = Fingerprint { client_version: None, instructions: None, model: None, tools: None };
    refused(bench.office.fingerprint_seen(FingerprintSeen { writ: writ(), seen }), ErrorCode::StaleEpoch);

    let _stream = bench.office.standing_watch(&second.writ).unwrap();
    assert!(bench.allow(&second).is_ok());
}

#[test]
fn a_task_whose_supervisor_does_not_come_back_is_closed() {
    let bench = Bench::new();
    let task = bench.task();
    let stream = bench.office.standing_watch(&task.writ).unwrap();
    bench.hands.pass(Duration::from_secs(60));
    bench.office.sweep().unwrap();
    assert_eq!(bench.show_task(&task).state, TaskState::Open);
    drop(stream);
    bench.hands.pass(Duration::from_secs(5));
    bench.office.sweep().unwrap();
    let stream = bench.office.standing_watch(&task.writ).expect("it came back in time");
    drop(stream);
    bench.hands.pass(Duration::from_secs(10));
    bench.office.sweep().unwrap();
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::SupervisorLost));
    refused(bench.allow(&task), ErrorCode::TaskNotOpen);
}

#[test]
fn after_a_restart_supervisors_find_their_tasks_or_the_tasks_end() {
    let mut bench = Bench::new();
    let (found, lost) = (bench.task(), bench.task());
    bench.restart();
    let stream = bench.office.standing_watch(&found.writ).expect("the writ is still good");
    bench.hands.pass(Duration::from_secs(30));
    bench.office.sweep().unwrap();
    assert_eq!(bench.show_task(&found).state, TaskState::Open);
    assert_eq!(bench.show_task(&lost).cause, Some(CloseCause::SupervisorLost));
    drop(stream);
}

#[test]
fn a_writ_is_renewed_while_all_is_well_and_ends_otherwise() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { seconds: 3_600, ..Limits::default() });
    let stream = bench.office.standing_watch(&task.writ).unwrap();
    bench.hands.pass(Duration::from_secs(600));
    let renewed = bench.office.writ_renew(&WritRenew { writ: task.writ.clone() }).unwrap();
    assert!(bench.allow(&task).is_ok(), "the old one lasts as long as it says");
    bench.hands.pass(Duration::from_secs(400));
    refused(bench.allow(&task), ErrorCode::WritExpired);
    let task = TaskOpened { writ: renewed.writ, ..task };
    assert!(bench.allow(&task).is_ok());
    bench.hands.set_back(Duration::from_secs(1_000));
    bench.hands.pass(Duration::from_secs(600));
    refused(bench.allow(&task), ErrorCode::WritExpired);
    bench.office.sweep().unwrap();
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::WritLapsed));
    drop(stream);
}

#[test]
fn a_task_ends_with_its_time() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { seconds: 60, ..Limits::default() });
    let stream = bench.office.standing_watch(&task.writ).unwrap();
    bench.hands.pass(Duration::from_secs(60));
    assert!(bench.allow(&task).is_err(), "swept or not");
    bench.office.sweep().unwrap();
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::TimeLimit));
    assert_eq!(stream.standings.borrow().cause, Some(CloseCause::TimeLimit));
}

#[test]
fn the_end_is_signed_for_and_told_the_same_twice() {
    let bench = Bench::new();
    let task = bench.task();
    let end = |cause| bench.office.task_end(&TaskEnd { writ: task.writ.clone(), cause }).unwrap();
    let first = end(CloseCause::Finished);
    let keys: Vec<_> = first.checkpoints.iter().map(|c| (c.log, c.note.lines().count())).collect();
    assert_eq!(keys, [(Log::Activity, 5), (Log::Control, 5)]);
    assert_eq!(end(CloseCause::NotStarted).cause, CloseCause::Finished);
    let by_person = bench.office.task_close(&me(), &TaskClose { task: task.task.id }).unwrap();
    assert_eq!(by_person.cause, CloseCause::Finished);
    let unknown = TaskClose { task: TaskId::new(bench.hands.wall(), [9; 10]) };
    refused(bench.office.task_close(&me(), &unknown), ErrorCode::NotFound);
}

#[test]
fn a_hooked_session_gets_one_task_under_the_narrowest_profile() {
    let bench = Bench::new();
    let open = |session, agent: Option<&str>| {
        bench.office.session_open(
            &me(),
            SessionOpen {
                client: Client::ClaudeCode,
                client_session: digest(session),
                workspace: "/home/me/fence".into(),
                agent: agent.map(str::to_owned),
            },
        )
    };
    refused(open(1, None), ErrorCode::NotFound);
    bench.agent("claude");
    let first = open(1, None).unwrap();
    assert_eq!((first.task.kind, first.task.supervision), (TaskKind::Review, Supervision::Hooked));
    assert_eq!(open(1, None).unwrap().task.id, first.task.id);
    assert_ne!(open(2, None).unwrap().task.id, first.task.id);
    bench.agent("other");
    refused(open(3, None), ErrorCode::Refused);
    assert!(open(3, Some("other")).is_ok());
    bench.office.task_close(&me(), &TaskClose { task: first.task.id }).unwrap();
    assert_ne!(open(1, Some("claude")).unwrap().task.id, first.task.id);
}

#[test]
fn standing_is_pushed_when_it_changes() {
    let bench = Bench::new();
    let task = bench.task();
    let mut stream = bench.office.standing_watch(&task.writ).unwrap();
    assert!(!stream.standings.borrow_and_update().revoked);
    bench.task();
    assert!(!stream.standings.has_changed().unwrap(), "another task is no news");
    bench.office.agent_suspend(&me(), &AgentSuspend { agent: "claude".into() }).unwrap();
    assert!(stream.standings.has_changed().unwrap());
    let standing = stream.standings.borrow_and_update().clone();
    assert_eq!(standing.agent_state, LifecycleState::Suspended);
    assert_eq!(standing.cause, Some(CloseCause::AgentSuspended));
}
