use super::*;

fn at() -> Timestamp {
    Timestamp::from_millis(1_795_306_510_162)
}

#[test]
fn an_id_survives_its_text_and_json() {
    let id = TaskId::new(at(), [7; 10]);
    assert_eq!(id.to_string().parse::<TaskId>(), Ok(id));
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(serde_json::from_str::<TaskId>(&json).unwrap(), id);
}

#[test]
fn an_id_of_another_kind_or_form_is_refused() {
    let task = TaskId::new(at(), [7; 10]).to_string();
    let agent = task.replace("tsk_", "agt_");
    let upper = task.to_uppercase();
    let dashed = format!("tsk_{}", Uuid::nil());
    for text in [agent.as_str(), upper.as_str(), dashed.as_str(), "", "tsk_", "tsk_zz", &task[..20]] {
        assert!(text.parse::<TaskId>().is_err(), "{text}");
    }
}

#[test]
fn ids_sort_by_time() {
    let earlier = CallId::new(at(), [255; 10]);
    let later = CallId::new(Timestamp::from_millis(at().as_millis() + 1), [0; 10]);
    assert!(earlier < later);
}
