//! The golden matrix: what the shipped policies answer, for every kind of task, effect and resource. `policies/matrix.txt`
//! is read by people; a change of it is a change of what agents may do.
//!
//! To write it anew: run this test with `WRIT_BLESS=1`, then read the difference.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use writ_model::{
    Binding, Bounds, EffectClass, PackageSource, Place, Resource, Supervision, TaskKind, Verdict,
};
use writ_policy::{
    Chain, Engine, FingerprintState, Lexical, Moment, PolicySources, SourceFile, Taint, TaskBounds,
    TaskJudge, TaskScope,
};

use crate::ground::{ROOT, action, engine, moment, scope, workspace};

fn path(path: &str) -> Resource {
    let placed = workspace().place(&Lexical, ROOT, path).unwrap().remove(0);
    Resource::Path { path: placed.path, place: placed.place, binding: placed.binding }
}

fn git_ref(remote: &str, name: &str, force: bool) -> Resource {
    Resource::Ref { remote: remote.to_owned(), name: name.to_owned(), force }
}

fn host(name: &str) -> Resource {
    Resource::Host { name: name.to_owned() }
}

/// Every type of resource, each in every form that policies tell apart.
fn resources() -> Vec<(&'static str, Resource)> {
    let text = str::to_owned;
    vec![
        ("cloud account", Resource::CloudAccount { provider: text("aws") }),
        ("command", Resource::Command { program: text("make") }),
        ("deployment", Resource::Deployment { target: text("kubectl apply") }),
        ("host loopback", host("localhost")),
        ("host private", host("10.0.0.7")),
        ("host public", host("example.org")),
        ("host metadata", host("169.254.169.254")),
        ("identity", Resource::Identity { what: text("gh auth login") }),
        ("mcp tool", Resource::McpTool { server: text("forge"), tool: text("merge") }),
        ("package", Resource::package("left-pad")),
        ("package, locked", package(PackageSource::Lockfile)),
        ("package, as the manifest says", package(PackageSource::Manifest)),
        ("package, other index", package(PackageSource::ForeignIndex)),
        ("package, from an address", package(PackageSource::Address)),
        ("path source", path("src/lib.rs")),
        ("path page", path("docs/guide.md")),
        ("path test", path("tests/login.rs")),
        ("path build script", path("Makefile")),
        ("path manifest", path("Cargo.toml")),
        ("path lock file", path("Cargo.lock")),
        ("path ci", path(".github/workflows/ci.yml")),
        ("path instructions", path("AGENTS.md")),
        ("path agent settings", path(".claude/settings.json")),
        ("path mcp settings", path(".mcp.json")),
        ("path git hook", path(".git/hooks/pre-commit")),
        ("path git config", path(".git/config")),
        ("path editor task", path(".vscode/tasks.json")),
        ("path environment", path(".envrc")),
        ("path package settings", path(".npmrc")),
        ("path tool settings", path(".gdbinit")),
        ("path shell profile", path("/home/ann/.bashrc")),
        ("path scheduled", path("/home/ann/.config/systemd/user/x.timer")),
        ("path program", path("/home/ann/.local/bin/tool")),
        ("path scratch", path("/tmp/notes.txt")),
        ("path outside: system", path("/usr/include/stdio.h")),
        ("path outside: tool chain", path("/home/ann/.cargo/registry/src/x.rs")),
        ("path outside: at home", path("/home/ann/other/secret-plan.md")),
        ("path outside: elsewhere", path("/srv/data/x")),
        ("path secret: workspace", path("/home/ann/shop/.env")),
        ("path secret: at home", path("/home/ann/.ssh/id_ed25519")),
        ("path own", path("/home/ann/.local/state/writ/ledger.db")),
        ("ref own", git_ref("origin", "writ/fix-login", false)),
        ("ref own, force", git_ref("origin", "writ/fix-login", true)),
        ("ref own, other remote", git_ref("https://example.org/x.git", "writ/fix-login", false)),
        ("ref main", git_ref("origin", "main", false)),
        ("ref main, force", git_ref("origin", "main", true)),
        ("ref tag", git_ref("origin", "refs/tags/v1", false)),
        ("ref not named", git_ref("", "", false)),
        ("repository", Resource::Repository { name: text("shop") }),
        ("secret", Resource::Secret { what: text("environment") }),
        ("unknown", Resource::Unknown { why: text("made at run time") }),
    ]
}

fn package(source: PackageSource) -> Resource {
    let text = str::to_owned;
    Resource::Package { name: text("left-pad"), version: String::new(), ecosystem: text("npm"), source }
}

