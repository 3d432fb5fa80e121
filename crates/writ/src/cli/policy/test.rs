//! `writ policy test`: runs the tests that lie beside policies, with the judge that decides in earnest.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use writ_policy::{Engine, PolicySources, SourceFile};

use super::case::{Case, Given, Suite};
use super::shipped;
use crate::cli::Context;
use crate::failure::{Failure, Kind, Outcome};
use crate::organisation::{self, TESTS, folder};
use crate::screen::{self, Quoted};

#[derive(clap::Args)]
#[command(after_help = "\
Tests lie beside policies, in files whose names end with `.tests.toml`. Each names a call in people's words, the
circumstances, and the answer:

  kind = \"docs\"                            # holds for every case

  [[case]]
  name = \"a page is written\"
  write = \"docs/guide.md\"
  expect = \"allow\"

  [[case]]
  name = \"what CI runs is left alone\"
  write = \".github/workflows/ci.yml\"
  expect = \"deny\"                          # or whose yes it takes
  by = \"docs.no-workflows\"                 # a policy that decided, among others

What is asked, one of: run (a shell command), read, write (a path or several), fetch (an address), search,
mcp (server/tool, with `arguments`), push (a ref, with `remote` and `force`), action and resource as in `writ check`, or
incident (secret-leaving, placeholder-elsewhere, …, with `host` and `credential`): then the answer is record or suspend.
Who asks: kind (or several kinds), supervision, environment, client, agent, owner, requester, team. Circumstances: taint
(of private, secret, untrusted), chain (of beacon, carries-secret, mixes, repeats, runs-marked, writes-untrusted),
fingerprint (accepted, changed, unobserved), autonomy (0 to 3), now, calls-left, denials-left, seconds-left, approval
(the yes that is given), bounds (what the requester named). Whose yes it takes: one-person, another-person, two-people, role. The machine is made up: workspace /home/ann/shop, home /home/ann, scratch /tmp, own branches below writ/login/.

Examples:
  writ policy test                       the tests beside the policies in force
  writ policy test my-policies/          a folder of policies with their tests
  writ policy test my-policies/docs.tests.toml
  writ policy test --json my-policies/ | jq '.results[] | select(.passed | not)'

