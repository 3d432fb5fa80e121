use super::*;

fn check_text(text: &str) -> Result<(), Unsayable> {
    let set: cedar_policy::PolicySet = text.parse().unwrap();
    check(set.policies().next().unwrap())
}

fn permit(condition: &str) -> String {
    format!("permit (principal, action, resource) when {{ {condition} }};")
}

fn forbid(condition: &str) -> String {
    format!("forbid (principal, action, resource) when {{ {condition} }};")
}

const YES: &str = "context has approval && context.approval.one_person";

#[test]
fn ordinary_policies_can_be_said() {
    for text in [
        "permit (principal, action, resource);".to_owned(),
        permit("resource.place == \"workspace\" && !(resource.path like \"*/.git/*\")"),
        permit("principal in Writ::Team::\"shop\" || action in [Writ::Action::\"read\"]"),
        permit("if context.taint.secret then false else resource.known"),
        permit("context.budget.calls_left > 10 && context.now < datetime(\"2030-01-01\")"),
        permit("context.call.hasTag(\"command\") && context.call.getTag(\"command\") like \"make *\""),
        permit("resource has at_home && resource.at_home like \".cache/*\""),
        permit("[\"a\", \"b\"].contains(resource.name)"),
        permit(YES),
        permit(&format!("context.environment == \"production\" && ({YES})")),
        permit("context has approval.two_people && context.approval.two_people"),
        permit(&format!("!(!({YES}))")),
        permit(&format!("if resource.known then {YES} else true")),
        format!("forbid (principal, action, resource) unless {{ {YES} }};"),
        forbid(&format!("!({YES})")),
        forbid(&format!("resource.force && !({YES} && resource.known)")),
    ] {
        assert!(check_text(&text).is_ok(), "{text}: {:?}", check_text(&text));
    }
}

/// A yes that could take something away: each of these would let a person's approval turn an allow into a deny.
#[test]
fn a_yes_never_counts_against_the_call() {
    for text in [
        permit(&format!("!({YES})")),
        permit("!(context has approval)"),
        forbid(YES),
        forbid("context has approval"),
        format!("permit (principal, action, resource) unless {{ {YES} }};"),
        permit("(context has approval) == false"),
        permit("(context has approval && context.approval.one_person) == resource.known"),
        permit("[context has approval].contains(false)"),
        permit("if context has approval then resource.known else true"),
        permit(&format!("if {YES} then false else true")),
        forbid(&format!("resource.known || ({YES})")),
        permit("{ a: context has approval }.a == false"),
    ] {
        let found = check_text(&text);
        assert!(
            matches!(found, Err(Unsayable::AgainstApproval | Unsayable::UnknownForm)),
            "{text}: {found:?}"
        );
    }
    assert_eq!(check_text(&permit("context.approval == context.approval")), Err(Unsayable::WholeApproval));
    assert_eq!(check_text(&permit("[context].isEmpty()")), Err(Unsayable::WholeContext));
}

#[test]
fn nothing_that_can_err_can_be_said() {
    for condition in [
        "context.budget.calls_left + 1 > 2",
        "context.budget.calls_left - 1 > 2",
        "context.budget.calls_left * 2 > 2",
        "-context.budget.calls_left < 0",
        "context.now.offset(duration(\"1d\")) > context.now",
        "context.now.durationSince(context.now) == duration(\"0s\")",
        "context.now.toDate() == context.now",
    ] {
        let found = check_text(&forbid(condition));
        assert!(matches!(found, Err(Unsayable::Arithmetic(_))), "{condition}: {found:?}");
    }
    for condition in ["Writ::Agent::\"x\".name == \"a\"", "Writ::Agent::\"x\" has name"] {
        let found = check_text(&forbid(condition));
        assert!(matches!(found, Err(Unsayable::ForeignAttribute(_))), "{condition}: {found:?}");
    }
}
