use std::path::PathBuf;

use cedar_policy::Effect;
use proptest::prelude::*;
use writ_model::{
    AgentId, AutonomyLevel, CallId, Client, GrantId, Human, Label, Limits, Operation, Place, Resource,
    Supervision, Task, TaskId, TaskKind, Timestamp,
};

use super::weigh::contains;
use super::*;
use crate::moment::{Budget, Chain, FingerprintState, Taint};
use crate::place::{Lexical, Workspace};
use crate::source::SourceFile;

pub(crate) fn scope() -> TaskScope {
    let now = Timestamp::from_millis(1_790_000_000_000);
    TaskScope {
        task: Task {
            id: TaskId::new(now, [1; 10]),
            agent: AgentId::new(now, [2; 10]),
            client: Client::ClaudeCode,
            kind: TaskKind::Feature,
            requester: Human(Label::lossy("uid:1000")),
            intent: Digest::new([3; 32]),
            workspace: Digest::new([4; 32]),
            branch_prefix: Label::lossy("writ/x-"),
            environment: Label::lossy("development"),
            supervision: Supervision::Governed,
            limits: Limits::default(),
            bounds: None,
            opened_at: now,
        },
        agent_name: Label::lossy("a"),
        agent_owner: Human(Label::lossy("uid:1000")),
        agent_environment: Label::lossy("development"),
        team: Some(Label::lossy("shop")),
        bounds: None,
        workspace: Workspace {
            root: PathBuf::from("/w"),
            home: Some(PathBuf::from("/home/ann")),
            scratch: vec![PathBuf::from("/tmp")],
            own: vec![PathBuf::from("/home/ann/.local/state/writ")],
        },
    }
}

pub(crate) fn moment() -> Moment {
    Moment {
        now: Timestamp::from_millis(1_790_000_000_000),
        budget: Budget { calls_left: 9, denials_left: 9, seconds_left: 9 },
        fingerprint: FingerprintState::Accepted,
        autonomy: AutonomyLevel::ASKS,
        taint: Taint::default(),
        chain: Chain::default(),
        story: crate::taint::Story::default(),
        carried: Vec::new(),
    }
}

pub(crate) fn shell(command: &str) -> ToolCall {
    ToolCall {
        id: CallId::new(Timestamp::EPOCH, [5; 10]),
        client: Client::ClaudeCode,
        tool: Label::lossy("Bash"),
        client_call: None,
        subagent: None,
        operation: Operation::Shell { command: command.to_owned() },
        cwd: "/w".to_owned(),
        arguments: serde_json::json!({ "command": command }),
    }
}

fn load(text: &str) -> Arc<Engine> {
    let file = SourceFile { name: "test.cedar".to_owned(), text: text.to_owned() };
    Arc::new(Engine::load(&PolicySources::shipped().with_organisation([file])).unwrap())
}

fn action(effect: EffectClass, resource: Resource) -> Action {
    Action { effect, resource, because: Default::default() }
}

const ONE: &str = "@id(\"all\") @reason(\"r\") permit (principal, action, resource);";