fn tasks() -> Vec<(&'static str, TaskKind, Supervision)> {
    let mut tasks: Vec<_> =
        TaskKind::ALL.into_iter().map(|kind| (kind.name(), kind, Supervision::Governed)).collect();
    tasks.push(("hooked", TaskKind::Review, Supervision::Hooked));
    tasks
}

/// The answer in one word: `allow`, whose yes it takes, or `-` for a denial.
fn word(judge: &TaskJudge, effect: EffectClass, resource: &Resource, moment: &Moment) -> &'static str {
    let explanation = judge.explain(&[action(effect, resource.clone())], moment);
    match (explanation.decision.verdict, explanation.decision.approval) {
        (Verdict::Allow, _) if explanation.decision.observed.is_some() => "allow*",
        (Verdict::Allow, _) => "allow",
        (Verdict::StepUp, Some(level)) => match level.name() {
            "one-person" => "one",
            "another-person" => "other",
            "two-people" => "two",
            _ => "role",
        },
        (Verdict::StepUp, None) | (Verdict::Deny, _) => "-",
    }
}

type Rows<'a> = &'a [(EffectClass, &'a str, Resource)];

fn table(title: &str, moment: &Moment, environment: &str, rows: Rows<'_>) -> String {
    table_of(&engine(), title, moment, rows, |scope| scope.task.environment = environment.parse().unwrap())
}

fn table_of(
    engine: &Arc<Engine>,
    title: &str,
    moment: &Moment,
    rows: Rows<'_>,
    change: impl Fn(&mut TaskScope),
) -> String {
    let judges: Vec<(&str, TaskJudge)> = tasks()
        .into_iter()
        .map(|(name, kind, supervision)| {
            let mut scope = scope(kind, supervision);
            change(&mut scope);
            (name, engine.for_task(scope).unwrap())
        })
        .collect();
    let mut text = format!("== {title}\n\n ");
    for (name, _) in &judges {
        write!(text, " {:>10}", name.replace("dependency-update", "dependency")).unwrap();
    }
    text.push('\n');
    for effect in EffectClass::ALL {
        // Resources with the same answers share a row.
        let mut answers: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        for (_, name, resource) in rows.iter().filter(|(of, ..)| *of == effect) {
            let row: Vec<&str> =
                judges.iter().map(|(_, judge)| word(judge, effect, resource, moment)).collect();
            match answers.iter_mut().find(|(same, _)| *same == row) {
                Some((_, names)) => names.push(name),
                None => answers.push((row, vec![name])),
            }
        }
        if answers.is_empty() {
            continue;
        }
        writeln!(text, "\n{effect}").unwrap();
        for (row, names) in answers {
            text.push(' ');
            for answer in row {
                write!(text, " {answer:>10}").unwrap();
            }
            text.push_str(&wrapped(&names));
            text.push('\n');
        }
    }
    text
}

/// Names below their row, in lines of a width that can be read.
fn wrapped(names: &[&str]) -> String {
    let mut text = String::new();
    let mut width = usize::MAX;
    for name in names {
        if width.saturating_add(name.len() + 2) > 116 {
            write!(text, "\n        {name}").unwrap();
            width = 8 + name.len();
        } else {
            write!(text, "; {name}").unwrap();
            width += name.len() + 2;
        }
    }
    text
}

/// What a call has to do with the calls before it.
fn chains(rows: Rows<'_>) -> String {
    let rows: Vec<_> = rows
        .iter()
        .filter(|(effect, name, _)| {
            matches!(
                effect,
                EffectClass::WriteWorkspace
                    | EffectClass::BuildTest
                    | EffectClass::GitPush
                    | EffectClass::Publish
            ) || *name == "host public"
        })
        .cloned()
        .collect();
    let chained = |title, chain: Chain| {
        let taint = Taint { untrusted: true, secret: chain.carries_secret, ..Taint::default() };
        table(title, &Moment { chain, taint, ..moment() }, "development", &rows)
    };
    [
        chained(
            "it runs a file that was written from untrusted input",
            Chain { runs_marked: true, ..Chain::default() },
        ),
        chained(
            "it writes what came from untrusted input",
            Chain { writes_untrusted: true, ..Chain::default() },
        ),
        chained("its words stood in untrusted input", Chain { repeats: true, ..Chain::default() }),
        chained("it repeats a secret that was read", Chain { carries_secret: true, ..Chain::default() }),
    ]
    .join("\n")
}

/// A task whose requester named things: the same sort of thing, named and not.
fn bounded() -> String {
    let bounds: Bounds = serde_json::from_value(serde_json::json!({
        "write": ["src/**", ".github/workflows/ci.yml"],
        "deny-read": ["private/**"],
        "protected": ["src/generated/**"],
        "hosts": ["example.org"],
        "push": ["release/*"],
        "mcp": { "forge": ["issue"] },
    }))
    .unwrap();
    let bounds = Arc::new(TaskBounds::new(bounds));
    let text = str::to_owned;
    let rows = [
        (EffectClass::Read, "path source", path("src/lib.rs")),
        (EffectClass::Read, "path that the task may not read", path("private/plan.md")),
        (EffectClass::WriteWorkspace, "path in bounds", path("src/lib.rs")),
        (EffectClass::WriteWorkspace, "path that the task protects", path("src/generated/api.rs")),
        (EffectClass::WriteWorkspace, "path page, out of bounds", path("docs/guide.md")),
        (EffectClass::WriteWorkspace, "path ci, named", path(".github/workflows/ci.yml")),
        (EffectClass::WriteWorkspace, "path ci, not named", path(".github/workflows/other.yml")),
        (EffectClass::Network, "host named", host("example.org")),
        (EffectClass::Network, "host not named", host("example.com")),
        (EffectClass::GitPush, "ref named", git_ref("origin", "release/1", false)),
        (EffectClass::GitPush, "ref named, force", git_ref("origin", "release/1", true)),
        (EffectClass::GitPush, "ref own, not named", git_ref("origin", "writ/fix-login", false)),
        (
            EffectClass::Unknown,
            "mcp tool named",
            Resource::McpTool { server: text("forge"), tool: text("issue") },
        ),
        (
            EffectClass::Unknown,
            "mcp tool not named",
            Resource::McpTool { server: text("forge"), tool: text("merge") },
        ),
    ];
    table_of(&engine(), "the requester named what the task is about", &moment(), &rows, |scope| {
        if scope.task.supervision == Supervision::Governed {
            scope.bounds = Some(Arc::clone(&bounds));
        }
    })
}

/// A policy that is only watched changes nothing, and the answer says that it would.
fn observed(rows: Rows<'_>) -> String {
    let watched = SourceFile {
        name: "watched.cedar".to_owned(),
        text: "@id(\"no-builds\")\n@reason(\"builds move to another machine\")\n@observe(\"until everybody moved\")\n\
               forbid (principal, action == Writ::Action::\"build-test\", resource);"
            .to_owned(),
    };
    let shipped = PolicySources::shipped().organisation().to_vec();
    let sources = PolicySources::shipped().with_organisation(shipped.into_iter().chain([watched]));
    let engine = Arc::new(Engine::load(&sources).unwrap());
    table_of(&engine, "a policy against every build is under observation", &moment(), rows, |_| {})
}

fn matrix() -> String {
    let every: Vec<(EffectClass, &str, Resource)> = EffectClass::ALL
        .into_iter()
        .flat_map(|effect| resources().into_iter().map(move |(name, resource)| (effect, name, resource)))
        .collect();
    let some: Vec<(EffectClass, &str, Resource)> = every
        .iter()
        .filter(|(effect, name, _)| {
            matches!(
                (effect, *name),
                (EffectClass::Read | EffectClass::WriteWorkspace, "path source")
                    | (EffectClass::BuildTest, "command")
                    | (EffectClass::Network, "host public" | "host loopback")
                    | (EffectClass::PackageInstall, "package")
                    | (EffectClass::GitPush, "ref own")
                    | (EffectClass::Publish, "package")
                    | (EffectClass::Deploy, "deployment")
                    | (EffectClass::Destructive, "path source" | "path scratch")
            )
        })
        .cloned()
        .collect();
    let plain = moment();
    let tainted = |taint: Taint| Moment { taint, ..moment() };
    let changed = Moment { fingerprint: FingerprintState::Changed, ..moment() };
    let unobserved = Moment { fingerprint: FingerprintState::Unobserved, ..moment() };
    [
        "What the shipped policies answer. `allow`: without asking. `one`: with any person's yes. `other`: with the yes of\n\
         a person other than the requester. `two`: of two such people. `-`: refused, whoever says yes. Columns are kinds of\n\
         governed tasks; `hooked` is a session that no supervisor holds. Below each row stand the resources it is for. A\n\
         star: another answer, if the policies under observation counted. Written by a test; read every change.\n"
            .to_owned(),
        table("every effect on every resource", &plain, "development", &every),
        table("the session has read untrusted text", &tainted(Taint { untrusted: true, ..Taint::default() }), "development", &some),
        table("the session has read a secret", &tainted(Taint { secret: true, ..Taint::default() }), "development", &some),
        table(
            "the session has read untrusted text and private data",
            &tainted(Taint { untrusted: true, private: true, ..Taint::default() }),
            "development",
            &some,
        ),
        chains(&some),
        bounded(),
        observed(&some),
        table("in production", &plain, "production", &some),
        table("the fingerprint could not be observed", &unobserved, "development", &some),
        table("the fingerprint changed and nobody accepted it", &changed, "development", &some),
    ]
    .join("\n")
}

#[test]
fn the_matrix_is_as_it_was_read() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/matrix.txt");
    let now = matrix();
    if std::env::var_os("WRIT_BLESS").is_some() {
        std::fs::write(golden, &now).unwrap();
    }
    let before = std::fs::read_to_string(golden).unwrap_or_default();
    for (line, (now, before)) in (1..).zip(now.lines().zip(before.lines())) {
        assert_eq!(now, before, "policies/matrix.txt:{line}");
    }
    assert_eq!(now.lines().count(), before.lines().count(), "policies/matrix.txt");
}

/// Nobody can add an effect, a type of resource or a place and leave it out of the matrix.
#[test]
fn the_matrix_covers_every_word() {
    let resources = resources();
    let kinds: BTreeSet<&str> = resources.iter().map(|(_, resource)| resource.kind()).collect();
    let places: BTreeSet<&str> = resources
        .iter()
        .filter_map(|(_, resource)| match resource {
            Resource::Path { place, .. } => Some(place.name()),
            _ => None,
        })
        .collect();
    assert_eq!(places, Place::ALL.into_iter().map(Place::name).collect());
    let bindings: BTreeSet<&str> = resources
        .iter()
        .filter_map(|(_, resource)| match resource {
            Resource::Path { binding: Some(binding), .. } => Some(binding.name()),
            _ => None,
        })
        .collect();
    assert_eq!(bindings, Binding::ALL.into_iter().map(Binding::name).collect());
    let schema = include_str!("../../../../policies/schema.cedarschema");
    for kind in &kinds {
        assert!(schema.contains(&format!("entity {kind} ")), "{kind} is not in the schema");
    }
    let listed = schema.split("resource: [").nth(1).unwrap().split(']').next().unwrap();
    assert_eq!(kinds, listed.split(", ").collect(), "the schema's resources and the matrix differ");
    for effect in EffectClass::ALL {
        assert!(schema.contains(&format!("action \"{effect}\"")), "{effect} is not in the schema");
    }
}

/// Whatever is refused or held: the agent is told what it may do instead, and how to ask.
#[test]
fn every_refusal_says_what_may_be_done_and_how_to_ask() {
    let tainted = Moment {
        taint: Taint { secret: true, untrusted: true, private: true, ..Taint::default() },
        chain: Chain { runs_marked: true, carries_secret: true, ..Chain::default() },
        ..moment()
    };
    let changed = Moment { fingerprint: FingerprintState::Changed, ..moment() };
    let engine = engine();
    for (name, kind, supervision) in tasks() {
        let judge = engine.for_task(scope(kind, supervision)).unwrap();
        for moment in [&moment(), &tainted, &changed] {
            for effect in EffectClass::ALL {
                for (what, resource) in resources() {
                    let explanation = judge.explain(&[action(effect, resource)], moment);
                    let told = judge.told(&explanation);
                    let asks: &[&str] = match explanation.decision.verdict {
                        Verdict::Allow => {
                            assert_eq!(told, "");
                            continue;
                        }
                        Verdict::StepUp => &["`writ approvals`"],
                        Verdict::Deny => &["tell the person", "Tell the person", "`writ agent attest`"],
                    };
                    let says = format!("{name}: {effect} on {what}: {told}");
                    assert!(asks.iter().any(|ask| told.contains(ask)), "{says}");
                    // What it would do and why, what to do instead, how to ask: a sentence each.
                    assert!(told.matches(". ").count() >= 2, "{says}");
                }
            }
        }
    }
}

/// A forbid that says no to somebody says what to do instead.
#[test]
fn every_forbid_says_what_to_do_instead() {
    for policy in PolicySources::shipped().written() {
        let forbids = policy.text.contains("\nforbid ") || policy.text.contains("\nforbid(");
        assert!(!forbids || policy.text.contains("\n@instead(\""), "{}", policy.id);
    }
}
