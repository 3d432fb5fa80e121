use super::*;

fn entry() -> ControlEntry {
    let at = Timestamp::from_millis(1_795_306_510_162);
    ControlEntry {
        v: ENTRY_VERSION,
        at,
        by: Actor::Human(Human("uid:1000".parse().unwrap())),
        event: ControlEvent::TaskClosed { task: TaskId::new(at, [3; 10]), cause: CloseCause::Finished },
    }
}

#[test]
fn an_entry_is_canonical_json_and_survives_it() {
    let bytes = entry().to_bytes().unwrap();
    let task = TaskId::new(entry().at, [3; 10]);
    assert_eq!(
        String::from_utf8(bytes.clone()).unwrap(),
        format!(
            r#"{{"at":"2026-11-22T00:15:10.162Z","by":{{"human":"uid:1000"}},"event":{{"cause":"finished","task":"{task}","type":"task-closed"}},"v":1}}"#
        )
    );
    assert_eq!(ControlEntry::from_bytes(&bytes).unwrap(), entry());
}

#[test]
fn a_newer_entry_is_refused_as_newer_and_garbage_as_garbage() {
    let newer = ControlEntry { v: 2, ..entry() }.to_bytes().unwrap();
    assert!(matches!(ControlEntry::from_bytes(&newer), Err(EntryError::Newer(2))));
    assert!(matches!(ControlEntry::from_bytes(br#"{"v":9,"what":"ever"}"#), Err(EntryError::Newer(9))));
    for garbage in [&b""[..], b"{", b"null", b"\xff", br#"{"v":1}"#] {
        assert!(matches!(ControlEntry::from_bytes(garbage), Err(EntryError::Malformed(_))));
    }
    let text = String::from_utf8(entry().to_bytes().unwrap()).unwrap();
    let extra = text.replace(r#""v":1"#, r#""v":1,"x":0"#);
    assert!(matches!(ControlEntry::from_bytes(extra.as_bytes()), Err(EntryError::Malformed(_))));
}
