use std::sync::LazyLock;

use cedar_policy::Schema;
use proptest::prelude::*;
use writ_model::Place;

use super::*;
use crate::engine::tests::{moment, scope};

const ALL_USES: Uses = Uses { approval: true, budget: true, call: true, now: true };

fn parts() -> &'static (Schema, Principal) {
    static PARTS: LazyLock<(Schema, Principal)> = LazyLock::new(|| {
        let schema = crate::schema::schema().unwrap();
        let actions = schema.action_entities().unwrap();
        (schema, Principal::new(&scope(), &actions).unwrap())
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
        text().prop_map(|name| Resource::package(name)),
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
        let (schema, principal) = parts();
        let scope = scope();
        let action = Action { effect: EffectClass::ALL[effect], resource: resource_of, because: String::new() };
        let entity = resource(&action, None, &scope).unwrap();
        let context = principal
            .context(&scope, &moment(), level.map(|level| ApprovalLevel::RISING[level]), ALL_USES)
            .unwrap();
        Request::new(
            principal.uid.clone(),
            action_uid(action.effect),
            entity.uid(),
            context,
            Some(schema),
        ).unwrap();
        let call = crate::engine::tests::shell("true");
        let entities = principal.entities(action.effect, vec![entity, tool_call(&call).unwrap()]).unwrap();
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
        because: String::new(),
    };
    assert!(matches!(resource(&action, None, &scope()), Err(BuildError::NameTooLong)));
}
