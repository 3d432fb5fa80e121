use super::*;

fn organisation(text: &str) -> PolicySources {
    PolicySources::shipped()
        .with_organisation([SourceFile { name: "our.cedar".to_owned(), text: text.to_owned() }])
}

fn findings(text: &str) -> Vec<String> {
    validate(&organisation(text)).findings.iter().map(ToString::to_string).collect()
}

const FINE: &str = "@id(\"fine\") @reason(\"r\") permit (principal, action, resource);\n";

#[test]
fn the_shipped_policies_have_no_findings() {
    let report = validate(&PolicySources::shipped());
    assert_eq!(report.findings, []);
    assert!(report.policies > 40, "{}", report.policies);
}

#[test]
fn each_mistake_is_told_with_its_place() {
    for (text, expected) in [
        ("permit (principal, action, resource)", "our.cedar:2:37: error: unexpected end of input"),
        (
            "permit (principal, action, resource);",
            "our.cedar: error: the policy that starts with `permit (principal, action, resource);` has no `@id`",
        ),
        (
            "@id(\"two words\") @reason(\"r\") permit (principal, action, resource);",
            "our.cedar:2:1: error: `two words` is no id",
        ),
        (
            "@id(\"a\") permit (principal, action, resource);",
            "our.cedar:2:1: error: it has no `@reason` of one line (policy `a`)",
        ),
        (
            "@id(\"a\") @reason(\"r\") @code(\"allowed\") forbid (principal, action, resource);",
            "our.cedar:2:1: error: `@code` is for guardrails; whatever an organisation's policy refuses has",
        ),
        // As written it would permit, and nobody would watch.
        (
            "@id(\"a\") @reason(\"r\") @Observe(\"until May\") permit (principal, action, resource);",
            "our.cedar:2:1: error: `@Observe` is no annotation that is read here",
        ),
        (
            "@id(\"guardrails:escape\") @reason(\"r\") forbid (principal, action, resource);",
            "our.cedar:2:1: error: its `@id` names a layer",
        ),
        (
            FINE,
            "our.cedar:1:1: error: `fine` is the id of another policy too, in `our.cedar` (policy `fine`)",
        ),
        (
            "@id(\"a\") @reason(\"r\") permit (principal, action, resource) when { resource.place == \"own\" };",
            "our.cedar:2:1: error: for policy `organisation:a`, attribute `place` on entity type",
        ),
        (
            "@id(\"a\") @reason(\"r\") permit (principal, action, resource is Writ::Path) when { resource.at_home == \"x\" };",
            "our.cedar:2:1: error: for policy `organisation:a`, unable to guarantee safety of access to optional attribute",
        ),
        (
            "@id(\"a\") @reason(\"r\") permit (principal, action == Writ::Action::\"merge\", resource);",
            "our.cedar:2:1: error: for policy `organisation:a`, unrecognized action `Writ::Action::\"merge\"`",
        ),
        (
            "@id(\"a\") @reason(\"r\") permit (principal == ?principal, action, resource);",
            "our.cedar: error: templates cannot be used here",
        ),
        (
            "@id(\"a\") @reason(\"r\") forbid (principal, action, resource) when { context.budget.calls_left + 1 > 2 };",
            "our.cedar:2:1: error: `+` can overflow",
        ),
        (
            "@id(\"a\") @reason(\"r\") forbid (principal, action, resource) when { context has approval };",
            "our.cedar:2:1: error: a person's yes could turn an allow into a deny",
        ),
        (
            "@id(\"a\") @reason(\"r\") @observe(\"\") forbid (principal, action, resource);",
            "our.cedar:2:1: error: its `@observe` does not say why",
        ),
        // What is only observed is checked like the rest.
        (
            "@id(\"a\") @reason(\"r\") @observe(\"x\") forbid (principal, action, resource) when { resource.x };",
            "our.cedar:2:1: error: for policy `organisation:a`, attribute `x`",
        ),
    ] {
        let found = findings(&format!("{FINE}{text}"));
        assert!(found.iter().any(|finding| finding.starts_with(expected)), "{text}\n{found:#?}");
    }
}

#[test]
fn guardrails_only_forbid() {
    let mut sources = PolicySources::shipped();
    sources.guardrails.push(SourceFile { name: "more.cedar".to_owned(), text: FINE.to_owned() });
    let report = validate(&sources);
    assert!(report.findings.iter().any(|finding| finding.message == "guardrails only forbid"), "{report:?}");
    let text = "@id(\"g\") @reason(\"r\") @observe(\"on trial\") forbid (principal, action, resource);";
    sources.guardrails = vec![SourceFile { name: "more.cedar".to_owned(), text: text.to_owned() }];
    let found = validate(&sources).findings;
    assert_eq!(found[0].message, "guardrails always count and cannot be observed");
    assert!(matches!(crate::engine::Engine::load(&sources), Err(LoadError::Refused { .. })));
    assert!(matches!(crate::Engine::load(&sources).map(|_| ()), Err(LoadError::Refused { .. })));
}