Ends with 0 when every case passes, and with 1 otherwise.")]
pub(in crate::cli) struct Test {
    /// Folders of policies and tests, or files of tests beside policies
    paths: Vec<PathBuf>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// The answer, as a program gets it.
#[derive(Serialize)]
struct Report {
    cases: usize,
    failed: usize,
    results: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    file: String,
    line: usize,
    name: String,
    passed: bool,
    expected: &'static str,
    decided: &'static str,
    /// Ids that the case asks for and that did not decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    policies: Vec<String>,
    reason: String,
    actions: Vec<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<String>,
}

#[derive(Serialize)]
struct Action {
    effect: String,
    resource: String,
    verdict: String,
    why: Option<String>,
}

/// Policies, with the tests to run on them.
struct Bundle {
    sources: PolicySources,
    tests: Vec<SourceFile>,
    place: String,
}

pub(super) fn main(context: &Context, arguments: Test) -> Outcome {
    let Test { paths, json } = arguments;
    let bundles = if paths.is_empty() {
        vec![in_force(context)?]
    } else {
        paths.iter().map(|path| beside(path)).collect::<Result<_, _>>()?
    };
    let mut results = Vec::new();
    for Bundle { sources, tests, place } in bundles {
        let engine = Engine::load(&sources).map(Arc::new).map_err(|error| {
            Failure::new(Kind::Broken, format_args!("{place}: {error}"))
                .hint("`writ policy validate` shows what is wrong with the policies")
        })?;
        if tests.is_empty() {
            return Err(Failure::usage(format_args!("`{place}` holds no `{TESTS}` file"))
                .hint("`writ policy test --help` shows how a test is written"));
        }
        for test in &tests {
            let Suite { file, cases } =
                Suite::read(test).map_err(|error| Failure::new(Kind::Usage, error))?;
            for case in cases {
                results.push(shown(&file, &case, case.judged(&engine))?);
            }
        }
    }
    let failed = results.iter().filter(|result| !result.passed).count();
    let report = Report { cases: results.len(), failed, results };
    if json {
        screen::json(&report)?;
    } else {
        tell(&report)?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_force(context: &Context) -> Result<Bundle, Failure> {
    let Context { state, config } = context;
    let loaded = organisation::load(config, state)?;
    let place = loaded.origin.to_string();
    let tests = match loaded.origin {
        organisation::Origin::Shipped => shipped::tests(),
        organisation::Origin::Folder(_) | organisation::Origin::Commit { .. } => loaded.tests,
    };
    Ok(Bundle { sources: loaded.sources, tests, place })
}

/// A folder with its tests; or one file of tests, with the policies of its folder.
fn beside(path: &Path) -> Result<Bundle, Failure> {
    let place = path.display().to_string();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_tests = path.is_file() && name.ends_with(TESTS);
    if path.is_file() && !is_tests {
        return Err(Failure::usage(format_args!("`{place}` is no folder, and no file named `…{TESTS}`")));
    }
    let folder = match path.parent() {
        Some(parent) if is_tests && parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) if is_tests => parent,
        Some(_) | None => path,
    };
    let mut found = folder::any(folder)?;
    if is_tests {
        found.tests.retain(|test| test.name == name);
    }
    Ok(Bundle {
        sources: PolicySources::shipped().with_organisation(found.policies),
        tests: found.tests,
        place,
    })
}

fn shown(file: &str, case: &Case, judged: Result<Given, String>) -> Result<Shown, Failure> {
    let Given { decided: given, policies, reason, parts, told } =
        judged.map_err(|error| Failure::new(Kind::Broken, format_args!("{file}:{}: {error}", case.line)))?;
    let missing: Vec<String> = case.by.iter().filter(|id| !decided(id, &policies)).cloned().collect();
    Ok(Shown {
        file: file.to_owned(),
        line: case.line,
        name: case.name.clone(),
        passed: given == case.expected && missing.is_empty(),
        expected: case.expected.name(),
        decided: given.name(),
        missing,
        policies,
        reason: reason.to_owned(),
        actions: parts
            .into_iter()
            .map(|part| Action {
                effect: part.action.effect.to_string(),
                resource: format!("{} {}", part.action.resource.kind(), part.action.resource.name()),
                verdict: match part.approval {
                    Some(level) => level.to_string(),
                    None => part.verdict.to_string(),
                },
                why: part.why,
            })
            .collect(),
        told,
    })
}

/// Whether this policy decided, named with or without its layer.
fn decided(id: &str, policies: &[String]) -> bool {
    policies.iter().any(|policy| policy == id || policy.split_once(':').is_some_and(|(_, bare)| bare == id))
}

fn tell(report: &Report) -> Result<(), Failure> {
    for Shown { file, line, name, expected, decided, missing, policies, reason, actions, told, .. } in
        report.results.iter().filter(|result| !result.passed)
    {
        screen::line(format_args!("FAILED {file}:{line} {}", Quoted(name)))?;
        let by = if missing.is_empty() { String::new() } else { format!(" by {}", missing.join(", ")) };
        screen::line(format_args!("  - expected {expected}{by}"))?;
        screen::line(format_args!("  + decided  {decided} ({reason}) by {}", policies.join(", ")))?;
        for Action { effect, resource, verdict, why } in actions {
            screen::line(format_args!("      {verdict:<15} {effect:<16} {}", Quoted(resource)))?;
            if let Some(why) = why {
                screen::line(format_args!("                      {why}"))?;
            }
        }
        if let Some(told) = told {
            screen::line(format_args!("      the agent is told: {}", Quoted(told)))?;
        }
    }
    screen::say(format_args!(
        "{} {}, {} failed",
        report.cases,
        if report.cases == 1 { "case" } else { "cases" },
        report.failed
    ));
    Ok(())
}
