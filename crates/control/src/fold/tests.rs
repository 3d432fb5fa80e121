use proptest::prelude::*;
use writ_model::*;

use super::*;

const START: i64 = 1_795_306_510_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1_000)
}

fn entry(seconds: i64, event: ControlEvent) -> ControlEntry {
    ControlEntry { v: ENTRY_VERSION, at: at(seconds), by: Actor::Human(human(1)), event }
}

fn human(n: u8) -> Human {
    Human(Label::lossy(&format!("uid:{n}")))
}

fn agent(n: u8) -> AgentId {
    AgentId::new(at(0), [n; 10])
}

fn task_id(n: u8) -> TaskId {
    TaskId::new(at(0), [n; 10])
}

fn approval_id(n: u8) -> ApprovalId {
    ApprovalId::new(at(0), [n; 10])
}

fn digest(n: u8) -> Digest {
    Digest::new([n; 32])
}

fn registration(n: u8) -> Registration {
    Registration {
        name: Label::lossy(&format!("agent-{n}")),
        client: Client::Codex,
        owner: human(n),
        deputy: None,
        purpose: digest(0),
        environment: Label::lossy("local"),
        function: Label::lossy("coding"),
        review_by: at(1_000_000),
        expires_at: None,
    }
}

fn task(id: u8, of: u8, opened: i64) -> Task {
    Task {
        id: task_id(id),
        agent: agent(of),
        client: Client::Codex,
        kind: TaskKind::Feature,
        requester: human(1),
        intent: digest(1),
        workspace: digest(2),
        branch_prefix: Label::lossy("writ/feature/x"),
        environment: Label::lossy("local"),
        supervision: Supervision::Governed,
        limits: Limits::default(),
        bounds: None,
        opened_at: at(opened),
    }
}

fn moved(n: u8, step: LifecycleMove) -> ControlEvent {
    ControlEvent::AgentMoved { agent: agent(n), step, reason: LifecycleReason::ByPerson }
}

fn requested(n: u8, task: u8, level: ApprovalLevel, expires: i64) -> ControlEvent {
    ControlEvent::ApprovalRequested {
        approval: approval_id(n),
        task: task_id(task),
        call: CallId::new(at(0), [n; 10]),
        action: digest(n),
        level,
        shown: digest(9),
        expires_at: at(expires),
    }
}

fn given(n: u8, by: u8) -> ControlEvent {
    ControlEvent::ApprovalGiven { approval: approval_id(n), by: human(by), own: by == 1 }
}

fn consumed(n: u8) -> ControlEvent {
    ControlEvent::ApprovalConsumed { approval: approval_id(n), call: CallId::new(at(0), [7; 10]) }
}

/// An active agent 1 with an open task 1, asked for by human 1.
fn opened() -> State {
    let mut state = State::default();
    let events = [
        ControlEvent::AgentRegistered { agent: agent(1), registration: registration(1) },
        moved(1, LifecycleMove::Request),
        moved(1, LifecycleMove::Approve),
        moved(1, LifecycleMove::Activate),
        ControlEvent::TaskOpened { task: task(1, 1, 0) },
        ControlEvent::TaskAttached { task: task_id(1), epoch: 1 },
    ];
    for event in events {
        state.apply(&entry(0, event)).unwrap();
    }
    state
}

/// The events follow `opened`; the last one is refused and changes nothing.
fn refused(events: &[(i64, ControlEvent)], expected: &FoldError) {
    let mut state = opened();
    let entries: Vec<ControlEntry> = events.iter().map(|(s, event)| entry(*s, event.clone())).collect();
    let (last, before) = entries.split_last().unwrap();
    for entry in before {
        state.apply(entry).unwrap();
    }
    assert_eq!(state.check(std::slice::from_ref(last)), Err(expected.clone()));
    assert_eq!(state.apply(last), Err(expected.clone()));
    let mut fresh = opened();
    assert_eq!(fresh.check(&entries), Err(expected.clone()));
    assert_eq!(fresh, opened(), "checking changes nothing");
    fresh.apply(&entry(0, ControlEvent::PolicyLoaded { version: digest(3), source: None })).unwrap();
}

