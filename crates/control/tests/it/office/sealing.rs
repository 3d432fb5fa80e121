//! Sealed credentials: kept, lent to the task that they are for, and gone when they are ended.

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_ledger::Stream;
use writ_model::*;

use super::bench::{Bench, me, refused};

const VALUE: &str = "made-up-value-7Qk2ZpX9";

fn binding() -> SecretBinding {
    serde_json::from_value(serde_json::json!({"hosts": ["api.example.org"]})).unwrap()
}

fn add(bench: &Bench, name: &str, binding: SecretBinding) {
    let ask = SecretAdd { name: name.parse().unwrap(), binding, value: SealedText::new(VALUE.into()) };
    let view = bench.office.secret_add(&me(), &ask).unwrap();
    assert!(view.intact && view.last_lent_at.is_none() && view.added_by == Some(me()));
}

fn lend(bench: &Bench, task: &TaskOpened, name: &str) -> Result<String, writ_control::OfficeError> {
    let ask = SecretLend { writ: task.writ.clone(), name: name.parse().unwrap() };
    bench.office.secret_lend(&ask).map(|lent| lent.value.expose().to_owned())
}

fn lendings(bench: &Bench) -> usize {
    let ledger = bench.office.ledger();
    let entries = ledger.read(Stream::Control, 0, 10_000).unwrap();
    let events = entries.iter().map(|(_, bytes)| ControlEntry::from_bytes(bytes).unwrap().event);
    events.filter(|event| matches!(event, ControlEvent::CredentialLent { .. })).count()
}

#[test]
fn a_secret_is_lent_to_a_live_writ_and_told_once_for_each_task() {
    let bench = Bench::new();
    add(&bench, "forge", binding());
    let (one, other) = (bench.task(), bench.task());
    for _ in 0..3 {
        assert_eq!(lend(&bench, &one, "forge").unwrap(), VALUE);
    }
    assert_eq!(lendings(&bench), 1);
    assert_eq!(lend(&bench, &other, "forge").unwrap(), VALUE);
    assert_eq!(lendings(&bench), 2);
    let view = bench.office.secret_list(&SecretList::default()).unwrap().secrets.remove(0);
    assert_eq!(view.last_lent_to, Some(other.task.id));
    refused(lend(&bench, &one, "other"), ErrorCode::NotFound);
}

#[test]
fn whoever_has_no_authority_is_lent_nothing() {
    let bench = Bench::new();
    add(&bench, "forge", binding());
    add(&bench, "theirs", SecretBinding { agents: vec!["somebody".parse().unwrap()], ..binding() });
    add(&bench, "release", SecretBinding { kinds: vec![TaskKind::Release], ..binding() });
    let task = bench.task();
    refused(lend(&bench, &task, "theirs"), ErrorCode::Refused);
    refused(lend(&bench, &task, "release"), ErrorCode::Refused);
    let forged = TaskOpened { writ: WritToken("eyJhbGciOiJub25lIn0.e30.".into()), ..task.clone() };
    refused(lend(&bench, &forged, "forge"), ErrorCode::WritInvalid);
    assert!(lend(&bench, &task, "forge").is_ok());
    bench.office.revoke(&me(), &Revoke { target: RevokeTarget::Task(task.task.id) }).unwrap();
    assert!(lend(&bench, &task, "forge").is_err());
    let task = bench.task();
    bench.office.revoke(&me(), &Revoke { target: RevokeTarget::Agent("claude".into()) }).unwrap();
    assert!(lend(&bench, &task, "forge").is_err());
    assert_eq!(lendings(&bench), 1);
}

#[test]
fn rotating_and_removing_erase_what_was_and_count_at_once() {
    let bench = Bench::new();
    add(&bench, "forge", binding());
    let task = bench.task();
    assert_eq!(lend(&bench, &task, "forge").unwrap(), VALUE);
    let name: Label = "forge".parse().unwrap();
    let rotate = SecretRotate { name: name.clone(), value: SealedText::new("another-made-up".into()) };
    bench.office.secret_rotate(&me(), &rotate).unwrap();
    assert_eq!(lend(&bench, &task, "forge").unwrap(), "another-made-up");
    let erased = |bench: &Bench| {
        let entries = bench.office.ledger().read(Stream::Control, 0, 10_000).unwrap();
        let events = entries.iter().map(|(_, bytes)| ControlEntry::from_bytes(bytes).unwrap().event);
        events.filter(|event| matches!(event, ControlEvent::PayloadsErased { .. })).count()
    };
    assert_eq!(erased(&bench), 1);
    bench.office.secret_remove(&me(), &SecretRemove { name: name.clone() }).unwrap();
    assert_eq!(erased(&bench), 3);
    refused(lend(&bench, &task, "forge"), ErrorCode::NotFound);
    add(&bench, "forge", binding());
    assert_eq!(lend(&bench, &task, "forge").unwrap(), VALUE);
    for value in [VALUE, "another-made-up"] {
        let entries = bench.office.ledger().read(Stream::Control, 0, 10_000).unwrap();
        assert!(!entries.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(value)));
    }
}

#[test]
fn debug_of_what_travels_tells_nothing() {
    let ask = SecretAdd {
        name: "forge".parse().unwrap(),
        binding: binding(),
        value: SealedText::new(VALUE.into()),
    };
    assert!(!format!("{ask:?}").contains(VALUE));
    let lent = SecretLent { value: SealedText::new(VALUE.into()) };
    assert!(!format!("{lent:?}").contains(VALUE));
}
