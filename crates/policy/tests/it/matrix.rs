//! The golden matrix: what the shipped policies answer, for every kind of task, effect and resource. `policies/matrix.txt`
//! is read by people; a change of it is a change of what agents may do.
//!
//! To write it anew: run this test with `WRIT_BLESS=1`, then read the difference.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use writ_model::{EffectClass, Place, Resource, Supervision, TaskKind, Verdict};
use writ_policy::{FingerprintState, Moment, Taint, TaskJudge};

use crate::ground::{action, engine, moment, scope, workspace};

fn path(path: &str) -> Resource {
    Resource::Path { path: path.to_owned(), place: workspace().place_of(Path::new(path)) }
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
        ("package", Resource::Package { name: text("left-pad") }),
        ("path workspace", path("/home/ann/shop/src/lib.rs")),
        ("path binding: workflow", path("/home/ann/shop/.github/workflows/ci.yml")),
        ("path binding: instructions", path("/home/ann/shop/AGENTS.md")),
        ("path binding: git hook", path("/home/ann/shop/.git/hooks/pre-commit")),
        ("path binding: at home", path("/home/ann/.bashrc")),
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

fn table(title: &str, moment: &Moment, environment: &str, rows: &[(EffectClass, &str, Resource)]) -> String {
    let engine = engine();
    let judges: Vec<(&str, TaskJudge)> = tasks()
        .into_iter()
        .map(|(name, kind, supervision)| {
            let mut scope = scope(kind, supervision);
            scope.task.environment = environment.parse().unwrap();
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
            for names in names.chunks(5) {
                write!(text, "\n        {}", names.join("; ")).unwrap();
            }
            text.push('\n');
        }
    }
    text
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
                (EffectClass::Read | EffectClass::WriteWorkspace, "path workspace")
                    | (EffectClass::BuildTest, "command")
                    | (EffectClass::Network, "host public" | "host loopback")
                    | (EffectClass::PackageInstall, "package")
                    | (EffectClass::GitPush, "ref own")
                    | (EffectClass::Publish, "package")
                    | (EffectClass::Deploy, "deployment")
                    | (EffectClass::Destructive, "path workspace" | "path scratch")
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
         governed tasks; `hooked` is a session that no supervisor holds. Below each row stand the resources it is for.\n\
         Written by a test; read every change.\n"
            .to_owned(),
        table("every effect on every resource", &plain, "development", &every),
        table("the session has read a secret", &tainted(Taint { secret: true, ..Taint::default() }), "development", &some),
        table(
            "the session has read untrusted text and private data",
            &tainted(Taint { untrusted: true, private: true, secret: false }),
            "development",
            &some,
        ),
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