#[test]
fn what_breaks_a_rule_does_not_fold() {
    use ApprovalLevel as Level;
    let approve = |level| (1, requested(2, 1, level, 900));
    let state = |from, step| FoldError::Approval(IllegalApprovalMove { from, step });
    refused(
        &[(1, ControlEvent::AgentRegistered { agent: agent(2), registration: registration(1) })],
        &FoldError::NameTaken(Label::lossy("agent-1")),
    );
    refused(&[(1, ControlEvent::TaskOpened { task: task(1, 1, 1) })], &FoldError::TaskExists(task_id(1)));
    refused(
        &[(1, moved(1, LifecycleMove::Suspend)), (2, ControlEvent::TaskOpened { task: task(2, 1, 2) })],
        &FoldError::AgentNotActive(agent(1)),
    );
    refused(
        &[
            (1, ControlEvent::AgentRevoked { agent: agent(1) }),
            (2, ControlEvent::TaskOpened { task: task(2, 1, 2) }),
        ],
        &FoldError::AgentNotActive(agent(1)),
    );
    refused(
        &[(2_000_000, ControlEvent::TaskOpened { task: task(2, 1, 2_000_000) })],
        &FoldError::AgentNotActive(agent(1)),
    );
    refused(
        &[(1, ControlEvent::TaskAttached { task: task_id(1), epoch: 1 })],
        &FoldError::Epoch { now: 1, got: 1 },
    );
    refused(&[approve(Level::AnotherPerson), (2, given(2, 1))], &FoldError::OwnYes);
    refused(&[approve(Level::TwoPeople), (2, given(2, 1))], &FoldError::OwnYes);
    refused(
        &[approve(Level::TwoPeople), (2, given(2, 3)), (3, given(2, 3))],
        &FoldError::AnsweredAlready(human(3)),
    );
    refused(&[approve(Level::OnePerson), (900, given(2, 1))], &FoldError::ApprovalExpired);
    refused(&[approve(Level::OnePerson), (2, given(2, 1)), (900, consumed(2))], &FoldError::ApprovalExpired);
    refused(
        &[approve(Level::OnePerson), (2, consumed(2))],
        &state(ApprovalState::Pending, ApprovalMove::Consume),
    );
    refused(
        &[approve(Level::TwoPeople), (2, given(2, 3)), (3, consumed(2))],
        &state(ApprovalState::Pending, ApprovalMove::Consume),
    );
    refused(
        &[approve(Level::OnePerson), (2, given(2, 1)), (3, consumed(2)), (4, consumed(2))],
        &state(ApprovalState::Consumed, ApprovalMove::Consume),
    );
    refused(
        &[
            approve(Level::OnePerson),
            (2, ControlEvent::ApprovalGiven { approval: approval_id(2), by: human(3), own: true }),
        ],
        &FoldError::OwnMisstated,
    );
    refused(
        &[
            approve(Level::OnePerson),
            (2, ControlEvent::TaskClosed { task: task_id(1), cause: CloseCause::Finished }),
            (3, given(2, 1)),
        ],
        &FoldError::UnknownApproval(approval_id(2)),
    );
    refused(
        &[
            (5, ControlEvent::PolicyLoaded { version: digest(1), source: None }),
            (4, moved(1, LifecycleMove::Suspend)),
        ],
        &FoldError::TimeBackwards,
    );
    let long = ControlEvent::WritIssued {
        writ: WritId::new(at(0), [1; 10]),
        task: task_id(1),
        agent: agent(1),
        token: digest(1),
        expires_at: at(2_000),
    };
    refused(&[(1, long)], &FoldError::Writ);
}

#[test]
fn two_people_are_two() {
    let mut state = opened();
    state.apply(&entry(1, requested(2, 1, ApprovalLevel::TwoPeople, 900))).unwrap();
    for (by, expected) in [(3, ApprovalState::Pending), (4, ApprovalState::Approved)] {
        state.apply(&entry(2, given(2, by))).unwrap();
        assert_eq!(state.approval(approval_id(2)).unwrap().0.state, expected);
    }
}

#[test]
fn what_has_ended_is_kept_in_bounded_number() {
    let mut state = opened();
    let many = MAX_CLOSED_TASKS + 50;
    for n in 0..many {
        let mut random = [9; 10];
        random[..8].copy_from_slice(&(n as u64).to_be_bytes());
        let id = TaskId::new(at(1), random);
        let opened = Task { id, opened_at: at(1), ..task(1, 1, 1) };
        state.apply(&entry(1, ControlEvent::TaskOpened { task: opened })).unwrap();
        state.apply(&entry(1, ControlEvent::TaskClosed { task: id, cause: CloseCause::Finished })).unwrap();
    }
    assert_eq!(state.tasks().count(), MAX_CLOSED_TASKS + 1, "the open one is always kept");
    assert!(state.task(task_id(1)).is_some());
}

