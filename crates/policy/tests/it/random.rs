//! Random policies, tasks, circumstances and requests, from one seed. What it makes passes the loader; the rest of the
//! work is to make policies that hold about as often as not, by drawing values from small pools.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use writ_model::{
    Action, AgentId, ApprovalLevel, AutonomyLevel, Client, Digest, EffectClass, GrantId, Human, Label,
    Limits, Place, Resource, SourceKind, Supervision, Task, TaskId, TaskKind, Timestamp, Verdict,
};
use writ_policy::{
    Budget, Chain, Engine, FingerprintState, Grants, LoadError, Moment, Plain, PlainDecision, PolicySources,
    SourceFile, Story, Taint, TaskJudge, TaskScope, Workspace,
};

/// SplitMix64: small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }
}

// === policies ===

const KINDS: [&str; 12] = [
    "CloudAccount",
    "Command",
    "Deployment",
    "Host",
    "Identity",
    "McpTool",
    "Package",
    "Path",
    "Ref",
    "Repository",
    "Secret",
    "Unknown",
];

/// Attributes that are texts, and ones that are flags.
fn attributes(kind: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        "CloudAccount" => (&["provider"], &["named"]),
        "Command" => (&["program"], &["named"]),
        "Deployment" => (&["target"], &["named"]),
        "Host" => (&["name", "zone"], &["named"]),
        "Identity" | "Secret" => (&["what"], &["named"]),
        "McpTool" => (&["server", "tool"], &["named"]),
        "Package" => (&["ecosystem", "name", "source", "version"], &["named"]),
        "Path" => (&["binding", "path", "place"], &["barred", "beacon", "in_workspace", "named", "within"]),
        "Ref" => (&["name", "remote"], &["force", "known", "named", "own", "tag"]),
        "Repository" => (&["name"], &["named"]),
        _ => (&["why"], &["named"]),
    }
}

const TEXTS: [&str; 22] = [
    "",
    "x",
    "xy",
    "workspace",
    "binding",
    "scratch",
    "outside",
    "/w/src/x",
    "/w/src/x/y",
    "/w/.env",
    "/w",
    "/",
    "a.example.org",
    "example.org",
    "localhost",
    "loopback",
    "public",
    "main",
    "writ/x-1",
    "origin",
    "npm",
    "é/ü",
];

const PATTERNS: [&str; 20] = [
    "*",
    "x*",
    "*x",
    "x*y",
    "/w/*",
    "/w/src/*",
    "/w/src/x*",
    "*.org",
    "*.example.org",
    "/*",
    "*/x",
    "w*e",
    "*r*",
    "/w/*/y",
    "é*",
    "*ü",
    "main",
    "writ/x-*",
    "*o*o*",
    "**x",
];

const ENTITIES: [&str; 8] = [
    "Profile::\"work\"",
    "Profile::\"ops\"",
    "Team::\"shop\"",
    "Team::\"other\"",
    "Environment::\"development\"",
    "Environment::\"production\"",
    "Agent::\"nobody\"",
    "Task::\"none\"",
];

const GROUPS: [&str; 4] = ["ordinary", "outward", "release", "authority"];

const LEVELS: [&str; 4] = ["one_person", "another_person", "two_people", "role"];

/// A layer of random policies, as text.
pub fn policies(dice: &mut Dice, count: usize) -> String {
    let mut text = String::new();
    let observing = dice.one_in(2);
    if dice.one_in(2) {
        text.push_str("@id(\"all\") @reason(\"r\") permit (principal, action, resource);\n");
    }
    for number in 0..count {
        let permit = dice.roll(5) > 1;
        let word = if permit { "permit" } else { "forbid" };
        let kind = dice.pick(&KINDS);
        let typed = dice.roll(3) > 0;
        let (scope, shown) = scope(dice, if typed { Some(kind) } else { None });
        let observe = if observing && dice.one_in(6) { "@observe(\"on trial\") " } else { "" };
        let _ = write!(text, "@id(\"p{number}\") @reason(\"r\") {observe}{word} ({scope})");
        for _ in 0..dice.roll(3) {
            let clause = if dice.one_in(4) { "unless" } else { "when" };
            let _ = write!(text, " {clause} {{ {} }}", condition(dice, shown, 3));
        }
        if dice.one_in(3) {
            let level = dice.pick(&LEVELS);
            let asked = format!("context has approval && context.approval.{level}");
            let other = condition(dice, shown, 2);
            let asked = match dice.roll(3) {
                0 => format!("({asked}) || ({other})"),
                1 => format!("({other}) && {asked}"),
                _ => asked,
            };
            let clause = if permit { "when" } else { "unless" };
            let _ = write!(text, " {clause} {{ {asked} }}");
        }
        text.push_str(";\n");
    }
    text
}