#[test]
fn an_organisation_without_permits_is_warned() {
    let sources = PolicySources::shipped().with_organisation([]);
    let report = validate(&sources);
    assert!(report.is_usable());
    assert!(
        matches!(report.findings.as_slice(), [Finding { severity: Severity::Warning, .. }]),
        "{report:?}"
    );
}

/// Texts that would take the parser or the validator down, if they got there.
#[test]
fn size_depth_and_length_have_bounds() {
    let condition = |condition: &str| {
        format!(
            "@id(\"a\") @reason(\"r\") permit (principal, action, resource is Writ::Ref) when {{ {condition} }};"
        )
    };
    let deep = |n: usize| condition(&format!("{}resource.known{}", "!(".repeat(n), ")".repeat(n)));
    let wide = |n: usize| condition(&vec!["resource.known"; n].join(" && "));
    let nots = |n: usize| condition(&format!("{}resource.known", "if true then false else ".repeat(n)));
    for (text, expected) in [
        (deep(70), "brackets are nested deeper"),
        (deep(1_000_000), "brackets are nested deeper"),
        (wide(700), "expressions are chained or nested deeper"),
        (wide(100_000), "a policy is longer"),
        (nots(500), "expressions are chained or nested deeper"),
        ("(".repeat(100), "brackets are nested deeper"),
        (format!("{}{}", "x".repeat(file::FILE_BYTES), FINE), "the file is larger"),
        (condition(&format!("resource.name == \"{}\"", "\\\";".repeat(9_000))), "a policy is longer"),
    ] {
        let found = findings(&text);
        assert!(found.iter().any(|finding| finding.contains(expected)), "{expected}: {found:.200?}");
    }
    // Long, and within the bounds.
    for text in [deep(30), wide(60)] {
        assert_eq!(findings(&text), [] as [String; 0]);
    }
}

/// What loads is answered, in every form, on half of the stack that a thread of the door has (2 MiB). What is longer is
/// refused where it is written, and never denied for want of stack.
#[test]
fn what_loads_is_answered_on_a_small_stack() {
    let policy = |clauses: &str| {
        format!("@id(\"a\") @reason(\"r\")\npermit (principal, action, resource is Writ::Path) {clauses};")
    };
    let chain = |part: &str, count: usize, operator: &str| {
        policy(&format!("when {{ {} }}", vec![part; count].join(operator)))
    };
    let sizes = [60, 120];
    let forms: [&dyn Fn(usize) -> String; 4] = [
        &|count| chain("resource.path == \"/w/y\"", count - 2, " || ").replace(" };", " || true };"),
        &|count| chain("!([\"x\"].contains(resource.path))", count - 3, " && "),
        &|count| policy(&"when { true }".repeat(count - 2)),
        &|count| {
            let ifs = "if resource.path == \"x\" then false else ".repeat(count - 4);
            policy(&format!("when {{ {ifs}true }}"))
        },
    ];
    for (number, form) in forms.iter().enumerate() {
        let [fits, longer] = sizes.map(form);
        let engine = std::sync::Arc::new(crate::Engine::load(&organisation(&fits)).unwrap());
        let judge = engine.for_task(crate::engine::tests::scope()).unwrap();
        let ask = || {
            let path = writ_model::Resource::path("/w/x", writ_model::Place::Workspace);
            let effect = writ_model::EffectClass::Read;
            let action = writ_model::Action { effect, resource: path, because: Default::default() };
            judge.explain(&[action], &crate::engine::tests::moment()).decision.reason
        };
        let reason = std::thread::scope(|scope| {
            let small = std::thread::Builder::new().stack_size(1 << 20);
            small.spawn_scoped(scope, ask).unwrap().join().unwrap()
        });
        assert_eq!(reason, ReasonCode::Allowed, "form {number}");
        let found = findings(&longer);
        assert!(
            found.iter().any(|finding| finding.starts_with("our.cedar:1:1: error: ")
                && finding.contains("`[\"a\", \"b\"].contains(x)`")),
            "form {number}: {found:.300?}"
        );
    }
}

#[test]
fn the_version_moves_with_every_byte_of_the_policies() {
    let version = |text: &str| crate::Engine::load(&organisation(text)).unwrap().version();
    let one = version(FINE);
    assert_eq!(one, version(FINE));
    assert_ne!(one, version(&format!("{FINE} ")));
    assert_ne!(one, crate::Engine::load(&PolicySources::shipped()).unwrap().version());
    // Where one file ends and the next begins counts too.
    let split = |a: &str, b: &str| {
        let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
        crate::Engine::load(&PolicySources::shipped().with_organisation([file("a", a), file("b", b)]))
            .unwrap()
            .version()
    };
    assert_ne!(split(FINE, "//x\n"), split(&format!("{FINE}//x\n"), ""));
}