/// A thousand policies for other actions, resources and principals cost a question nothing.
#[test]
fn cost_does_not_grow_with_policies_for_other_things() {
    let mut text = ONE.to_owned();
    let few = load(&text).for_task(scope()).unwrap();
    for number in 0..350 {
        text.push_str(&format!(
            "@id(\"deploy-{number}\") @reason(\"r\")
             permit (principal, action == Writ::Action::\"read\", resource) when {{ context.kind == \"k{number}\" }};
             @id(\"team-{number}\") @reason(\"r\")
             permit (principal in Writ::Team::\"t{number}\", action == Writ::Action::\"read\", resource);
             @id(\"host-{number}\") @reason(\"r\")
             permit (principal, action, resource == Writ::Host::\"h{number}\");"
        ));
    }
    let many = load(&text).for_task(scope()).unwrap();
    let path = Resource::path("/w/x", Place::Workspace);
    for effect in
        [EffectClass::Read, EffectClass::WriteWorkspace, EffectClass::BuildTest, EffectClass::SecretRead]
    {
        let (few, many) = (few.considered(effect, &path), many.considered(effect, &path));
        assert_eq!(few, many, "{effect}");
        assert!(few > 0 && few < 20, "{effect}: {few}");
    }
    let host = Resource::Host { name: "h7".to_owned() };
    // What is about the host itself is found among all the others.
    assert_eq!(many.considered(EffectClass::Deploy, &host), few.considered(EffectClass::Deploy, &host) + 1);
}

/// Each form of condition that says plainly what it is about keeps its policies away from questions about other things,
/// and brings those in that are about this one.
#[test]
fn a_question_meets_the_policies_that_are_about_it() {
    let path = |path: &str| Resource::path(path, Place::Workspace);
    let host = |name: &str| Resource::Host { name: name.to_owned() };
    for (kind, condition, about, other) in [
        ("Path", "resource.path == \"/w/N/x\"", path("/w/7/x"), path("/w/x")),
        ("Path", "resource.path like \"/w/N/*\"", path("/w/7/a/b"), path("/w/x/7/")),
        ("Path", "resource.path == \"/w/N\" || resource.path like \"/w/N/*\"", path("/w/7"), path("/w/x")),
        ("Path", "resource.in_workspace && resource.path like \"*/N.rs\"", path("/w/7.rs"), path("/w/x.rs")),
        ("Path", "resource.path like \"/w/*/N\"", path("/w/a/7"), path("/w/a/x")),
        ("Path", "!(resource.path != \"/w/N\" || resource.barred)", path("/w/7"), path("/w/x")),
        ("Path", "if resource.barred then false else resource.path == \"/w/N\"", path("/w/7"), path("/w/x")),
        ("Host", "resource == Writ::Host::\"hN\"", host("h7"), host("x")),
        ("Host", "[\"hN\", \"iN\"].contains(resource.name)", host("i7"), host("x")),
        ("Host", "resource.name like \"*.N.example\"", host("a.7.example"), host("7.a.example")),
        ("Host", "principal in Writ::Team::\"N\" || resource.name == \"hN\"", host("h7"), host("x")),
    ] {
        let mut text = ONE.to_owned();
        let few = load(&text).for_task(scope()).unwrap();
        for number in 0..40 {
            let condition = condition.replace('N', &number.to_string());
            text.push_str(&format!(
                "@id(\"n{number}\") @reason(\"r\") permit (principal, action, resource is Writ::{kind}) when {{ {condition} }};"
            ));
        }
        let many = load(&text).for_task(scope()).unwrap();
        let more = |resource: &Resource| {
            many.considered(EffectClass::Read, resource) - few.considered(EffectClass::Read, resource)
        };
        assert_eq!((more(&about), more(&other)), (1, 0), "{condition}");
    }
}

/// With the shipped policies, no question meets more than a handful.
#[test]
fn a_question_meets_a_handful_of_policies() {
    let judge = Arc::new(Engine::load(&PolicySources::shipped()).unwrap()).for_task(scope()).unwrap();
    let all = judge.loaded().entries().len() + judge.own().entries().len();
    for effect in EffectClass::ALL {
        for resource in some_resources() {
            let considered = judge.considered(effect, &resource);
            assert!(considered <= 20, "{effect} on {}: {considered} of {all}", resource.kind());
        }
    }
}

fn some_resources() -> Vec<Resource> {
    let text = || "x".to_owned();
    let mut found = vec![
        Resource::CloudAccount { provider: text() },
        Resource::Command { program: text() },
        Resource::Deployment { target: text() },
        Resource::Identity { what: text() },
        Resource::McpTool { server: text(), tool: text() },
        Resource::package(text()),
        Resource::Repository { name: text() },
        Resource::Secret { what: text() },
        Resource::Unknown { why: text() },
    ];
    for host in ["localhost", "169.254.169.254", "example.org"] {
        found.push(Resource::Host { name: host.to_owned() });
    }
    for place in Place::ALL {
        for path in ["/w/src/x", "/w/.env", "/usr/include/x", "/home/ann/.cache/x"] {
            found.push(Resource::path(path, place));
        }
    }
    for (remote, name, force) in [
        ("origin", "writ/x-1", false),
        ("origin", "main", false),
        ("", "", false),
        ("u", "writ/x-1", true),
        ("", "main", true),
    ] {
        found.push(Resource::Ref { remote: remote.to_owned(), name: name.to_owned(), force });
    }
    found
}

/// A policy of random scope and condition. Some hold, some do not.
fn any_policy() -> impl Strategy<Value = String> {
    let principal = prop_oneof![
        Just("principal".to_owned()),
        Just("principal in Writ::Profile::\"work\"".to_owned()),
        Just("principal in Writ::Profile::\"ops\"".to_owned()),
        Just("principal in Writ::Team::\"shop\"".to_owned()),
        Just("principal is Writ::Agent in Writ::Environment::\"development\"".to_owned()),
        Just("principal == Writ::Agent::\"nobody\"".to_owned()),
    ];
    let action = prop_oneof![
        Just("action".to_owned()),
        (0..EffectClass::ALL.len())
            .prop_map(|i| format!("action == Writ::Action::\"{}\"", EffectClass::ALL[i])),
        Just("action in Writ::Action::\"ordinary\"".to_owned()),
        Just("action in [Writ::Action::\"outward\", Writ::Action::\"read\"]".to_owned()),
        Just("action in Writ::Action::\"release\"".to_owned()),
    ];
    let resource = prop_oneof![
        Just("resource".to_owned()),
        (0..KINDS).prop_map(|i| format!("resource is Writ::{}", crate::schema::KIND_NAMES[i])),
        Just("resource == Writ::Host::\"localhost\"".to_owned()),
        Just("resource in Writ::Package::\"x\"".to_owned()),
        Just("resource is Writ::Path in Writ::Path::\"/w/src/x\"".to_owned()),
    ];
    let condition = prop_oneof![
        Just(String::new()),
        Just("when { context has approval && context.approval.one_person }".to_owned()),
        Just("when { context has approval && context.approval.two_people }".to_owned()),
        Just("when { context.kind == \"feature\" }".to_owned()),
        Just("when { context.taint.secret }".to_owned()),
    ];
    let lifted = prop_oneof![
        Just(String::new()),
        Just("unless { context has approval && context.approval.another_person }".to_owned()),
        Just("when { context.taint.untrusted }".to_owned()),
    ];
    prop_oneof![
        4 => (principal.clone(), action.clone(), resource.clone(), condition)
            .prop_map(|(p, a, r, c)| format!("permit ({p}, {a}, {r}) {c};")),
        1 => (principal, action, resource, lifted).prop_map(|(p, a, r, c)| format!("forbid ({p}, {a}, {r}) {c};")),
    ]
}

fn named(policies: &[String]) -> String {
    policies
        .iter()
        .enumerate()
        .map(|(n, policy)| format!("@id(\"p{n}\") @reason(\"r\")\n{policy}\n"))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What a lower approval allows, a higher one allows too, for any policies that load.
    #[test]
    fn more_approval_never_allows_less(
        policies in prop::collection::vec(any_policy(), 1..25),
        asked in prop::collection::vec(any_action(), 16),
    ) {
        let judge = load(&named(&policies)).for_task(scope()).unwrap();
        for action in asked {
            never_less(&judge, &action);
        }
    }
}

fn any_action() -> impl Strategy<Value = Action> {
    let resources = some_resources();
    (0..EffectClass::ALL.len(), 0..resources.len())
        .prop_map(move |(effect, resource)| action(EffectClass::ALL[effect], resources[resource].clone()))
}

/// Every pair of approvals of which one contains the other, in every state of taint.
fn never_less(judge: &TaskJudge, action: &Action) {
    let question = judge.question(action, None).unwrap();
    for bits in 0..8 {
        let taint = Taint {
            private: bits & 1 > 0,
            secret: bits & 2 > 0,
            untrusted: bits & 4 > 0,
            ..Taint::default()
        };
        let moment = Moment { taint, ..moment() };
        let allowed = |approval| {
            let filed = (judge.loaded(), judge.own());
            let steady = judge.principal.circumstances(&judge.scope, &moment, approval, filed).unwrap();
            judge.ask(&question, &moment, &steady).unwrap().allows()
        };
        let none = allowed(None);
        let levels = ApprovalLevel::RISING.map(|level| (level, allowed(Some(level))));
        for (level, yes) in levels {
            assert!(yes || !none, "{action:?}: `{level}` takes away what needs no approval");
            for (lower, lower_yes) in levels {
                assert!(!contains(level, lower) || yes || !lower_yes, "{action:?}: {level} < {lower}");
            }
        }
    }
}

#[test]
fn with_the_shipped_policies_more_approval_never_allows_less() {
    let engine = Arc::new(Engine::load(&PolicySources::shipped()).unwrap());
    for (kind, supervision) in [
        (TaskKind::DependencyUpdate, Supervision::Governed),
        (TaskKind::Docs, Supervision::Governed),
        (TaskKind::Ops, Supervision::Governed),
        (TaskKind::Release, Supervision::Governed),
        (TaskKind::Review, Supervision::Hooked),
    ] {
        let mut scope = scope();
        scope.task.kind = kind;
        scope.task.supervision = supervision;
        let judge = engine.for_task(scope).unwrap();
        for effect in EffectClass::ALL {
            for resource in some_resources().into_iter().step_by(2) {
                never_less(&judge, &action(effect, resource));
            }
        }
    }
}

/// An error in one policy must not let the others allow. The loader refuses such a policy; here one is slipped past it.
#[test]
fn an_evaluation_error_denies() {
    let engine = load(ONE);
    for effect in [Effect::Permit, Effect::Forbid] {
        let word = match effect {
            Effect::Permit => "permit",
            Effect::Forbid => "forbid",
        };
        let mut judge = engine.for_task(scope()).unwrap();
        let text = format!("{word} (principal, action, resource) when {{ resource.nothing == 1 }};");
        let erring =
            cedar_policy::Policy::parse(Some(cedar_policy::PolicyId::new("task:erring")), text).unwrap();
        let mut read = task_layer(&scope()).unwrap();
        let notes = read.policies[0].2.clone();
        read.policies.push((erring, Label::lossy("task:erring"), notes));
        judge.task = Filed::new(vec![(Layer::Task, read)], &engine.actions, MARK);
        judge.own_standing = judge.task.standing(&judge.principal.groups, Principal::steady(&judge.scope));
        let path = Resource::path("/w/x", Place::Workspace);
        let decision = judge.explain(&[action(EffectClass::Read, path)], &moment()).decision;
        assert_eq!(decision.verdict, Verdict::Deny, "{word}");
        assert_eq!(decision.reason, ReasonCode::EvaluationError, "{word}");
        assert_eq!(decision.policies, [Label::lossy("task:erring")]);
    }
}

/// No approval contains both of these, so a call that needs both cannot be lifted by one.
#[test]
fn approvals_that_do_not_contain_each_other_do_not_add_up() {
    let engine = load(
        "@id(\"a\") @reason(\"r\") permit (principal, action == Writ::Action::\"read\", resource)
         when { context has approval && context.approval.two_people };
         @id(\"b\") @reason(\"r\") permit (principal, action == Writ::Action::\"build-test\", resource)
         when { context has approval && context.approval.role };",
    );
    let judge = engine.for_task(scope()).unwrap();
    let path = || Resource::path("/w/x", Place::Workspace);
    let decide = |effects: &[EffectClass]| {
        let actions: Vec<Action> = effects.iter().map(|effect| action(*effect, path())).collect();
        let decision = judge.explain(&actions, &moment()).decision;
        (decision.verdict, decision.approval)
    };
    assert_eq!(decide(&[EffectClass::Read]), (Verdict::StepUp, Some(ApprovalLevel::TwoPeople)));
    assert_eq!(decide(&[EffectClass::BuildTest]), (Verdict::StepUp, Some(ApprovalLevel::Role)));
    assert_eq!(decide(&[EffectClass::Read, EffectClass::BuildTest]), (Verdict::Deny, None));
}

#[test]
fn no_actions_are_a_denial() {
    let judge = load(ONE).for_task(scope()).unwrap();
    let decision = judge.explain(&[], &moment()).decision;
    assert_eq!((decision.verdict, decision.reason), (Verdict::Deny, ReasonCode::Unknown));
}

/// A policy that reads the call's arguments, the clock or the budget gets them.
#[test]
fn policies_can_read_the_call_the_clock_and_the_budget() {
    let check = |condition: &str, verdict: Verdict| {
        let text =
            format!("@id(\"x\") @reason(\"r\") permit (principal, action, resource) when {{ {condition} }};");
        let judge = load(&text).for_task(scope()).unwrap();
        let found = judge.judge(shell("make all"), &moment(), &Lexical);
        assert_eq!(found.ruling().decision.verdict, verdict, "{condition}");
    };
    check(
        "context.call.hasTag(\"command\") && context.call.getTag(\"command\") like \"make *\"",
        Verdict::Allow,
    );
    check(
        "context.call.hasTag(\"command\") && context.call.getTag(\"command\") like \"rm *\"",
        Verdict::Deny,
    );
    check("context.call.tool == \"Bash\" && context.call.complete", Verdict::Allow);
    check("context.now > datetime(\"2026-01-01\") && context.now < datetime(\"2030-01-01\")", Verdict::Allow);
    check("context.now < datetime(\"2026-01-01\")", Verdict::Deny);
    check("context.budget.calls_left == 9", Verdict::Allow);
    check("context.budget.calls_left > 9", Verdict::Deny);
}

/// Time that cannot be written down is no reason to allow.
#[test]
fn a_clock_out_of_range_denies_where_it_is_read() {
    let text = "@id(\"x\") @reason(\"r\") permit (principal, action, resource) when { context.now < datetime(\"9000-01-01\") };";
    let judge = load(text).for_task(scope()).unwrap();
    let moment = Moment { now: Timestamp::from_millis(i64::MAX), ..moment() };
    let decision = judge.judge(shell("make"), &moment, &Lexical).ruling().decision.clone();
    assert_eq!((decision.verdict, decision.reason), (Verdict::Deny, ReasonCode::EvaluationError));
}

// === grants ===

struct One(EffectClass, ApprovalLevel);

impl Grants for One {
    fn covering(&self, action: &Action) -> Option<(GrantId, ApprovalLevel)> {
        (action.effect == self.0).then(|| (GrantId::new(Timestamp::EPOCH, [7; 10]), self.1))
    }
}

/// A grant is asked with its own level, for its own action, and lifts what that level could and nothing more.
#[test]
fn a_grant_lifts_what_its_approval_could_and_nothing_else() {
    let engine = load(
        "@id(\"build\") @reason(\"r\") permit (principal, action == Writ::Action::\"build-test\", resource);
         @id(\"net\") @reason(\"r\") permit (principal, action == Writ::Action::\"network\", resource)
         when { context has approval && context.approval.one_person };
         @id(\"install\") @reason(\"r\") permit (principal, action == Writ::Action::\"package-install\", resource)
         when { context has approval && context.approval.another_person };
         @id(\"publish\") @reason(\"r\") permit (principal, action == Writ::Action::\"publish\", resource)
         when { context has approval && context.approval.one_person };",
    );
    let judge = engine.for_task(scope()).unwrap();
    let host = |name: &str| Resource::Host { name: name.to_owned() };
    let asked = |effects: &[EffectClass], name: &str, grants: &dyn Grants| {
        let actions: Vec<Action> = effects.iter().map(|effect| action(*effect, host(name))).collect();
        judge.explain_with(&actions, &moment(), grants).decision
    };
    use ApprovalLevel::{AnotherPerson, OnePerson, TwoPeople};
    use EffectClass::{BuildTest, Network, PackageInstall, Publish};
    for (effects, name, grant, verdict, reason, needs) in [
        (vec![Network], "a.example", One(Network, OnePerson), Verdict::Allow, ReasonCode::Granted, None),
        (
            vec![BuildTest, Network],
            "a.example",
            One(Network, OnePerson),
            Verdict::Allow,
            ReasonCode::Granted,
            None,
        ),
        (vec![BuildTest], "a.example", One(BuildTest, OnePerson), Verdict::Allow, ReasonCode::Allowed, None),
        // Another action of the same call still needs its own.
        (
            vec![Network, PackageInstall],
            "a.example",
            One(Network, OnePerson),
            Verdict::StepUp,
            ReasonCode::StepUp,
            Some(AnotherPerson),
        ),
        // One person's grant is not another person's.
        (
            vec![PackageInstall],
            "a.example",
            One(PackageInstall, OnePerson),
            Verdict::StepUp,
            ReasonCode::StepUp,
            Some(AnotherPerson),
        ),
        (
            vec![PackageInstall],
            "a.example",
            One(PackageInstall, TwoPeople),
            Verdict::Allow,
            ReasonCode::Granted,
            None,
        ),
        // What nobody's yes lifts, no grant lifts.
        (
            vec![Network],
            "169.254.169.254",
            One(Network, TwoPeople),
            Verdict::Deny,
            ReasonCode::Guardrail,
            None,
        ),
        // What may not be granted is asked for each time, whatever a keeper of grants says.
        (
            vec![Publish],
            "a.example",
            One(Publish, TwoPeople),
            Verdict::StepUp,
            ReasonCode::StepUp,
            Some(OnePerson),
        ),
    ] {
        let found = asked(&effects, name, &grant);
        assert_eq!(
            (found.verdict, found.reason, found.approval),
            (verdict, reason, needs),
            "{effects:?} {name}"
        );
        let named = usize::from(reason == ReasonCode::Granted);
        assert_eq!(found.grants.len(), named, "{effects:?} {name}");
        assert_ne!(asked(&effects, name, &NoGrants).reason, ReasonCode::Granted);
    }
    // The policies are those that decide when the level is given.
    let granted = asked(&[Network], "a.example", &One(Network, OnePerson));
    assert_eq!(granted.policies, [Label::lossy("organisation:net"), Label::lossy("task:kind")]);
    let secret = Moment { fingerprint: FingerprintState::Changed, ..moment() };
    let found = judge.explain_with(&[action(Network, host("a"))], &secret, &One(Network, TwoPeople)).decision;
    assert_eq!((found.verdict, found.reason), (Verdict::Deny, ReasonCode::FingerprintChanged));
}

/// A call of which one action is granted and another approved: both yes count, each for its own action.
#[test]
fn a_held_call_keeps_its_grants_when_it_is_approved() {
    let engine = load(
        "@id(\"read\") @reason(\"r\") permit (principal, action in Writ::Action::\"ordinary\", resource);
         @id(\"net\") @reason(\"r\") permit (principal, action == Writ::Action::\"network\", resource)
         when { context has approval && context.approval.two_people };
         @id(\"push\") @reason(\"r\") permit (principal, action == Writ::Action::\"git-push\", resource)
         when { context has approval && context.approval.one_person };",
    );
    let judge = engine.for_task(scope()).unwrap();
    let grants = One(EffectClass::Network, ApprovalLevel::TwoPeople);
    let call = || shell("git push origin writ/x-1 && curl https://example.org");
    let hold = || match judge.judge_with(call(), &moment(), &grants, &Lexical) {
        Judgement::StepUp(held) => held,
        other => panic!("{other:?}"),
    };
    assert_eq!(hold().level(), ApprovalLevel::OnePerson);
    let one = ApprovalLevel::OnePerson;
    let Judgement::Permit(permit) = hold().judge_again_with(&judge, one, &moment(), &grants, &Lexical) else {
        panic!("the approval and the grant together are enough");
    };
    assert_eq!((permit.grants().len(), permit.ruling().decision.reason), (1, ReasonCode::Approved));
    assert!(matches!(hold().judge_again(&judge, one, &moment(), &Lexical), Judgement::Denied(_)));
}

// === policies under observation ===

#[test]
fn an_observed_policy_decides_nothing_and_every_decision_says_what_it_would_change() {
    let engine = load(
        "@id(\"ordinary\") @reason(\"r\") permit (principal, action in Writ::Action::\"ordinary\", resource);
         @id(\"no-hosts\") @reason(\"r\") @observe(\"until the first of May\")
         forbid (principal, action == Writ::Action::\"read\", resource is Writ::Host);
         @id(\"ask-builds\") @reason(\"r\") @observe(\"on trial\")
         forbid (principal, action == Writ::Action::\"build-test\", resource)
         unless { context has approval && context.approval.two_people };
         @id(\"net\") @reason(\"r\") @observe(\"on trial\")
         permit (principal, action == Writ::Action::\"network\", resource);",
    );
    assert_eq!(
        engine
            .observed()
            .iter()
            .map(|observed| (observed.id.as_str(), observed.why.as_str()))
            .collect::<Vec<_>>(),
        [
            ("organisation:no-hosts", "until the first of May"),
            ("organisation:ask-builds", "on trial"),
            ("organisation:net", "on trial")
        ],
    );
    let judge = engine.for_task(scope()).unwrap();
    let host = || Resource::Host { name: "a.example".to_owned() };
    let path = || Resource::path("/w/x", Place::Workspace);
    use EffectClass::{BuildTest, Network, Read, WriteWorkspace};
    for (actions, verdict, other) in [
        (vec![action(Read, path())], Verdict::Allow, None),
        (vec![action(Read, host())], Verdict::Allow, Some((Verdict::Deny, None, vec!["no-hosts"]))),
        (
            vec![action(BuildTest, path())],
            Verdict::Allow,
            Some((Verdict::StepUp, Some(ApprovalLevel::TwoPeople), vec!["ask-builds"])),
        ),
        (vec![action(Network, host())], Verdict::Deny, Some((Verdict::Allow, None, vec!["net"]))),
        // Two of them together, and one that changes nothing because the call is refused anyway.
        (
            vec![action(BuildTest, path()), action(Read, host())],
            Verdict::Allow,
            Some((Verdict::Deny, None, vec!["ask-builds", "no-hosts"])),
        ),
        (vec![action(BuildTest, path()), action(EffectClass::EscapeAttempt, host())], Verdict::Deny, None),
        (vec![action(WriteWorkspace, path())], Verdict::Allow, None),
    ] {
        let explained = judge.explain(&actions, &moment());
        let decision = &explained.decision;
        assert_eq!(decision.verdict, verdict, "{actions:?}");
        assert!(decision.policies.iter().all(|id| !judge.is_observed(id)), "{decision:?}");
        let found = decision.observed.as_ref().map(|observed| {
            let ids = observed.policies.iter().map(|id| id.as_str().trim_start_matches("organisation:"));
            (observed.verdict, observed.approval, ids.collect::<Vec<_>>())
        });
        assert_eq!(found, other, "{actions:?}");
        let shown = explain::for_operator(&explained);
        assert_eq!(shown.contains("with the policies under observation: "), other.is_some(), "{shown}");
    }
}