/// A scope, and the type that the resource then has for certain.
fn scope(dice: &mut Dice, kind: Option<&'static str>) -> (String, Option<&'static str>) {
    let principal = match dice.roll(6) {
        0 => format!("principal in Writ::{}", dice.pick(&ENTITIES)),
        1 => format!("principal is Writ::Agent in Writ::{}", dice.pick(&ENTITIES)),
        2 => "principal is Writ::Agent".to_owned(),
        3 if dice.one_in(3) => "principal == Writ::Agent::\"nobody\"".to_owned(),
        _ => "principal".to_owned(),
    };
    let effect = |dice: &mut Dice| format!("Writ::Action::\"{}\"", dice.pick(&EffectClass::ALL));
    let action = match dice.roll(5) {
        0 => format!("action == {}", effect(dice)),
        1 => format!("action in Writ::Action::\"{}\"", dice.pick(&GROUPS)),
        2 => format!("action in [{}, Writ::Action::\"{}\"]", effect(dice), dice.pick(&GROUPS)),
        _ => "action".to_owned(),
    };
    let resource = match kind {
        None => "resource".to_owned(),
        Some(kind) => match dice.roll(6) {
            0 => format!("resource == Writ::{kind}::\"{}\"", dice.pick(&TEXTS)),
            1 => format!("resource is Writ::{kind} in Writ::{kind}::\"{}\"", dice.pick(&TEXTS)),
            _ => format!("resource is Writ::{kind}"),
        },
    };
    (format!("{principal}, {action}, {resource}"), kind)
}

fn condition(dice: &mut Dice, kind: Option<&'static str>, depth: usize) -> String {
    if depth == 0 {
        return atom(dice, kind);
    }
    let next = depth - 1;
    match dice.roll(10) {
        0 | 1 => format!("({} && {})", condition(dice, kind, next), condition(dice, kind, next)),
        2 | 3 => format!("({} || {})", condition(dice, kind, next), condition(dice, kind, next)),
        4 => format!("!({})", condition(dice, kind, next)),
        5 => format!(
            "(if {} then {} else {})",
            condition(dice, kind, next),
            condition(dice, kind, next),
            condition(dice, kind, next)
        ),
        _ => atom(dice, kind),
    }
}

fn atom(dice: &mut Dice, kind: Option<&'static str>) -> String {
    // Where the type is not certain, an attribute may only be looked at behind a look at the type.
    if dice.roll(3) == 0 {
        return other_atom(dice);
    }
    match kind {
        Some(kind) => of_resource(dice, kind),
        None => {
            let kind = dice.pick(&KINDS);
            format!("(resource is Writ::{kind} && {})", of_resource(dice, kind))
        }
    }
}

fn of_resource(dice: &mut Dice, kind: &str) -> String {
    let (texts, flags) = attributes(kind);
    let text = format!("resource.{}", dice.pick(texts));
    let flag = format!("resource.{}", dice.pick(flags));
    match dice.roll(12) {
        0 => flag,
        1 => format!("{flag} == {}", dice.one_in(2)),
        2 => format!("{text} != \"{}\"", dice.pick(&TEXTS)),
        3 => format!("\"{}\" == {text}", dice.pick(&TEXTS)),
        4 => format!("[\"{}\", \"{}\"].contains({text})", dice.pick(&TEXTS), dice.pick(&TEXTS)),
        5 => format!("resource == Writ::{kind}::\"{}\"", dice.pick(&TEXTS)),
        6 => format!("resource in Writ::{kind}::\"{}\"", dice.pick(&TEXTS)),
        7 if kind == "Path" => {
            let home = dice.pick(&["at_home", "at_root"]);
            format!("(resource has {home} && resource.{home} like \"{}\")", dice.pick(&PATTERNS))
        }
        8..=10 => format!("{text} like \"{}\"", dice.pick(&PATTERNS)),
        _ => format!("{text} == \"{}\"", dice.pick(&TEXTS)),
    }
}