fn any_event() -> impl Strategy<Value = ControlEvent> {
    let id = 1..4_u8;
    let step = prop::sample::select(LifecycleMove::ALL.to_vec());
    let level = prop::sample::select(ApprovalLevel::RISING.to_vec());
    prop_oneof![
        id.clone()
            .prop_map(|n| ControlEvent::AgentRegistered { agent: agent(n), registration: registration(n) }),
        (id.clone(), step).prop_map(|(n, step)| moved(n, step)),
        (id.clone(), -9..9_i64)
            .prop_map(|(n, s)| ControlEvent::AgentReviewed { agent: agent(n), review_by: at(s) }),
        (id.clone(), 0..40_i64)
            .prop_map(|(n, s)| ControlEvent::OwnerGone { agent: agent(n), answer_by: at(s) }),
        id.clone().prop_map(|n| ControlEvent::AgentTakenOver { agent: agent(n), owner: human(n) }),
        (id.clone(), id.clone(), 0..5_i64)
            .prop_map(|(n, of, s)| ControlEvent::TaskOpened { task: task(n, of, s) }),
        (id.clone(), 0..4_u64).prop_map(|(n, epoch)| ControlEvent::TaskAttached { task: task_id(n), epoch }),
        id.clone().prop_map(|n| ControlEvent::TaskClosed { task: task_id(n), cause: CloseCause::Finished }),
        id.clone().prop_map(|n| ControlEvent::TaskRevoked { task: task_id(n) }),
        id.clone().prop_map(|n| ControlEvent::AgentRevoked { agent: agent(n) }),
        id.clone().prop_map(|n| ControlEvent::OwnerRevoked { owner: human(n) }),
        (id.clone(), id.clone(), level, 0..9_i64).prop_map(|(n, t, level, e)| requested(n, t, level, e)),
        (id.clone(), id.clone()).prop_map(|(n, by)| given(n, by)),
        id.clone().prop_map(|n| ControlEvent::ApprovalRefused { approval: approval_id(n), by: human(2) }),
        id.clone().prop_map(consumed),
        id.clone().prop_map(|n| ControlEvent::ApprovalExpired { approval: approval_id(n) }),
        (id.clone(), id.clone(), 0..1_000_i64).prop_map(|(n, t, e)| ControlEvent::WritIssued {
            writ: WritId::new(at(0), [n; 10]),
            task: task_id(t),
            agent: agent(1),
            token: digest(n),
            expires_at: at(e),
        }),
        id.clone()
            .prop_map(|n| ControlEvent::CredentialHandedOver { task: task_id(n), name: Label::lossy("X") }),
        id.clone().prop_map(|n| ControlEvent::SafetyWeakened { task: task_id(n), layer: Label::lossy("Y") }),
        id.clone().prop_map(|n| ControlEvent::ClientSandboxOff { task: task_id(n), by: Label::lossy("Z") }),
        id.prop_map(|n| ControlEvent::PolicyLoaded { version: digest(n), source: None }),
    ]
}

fn any_entries() -> impl Strategy<Value = Vec<ControlEntry>> {
    let order = |mut entries: Vec<(i64, ControlEvent)>| {
        entries.sort_by_key(|(seconds, _)| *seconds);
        entries.into_iter().map(|(seconds, event)| entry(seconds, event)).collect()
    };
    prop::collection::vec((0..8_i64, any_event()), 0..120).prop_map(order)
}

proptest! {
    #[test]
    fn no_order_of_events_breaks_the_fold(entries in any_entries(), unsorted in prop::collection::vec((0..8_i64, any_event()), 0..40)) {
        let mut state = opened();
        for entry in &entries {
            let before = state.clone();
            let checked = state.check(std::slice::from_ref(entry));
            let applied = state.apply(entry);
            prop_assert_eq!(&checked, &applied, "checking says what applying does");
            if applied.is_err() {
                // What was refused is not written, so the fold goes on from before.
                state = before;
            }
        }
        let mut state = State::default();
        for (seconds, event) in unsorted {
            let _ = state.apply(&entry(seconds, event));
        }
    }

    #[test]
    fn a_snapshot_and_the_tail_give_what_everything_gives(entries in any_entries(), cut in 0..120_usize) {
        let mut all = opened();
        let mut accepted = Vec::new();
        for entry in entries {
            if all.check(std::slice::from_ref(&entry)).is_ok() {
                all.apply(&entry).unwrap();
                accepted.push(entry);
            }
        }
        let cut = cut.min(accepted.len());
        let mut first = opened();
        accepted[..cut].iter().for_each(|entry| first.apply(entry).unwrap());
        let bytes = encode(&first, &ActivityState::default()).unwrap();
        let (mut then, _) = decode(&bytes).unwrap();
        prop_assert_eq!(&then, &first);
        accepted[cut..].iter().for_each(|entry| then.apply(entry).unwrap());
        prop_assert_eq!(&then, &all);
        let empty = ActivityState::default();
        prop_assert_eq!(encode(&then, &empty).unwrap(), encode(&all, &empty).unwrap());
    }

    #[test]
    fn no_bytes_break_the_reading_of_a_snapshot(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }
}
