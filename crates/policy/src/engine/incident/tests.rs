use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::tests::{moment, scope, shell};
use crate::moment::Taint;
use crate::place::Lexical;
use crate::source::{PolicySources, SourceFile};
use crate::{Judgement, Stopped, validate};

const PERMITS: &str = "@id(\"all\") @reason(\"a test\") permit (principal, action, resource);";

fn sources(more: &str) -> PolicySources {
    let text = format!("{PERMITS}\n{more}");
    PolicySources::shipped().with_organisation([SourceFile { name: "test.cedar".to_owned(), text }])
}

#[track_caller]
fn check(policies: &str, kind: &str, (suspended_by, observed): (&[&str], &[&str])) {
    let judge = Arc::new(Engine::load(&sources(policies)).unwrap()).for_task(scope()).unwrap();
    let stopped = Stopped { kind, host: "other.test:8443", credential: "forge" };
    let mut moment = moment();
    moment.taint = Taint { secret: true, ..Taint::default() };
    let found = judge.on_incident(stopped, &moment);
    let names = |ids: &[writ_model::Label]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&found.suspended_by), suspended_by, "{policies}");
    assert_eq!(names(&found.observed), observed, "{policies}");
    // No call is decided by them.
    assert!(matches!(judge.judge(shell("ls"), &moment, &Lexical), Judgement::Permit(_)), "{policies}");
}

fn policy(id: &str, annotations: &str, principal: &str, condition: &str) -> String {
    format!(
        "@id(\"{id}\") @reason(\"a test\") {annotations}\n\
         forbid ({principal}, action == Writ::Action::\"incident\", resource) {condition};\n"
    )
}

const SUSPEND: &str = "@on_incident(\"suspend\")";

#[test]
fn policies_say_which_incidents_suspend_an_agent() {
    let one = |condition: &str| policy("a", SUSPEND, "principal", condition);
    let of = |principal: &str| policy("a", SUSPEND, principal, "");
    let table: [(String, bool); 13] = [
        (String::new(), false),
        (one(""), true),
        (one("when { resource.kind == \"placeholder-elsewhere\" }"), true),
        (one("when { resource == Writ::Incident::\"placeholder-elsewhere\" }"), true),
        (one("when { resource.kind == \"secret-leaving\" }"), false),
        (one("when { resource.host like \"*.test:8443\" && resource.credential == \"forge\" }"), true),
        (one("when { resource.named }"), false),
        (one("when { context.taint.secret && context.kind == \"feature\" }"), true),
        (one("unless { context has approval && context.approval.one_person }"), true),
        (one("when { principal.name == \"a\" && context.call.tool == \"\" }"), true),
        (of("principal in Writ::Environment::\"development\""), true),
        (of("principal in Writ::Environment::\"production\""), false),
        (of("principal in Writ::Team::\"shop\""), true),
    ];
    for (policies, suspends) in table {
        let by: &[&str] = if suspends { &["organisation:a"] } else { &[] };
        check(&policies, "placeholder-elsewhere", (by, &[]));
    }
}

#[test]
fn one_under_observation_suspends_nobody_and_is_told() {
    let observed = policy("b", &format!("{SUSPEND} @observe(\"until may\")"), "principal", "");
    check(&observed, "secret-leaving", (&[], &["organisation:b"]));
    let both = format!("{observed}{}", policy("a", SUSPEND, "principal", ""));
    check(&both, "secret-leaving", (&["organisation:a"], &["organisation:b"]));
}

/// What is meant for incidents and is none of the one form is refused whole: it would suspend nobody.
#[test]
fn attack_a_policy_about_incidents_that_would_not_count_is_refused() {
    let plain = |annotation: &str, effect: &str, action: &str| {
        format!("@id(\"a\") @reason(\"a test\") {annotation}\n{effect} (principal, {action}, resource);")
    };
    let about = "action == Writ::Action::\"incident\"";
    let table = [
        (plain("", "forbid", about), "does not say what follows"),
        (plain("", "permit", about), "does not say what follows"),
        (
            plain("", "forbid", "action in [Writ::Action::\"incident\", Writ::Action::\"network\"]"),
            "does not say",
        ),
        (plain(SUSPEND, "permit", about), "is for a `forbid`"),
        (plain(SUSPEND, "forbid", "action"), "is for a `forbid`"),
        (plain(SUSPEND, "forbid", "action == Writ::Action::\"network\""), "is for a `forbid`"),
        (plain(SUSPEND, "forbid", "action in [Writ::Action::\"incident\"]"), "is for a `forbid`"),
        (plain("@on_incident(\"close\")", "forbid", about), "`suspend` is all"),
        (plain("@on_incident", "forbid", about), "`suspend` is all"),
        (plain("@on_incidents(\"suspend\")", "forbid", about), "is no annotation"),
        (policy("a", SUSPEND, "principal", "when { resource.zone == \"public\" }"), "zone"),
    ];
    for (policies, wanted) in table {
        let report = validate(&sources(&policies));
        assert!(!report.is_usable(), "{policies}");
        let told: String = report.findings.iter().map(ToString::to_string).collect();
        assert!(told.contains(wanted), "{policies}: {told}");
    }
}