fn other_atom(dice: &mut Dice) -> String {
    match dice.roll(16) {
        0 => format!("principal in Writ::{}", dice.pick(&ENTITIES)),
        1 => "principal in [Writ::Profile::\"docs\", Writ::Profile::\"work\"]".to_owned(),
        2 => "principal.name == \"a\"".to_owned(),
        3 => format!("action == Writ::Action::\"{}\"", dice.pick(&EffectClass::ALL)),
        4 => format!("action in Writ::Action::\"{}\"", dice.pick(&GROUPS)),
        5 => format!("context.kind == \"{}\"", dice.pick(&["feature", "docs", "ops"])),
        6 => format!("context.environment == \"{}\"", dice.pick(&["development", "production"])),
        7 => format!("context.environment like \"{}\"", dice.pick(&["dev*", "*ion", "p*n"])),
        8 => format!("context.fingerprint == \"{}\"", dice.pick(&["accepted", "unobserved"])),
        9 | 10 => format!("context.taint.{}", dice.pick(&["private", "secret", "untrusted"])),
        11 => format!("context.taint.sources.contains(\"{}\")", dice.pick(&["web", "credential"])),
        12 => format!("context.chain.{}", dice.pick(&["beacon", "mixes", "repeats"])),
        13 => format!("context.budget.calls_left > {}", dice.pick(&["5", "50"])),
        14 => format!("context.now < datetime(\"{}\")", dice.pick(&["2026-01-01", "2030-01-01"])),
        _ => dice.pick(&["true", "false", "context.call.complete"]).to_owned(),
    }
}

// === tasks, circumstances, requests ===

pub fn scope_of(dice: &mut Dice) -> TaskScope {
    let now = Timestamp::from_millis(1_790_000_000_000);
    let kinds = [TaskKind::Feature, TaskKind::Docs, TaskKind::Ops, TaskKind::Release, TaskKind::Review];
    TaskScope {
        task: Task {
            id: TaskId::new(now, [1; 10]),
            agent: AgentId::new(now, [2; 10]),
            client: Client::ClaudeCode,
            kind: dice.pick(&kinds),
            requester: Human(Label::lossy("uid:1000")),
            intent: Digest::new([3; 32]),
            workspace: Digest::new([4; 32]),
            branch_prefix: Label::lossy("writ/x-"),
            environment: Label::lossy(dice.pick(&["development", "production"])),
            supervision: dice.pick(&[Supervision::Governed, Supervision::Governed, Supervision::Hooked]),
            limits: Limits::default(),
            bounds: None,
            opened_at: now,
        },
        agent_name: Label::lossy(dice.pick(&["a", "b"])),
        agent_owner: Human(Label::lossy("uid:1000")),
        agent_environment: Label::lossy("development"),
        team: dice.one_in(2).then(|| Label::lossy("shop")),
        workspace: Workspace {
            root: PathBuf::from("/w"),
            home: Some(PathBuf::from("/home/ann")),
            scratch: vec![PathBuf::from("/tmp")],
            own: vec![PathBuf::from("/home/ann/.local/state/writ")],
        },
        bounds: None,
    }
}

pub fn moment(dice: &mut Dice) -> Moment {
    let mut taint = Taint::default();
    for kind in [SourceKind::Web, SourceKind::Credential, SourceKind::Home] {
        if dice.one_in(3) {
            taint = taint.with(Taint::of(kind));
        }
    }
    Moment {
        now: Timestamp::from_millis(1_790_000_060_000),
        budget: Budget { calls_left: dice.pick(&[1, 10, 100]), denials_left: 10, seconds_left: 3_000 },
        fingerprint: dice.pick(&[
            FingerprintState::Accepted,
            FingerprintState::Accepted,
            FingerprintState::Accepted,
            FingerprintState::Accepted,
            FingerprintState::Accepted,
            FingerprintState::Unobserved,
            FingerprintState::Changed,
        ]),
        autonomy: AutonomyLevel::of(dice.pick(&[0, 0, 1, 2, 3])),
        taint,
        chain: Chain { mixes: dice.one_in(4), repeats: dice.one_in(4), ..Chain::default() },
        story: Story::default(),
        carried: Vec::new(),
    }
}

