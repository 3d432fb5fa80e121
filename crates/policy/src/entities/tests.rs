use std::sync::LazyLock;

use cedar_policy::Schema;
use proptest::prelude::*;
use writ_model::Place;

use super::*;
use crate::engine::tests::{moment, scope};
use crate::engine::{Engine, TaskJudge};
use crate::source::PolicySources;

fn parts() -> &'static (Schema, TaskJudge) {
    static PARTS: LazyLock<(Schema, TaskJudge)> = LazyLock::new(|| {
        let engine = Arc::new(Engine::load(&PolicySources::shipped()).unwrap());
        (crate::schema::schema().unwrap(), engine.for_task(scope()).unwrap())
    });
    &PARTS
}

fn any_resource() -> impl Strategy<Value = Resource> {
    let text = || "\\PC{0,40}";
    prop_oneof![
        text().prop_map(|provider| Resource::CloudAccount { provider }),
        text().prop_map(|program| Resource::Command { program }),
        text().prop_map(|target| Resource::Deployment { target }),
        text().prop_map(|name| Resource::Host { name }),
        text().prop_map(|what| Resource::Identity { what }),
        (text(), text()).prop_map(|(server, tool)| Resource::McpTool { server, tool }),
        text().prop_map(Resource::package),
        (text(), 0..Place::ALL.len()).prop_map(|(path, place)| Resource::path(path, Place::ALL[place])),
        (text(), text(), any::<bool>()).prop_map(|(remote, name, force)| Resource::Ref {
            remote,
            name,
            force
        }),
        text().prop_map(|name| Resource::Repository { name }),
        text().prop_map(|what| Resource::Secret { what }),
        text().prop_map(|why| Resource::Unknown { why }),
    ]
}

proptest! {
    /// Whatever the call says, what Cedar is asked conforms to the schema that policies were checked against.
    #[test]
    fn every_question_conforms_to_the_schema(
        resource_of in any_resource(),
        effect in 0..EffectClass::ALL.len(),
        level in proptest::option::of(0..ApprovalLevel::RISING.len()),
    ) {
        let (schema, judge) = parts();
        let action = Action { effect: EffectClass::ALL[effect], resource: resource_of, because: Default::default() };
        let level = level.map(|level| ApprovalLevel::RISING[level]);
        let call = crate::engine::tests::shell("true");
        let (request, entities) = judge.whole(&action, &moment(), level, Some(&call)).unwrap();
        Request::new(
            request.principal().unwrap().clone(),
            request.action().unwrap().clone(),
            request.resource().unwrap().clone(),
            request.context().unwrap().clone(),
            Some(schema),
        ).unwrap();
        Entities::from_entities(entities.iter().cloned(), Some(schema)).unwrap();
    }
}

#[test]
fn the_call_becomes_tags_as_far_as_they_are_short() {
    let mut call = crate::engine::tests::shell("make");
    call.arguments = serde_json::json!({
        "command": "make", "timeout": 5, "background": false, "long": "x".repeat(TAG_BYTES), "list": ["a"],
    });
    let entity = tool_call(&call).unwrap();
    let tag = |name: &str| entity.tag(name).map(|tag| tag.unwrap().to_string());
    assert_eq!(tag("command").as_deref(), Some("\"make\""));
    assert_eq!(tag("timeout").as_deref(), Some("\"5\""));
    assert_eq!(tag("background").as_deref(), Some("\"false\""));
    assert_eq!(tag("long"), None);
    assert_eq!(tag("list"), None);
    assert_eq!(entity.attr("complete").unwrap().unwrap().to_string(), "false");
}

#[test]
fn a_name_too_long_is_not_judged() {
    let action = Action {
        effect: EffectClass::Network,
        resource: Resource::Host { name: "x".repeat(NAME_BYTES + 1) },
        because: Default::default(),
    };
    assert!(matches!(
        resource(&action, None, &scope(), &KnownHosts::default()),
        Err(BuildError::NameTooLong)
    ));
}
