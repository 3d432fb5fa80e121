//! `writ doctor`: what this machine can enforce, found out by doing it.

use std::process::ExitCode;

use serde::Serialize;
use writ_control::api::message::StatusAsk;
use writ_model::Client;
use writ_policy::Engine;
use writ_sandbox::{Danger, Host, Plan, Profile};

use crate::config::{Config, State};
use crate::failure::{Failure, Outcome};
use crate::organisation;
use crate::screen;
use crate::wire;

mod ways_out;

#[derive(clap::Args)]
#[command(
    after_help = "Ends with 0 when everything that can be enforced is, and with 1 when a layer is missing."
)]
pub(super) struct Arguments {
    /// Try the ways out of a run too: a run of nothing, in a folder of its own, with the shipped policies. Needs `git`
    #[arg(long)]
    ways_out: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// One thing looked at.
#[derive(Serialize)]
struct Finding {
    /// Stable name.
    check: String,
    ok: bool,
    /// What was found, and what to do about it.
    detail: String,
    /// Without it, `writ run` refuses.
    needed: bool,
}

#[derive(Serialize)]
struct Report {
    findings: Vec<Finding>,
}

pub(super) fn main(arguments: Arguments) -> Outcome {
    let mut findings = Vec::new();
    for finding in writ_sandbox::probe() {
        let (ok, detail) = match finding.available {
            Ok(()) => (true, "in force".to_owned()),
            Err(reason) => (false, reason),
        };
        findings.push(Finding { check: format!("sandbox.{}", finding.layer), ok, detail, needed: true });
    }
    if arguments.ways_out {
        findings.extend(ways_out::findings());
    }
    findings.extend(host());
    let is_missing = |finding: &Finding| finding.check.starts_with("sandbox.") && !finding.ok;
    if findings.iter().any(is_missing) {
        let Way { finding, flags } = Way::without();
        let by = flags.map_or_else(
            || "nothing that can be given up starts a run here".to_owned(),
            |flags| format!("`writ run {flags}` starts without it, on record"),
        );
        for missing in findings.iter_mut().filter(|finding| is_missing(finding)) {
            missing.detail = format!("{}; {by}", missing.detail);
        }
        findings.push(finding);
    }
    let variable = |name: &str| std::env::var_os(name);
    let state = State::of(variable);
    findings.push(match &state {
        Ok(state) => folder(state),
        Err(error) => found("state", false, error.to_string(), true),
    });
    let config = match Config::load(variable) {
        Ok(config) => {
            let path = config.path.as_ref().map(|path| path.display().to_string());
            let path = path.unwrap_or_else(|| "as shipped, there is no file".to_owned());
            findings.push(found("config", true, path, true));
            Some(config)
        }
        Err(error) => {
            findings.push(found("config", false, format!("{:#}", anyhow::Error::from(error)), true));
            None
        }
    };
    if let (Ok(state), Some(config)) = (&state, &config) {
        findings.push(policies(config, state));
    }
    if let Ok(state) = &state {
        findings.push(control_plane(state));
    }
    let search = std::env::var_os("PATH");
    for client in Client::HOOKED {
        let Some(name) = client.program() else { continue };
        let path = super::run::find_program(name.as_ref(), search.as_deref());
        let detail = path.map_or_else(|| "not on PATH".to_owned(), |path| path.display().to_string());
        findings.push(found(&format!("client.{client}"), detail != "not on PATH", detail, false));
    }
    report(Report { findings }, arguments.json)
}

/// What the kernel, its settings and a container allow.
fn host() -> Vec<Finding> {
    let Host { kernel, landlock, copies, obstacles, container } = Host::here();
    let version = landlock.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let copied = if copies {
        "tool chains and caches can be changed inside; changes end with the task"
    } else {
        "tool chains and caches are read-only inside (Linux 6.6 with overlayfs lets them be changed)"
    };
    let mut found_here = vec![
        found("host.kernel", true, kernel, false),
        found("host.landlock", landlock.is_some(), format!("version {version}"), false),
        found("host.copies", copies, copied.to_owned(), false),
        found(
            "host.namespaces",
            obstacles.is_empty(),
            {
                if obstacles.is_empty() {
                    "nothing stands in the way".to_owned()
                } else {
                    obstacles.join("; ")
                }
            },
            false,
        ),
    ];
    if let Some(container) = container {
        let detail = format!("{container}; it must allow namespaces and must not mask `/proc`");
        found_here.push(found("host.container", true, detail, false));
    }
    found_here
}

/// What can be given up so that a run starts here, the least first. Each was tried.
const WAYS: [&[Danger]; 4] = [
    &[Danger::AllFiles],
    &[Danger::AllCalls],
    &[Danger::AllCalls, Danger::AllFiles],
    &[Danger::NoNamespaces],
];

/// The least that a person can give up by name so that a run starts on this machine.
struct Way {
    /// With what is lost.
    finding: Finding,
    /// As it is typed; nothing where nothing helps.
    flags: Option<String>,
}

// === impl Way ===

impl Way {
    fn without() -> Self {
        for dangers in WAYS {
            let profile = Profile {
                command: "true".into(),
                cwd: "/".into(),
                hide_if_present: vec!["/mnt".into()],
                recorded: true,
                danger: dangers.iter().copied().collect(),
                ..Profile::default()
            };
            let Ok(plan) = Plan::draw(profile) else { continue };
            if writ_sandbox::rehearsed(&plan).iter().any(|finding| finding.available.is_err()) {
                continue;
            }
            let names: Vec<&str> = dangers.iter().map(|danger| danger.name()).collect();
            let flags: Vec<String> = names.iter().map(|name| format!("--danger-{name}")).collect();
            let flags = flags.join(" ");
            let lost: Vec<&str> = dangers.iter().map(|danger| danger.lost()).collect();
            let left: Vec<&str> = plan.layers().into_iter().map(writ_sandbox::Layer::name).collect();
            let detail = format!(
                "`writ run {}` starts all the same, on record. Lost: {}. Left: {}, and the hooks",
                flags,
                lost.join("; "),
                left.join(", ")
            );
            let finding = found(&format!("plan.{}", names.join("+")), false, detail, false);
            return Self { finding, flags: Some(flags) };
        }
        let detail = "no run starts here, whatever is given up; the layers above say why";
        Self { finding: found("plan.none", false, detail.to_owned(), false), flags: None }
    }
}

fn report(report: Report, json: bool) -> Outcome {
    let broken = report.findings.iter().any(|finding| finding.needed && !finding.ok);
    if json {
        screen::json(&report)?;
    } else {
        for Finding { check, ok, detail, needed } in &report.findings {
            let mark = match (ok, needed) {
                (true, _) => "ok",
                (false, true) => "MISSING",
                (false, false) => "-",
            };
            screen::line(format_args!("{mark:<8} {check:<26} {detail}"))?;
        }
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn folder(state: &State) -> Finding {
    use std::os::unix::fs::MetadataExt as _;
    let path = state.root().display();
    match std::fs::metadata(state.root()) {
        Ok(found_there) if found_there.mode() & 0o077 != 0 => {
            found("state", false, format!("`{path}` is open to others; run `chmod 700` on it"), true)
        }
        Ok(_) => found("state", true, path.to_string(), true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            found("state", true, format!("{path} (made at the first start)"), true)
        }
        Err(error) => found("state", false, format!("`{path}`: {error}"), true),
    }
}

/// Which policies a run that starts now would get.
fn policies(config: &Config, state: &State) -> Finding {
    let loaded = match organisation::load(config, state) {
        Ok(loaded) => loaded,
        Err(error) => {
            return found("policy", false, format!("{:#}", anyhow::Error::from(error)), true);
        }
    };
    match Engine::load(&loaded.sources) {
        Ok(engine) => {
            let observed = match engine.observed().len() {
                0 => String::new(),
                some => format!(", {some} of them only observed"),
            };
            let detail = format!("{}, version {}{observed}", loaded.origin, engine.version());
            found("policy", true, detail, true)
        }
        Err(error) => found("policy", false, format!("{}: {error}", loaded.origin), true),
    }
}

fn control_plane(state: &State) -> Finding {
    let status = wire::block_on(async {
        let office = wire::connect(state).await?;
        let answer = tokio::time::timeout(std::time::Duration::from_secs(5), office.call(StatusAsk {})).await;
        Ok::<_, Failure>(answer.map_err(anyhow::Error::from)??)
    });
    match status {
        Ok(status) => found(
            "control-plane",
            status.unrecorded == 0,
            format!(
                "version {}, process {}, {} control and {} activity entries, {} open tasks, {} waiting, {} unrecorded",
                status.version,
                status.pid,
                status.control_size,
                status.activity_size,
                status.open_tasks,
                status.pending_approvals,
                status.unrecorded
            ),
            false,
        ),
        Err(_) => found(
            "control-plane",
            false,
            "not running; `writ run` starts it, or `writ serve`".to_owned(),
            false,
        ),
    }
}

fn found(check: &str, ok: bool, detail: String, needed: bool) -> Finding {
    Finding { check: check.to_owned(), ok, detail, needed }
}