pub fn action(dice: &mut Dice) -> Action {
    let mut text = || dice.pick(&TEXTS).to_owned();
    let (one, two) = (text(), text());
    let resource = match dice.roll(18) {
        0 => Resource::CloudAccount { provider: one },
        1 => Resource::Command { program: one },
        2 => Resource::Deployment { target: one },
        3 | 4 => Resource::Host { name: one },
        5 => Resource::Identity { what: one },
        6 => Resource::McpTool { server: one, tool: two },
        7 | 8 => Resource::package(one),
        9..=12 => Resource::path(one, dice.pick(&Place::ALL)),
        13 | 14 => Resource::Ref { remote: one, name: two, force: dice.one_in(4) },
        15 => Resource::Repository { name: one },
        16 => Resource::Secret { what: one },
        _ => Resource::Unknown { why: one },
    };
    Action { effect: dice.pick(&EffectClass::ALL), resource, because: Default::default() }
}

/// Grants for some effects, at some level.
pub struct SomeGrants(pub usize);

impl Grants for SomeGrants {
    fn covering(&self, action: &Action) -> Option<(GrantId, ApprovalLevel)> {
        let level = ApprovalLevel::RISING[self.0 % 4];
        let is_covered = (action.effect as usize + self.0).is_multiple_of(3);
        is_covered.then(|| (GrantId::new(Timestamp::EPOCH, [7; 10]), level))
    }
}

// === the comparison ===

pub fn load(text: String) -> Result<Arc<Engine>, LoadError> {
    let file = SourceFile { name: "random.cedar".to_owned(), text };
    Engine::load(&PolicySources::shipped().with_organisation([file])).map(Arc::new)
}

/// How many answers there were of each sort.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub allowed: usize,
    pub granted: usize,
    pub held: usize,
    pub denied: usize,
    pub observed: usize,
}

/// Puts random requests to a judge, and to Cedar with everything and nothing left out. The first difference, in words.
pub fn compare(
    judge: &TaskJudge,
    dice: &mut Dice,
    requests: usize,
    counts: &mut Counts,
) -> Result<(), String> {
    let plain = Plain::of(judge);
    for _ in 0..requests {
        let (action, moment) = (action(dice), moment(dice));
        let grants = SomeGrants(dice.roll(12));
        let found = judge.explain_with(std::slice::from_ref(&action), &moment, &grants).decision;
        let ask = |observing| {
            plain
                .decide(&action, &moment, &grants, observing)
                .ok_or_else(|| format!("{action:?} cannot be asked"))
        };
        let expected = ask(false)?;
        let same = PlainDecision {
            verdict: found.verdict,
            approval: found.approval,
            policies: found.policies.clone(),
            erred: found.reason == writ_model::ReasonCode::EvaluationError,
            grant: found.grants.first().copied(),
        };
        if same != expected {
            return Err(format!("{action:?} {moment:?}\nthe judge: {same:?}\nCedar:     {expected:?}"));
        }
        let other = if judge.observed().is_empty() { expected.clone() } else { ask(true)? };
        let differs = (other.verdict, other.approval) != (expected.verdict, expected.approval);
        let told = found.observed.map(|observed| (observed.verdict, observed.approval));
        if told != differs.then_some((other.verdict, other.approval)) {
            return Err(format!("{action:?} {moment:?}\nobserved: {told:?}\nCedar:    {other:?}"));
        }
        counts.observed += usize::from(differs);
        match (found.verdict, found.grants.is_empty()) {
            (Verdict::Allow, true) => counts.allowed += 1,
            (Verdict::Allow, false) => counts.granted += 1,
            (Verdict::StepUp, _) => counts.held += 1,
            (Verdict::Deny, _) => counts.denied += 1,
        }
    }
    Ok(())
}
