//! What people read: the worst first, then what is here.

use std::collections::{BTreeMap, BTreeSet};

use writ_scan::autonomy::Autonomy;
use writ_scan::finding::{Finding, Severity};
use writ_scan::tool::{FileKind, SURVEYS};

use super::Whole;
use crate::failure::Failure;
use crate::screen::{self, Quoted};

/// Findings shown of one rule, unless everything is asked for.
const MOST_OF_ONE_RULE: usize = 5;
/// Notes shown.
const MOST_NOTES: usize = 10;

/// What is known of one tool, over all its files.
#[derive(Default)]
struct Seen<'a> {
    files: usize,
    servers: BTreeSet<&'a str>,
    instructions: usize,
    hooks: usize,
    autonomy: u8,
    unknown: bool,
    credentials: BTreeSet<&'a str>,
}

/// Shows a whole scan.
pub(super) fn show(whole: &Whole, findings: &[Finding], known: usize, verbose: bool) -> Result<(), Failure> {
    for severity in Severity::ALL.iter().rev() {
        if *severity == Severity::Note && !verbose {
            continue;
        }
        let mut by_rule: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.rule.severity == *severity) {
            by_rule.entry(finding.rule.id).or_default().push(finding);
        }
        for findings in by_rule.values() {
            let Some(first) = findings.first() else { continue };
            screen::line(format_args!(
                "{}  {} ({})",
                severity.name().to_uppercase(),
                first.rule.title,
                first.rule.id
            ))?;
            let most = if verbose { usize::MAX } else { MOST_OF_ONE_RULE };
            for finding in findings.iter().take(most) {
                let path = finding.path.to_string_lossy();
                match finding.line {
                    0 => screen::line(format_args!("    {}", plain(&path)))?,
                    line => screen::line(format_args!("    {}:{line}", plain(&path)))?,
                }
                screen::line(format_args!("        {}", plain(&finding.message)))?;
            }
            if findings.len() > most {
                screen::line(format_args!("    and {} more; --verbose shows all", findings.len() - most))?;
            }
            screen::line(format_args!("    → {}", first.rule.help))?;
            screen::line("")?;
        }
    }
    tools(whole, verbose)?;
    machine(whole)?;
    super::credentials::show(&whole.credentials, verbose)?;
    for note in whole.notes.iter().take(if verbose { usize::MAX } else { MOST_NOTES }) {
        screen::say(format_args!("note: {}: {}", plain(&name_of(&note.relative)), note.why));
    }
    let left = whole.notes.len().saturating_sub(if verbose { usize::MAX } else { MOST_NOTES }) as u64;
    if left + whole.notes_left_out > 0 {
        screen::say(format_args!(
            "note: and {} more that could not be looked at",
            left + whole.notes_left_out
        ));
    }
    let count = |severity| findings.iter().filter(|finding| finding.rule.severity == severity).count();
    screen::line(format_args!(
        "{} files of tools among {} entries in {} repositories: {} critical, {} high, {} medium, {} low, {} notes{}",
        whole.found.len(),
        whole.entries,
        whole.repositories,
        count(Severity::Critical),
        count(Severity::High),
        count(Severity::Medium),
        count(Severity::Low),
        count(Severity::Note),
        if known > 0 { format!("; {known} known by the baseline") } else { String::new() },
    ))?;
    Ok(())
}

/// A path to be read; the folder itself is a dot.
fn name_of(path: &std::path::Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.to_string_lossy().into_owned() }
}

fn tools(whole: &Whole, verbose: bool) -> Result<(), Failure> {
    let mut seen: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    // Code that makes identities is no tool's: its findings tell of it.
    for found in whole.found.iter().filter(|found| found.kind != FileKind::IdentityCode) {
        let of = seen.entry(found.tool).or_default();
        of.files += 1;
        of.servers.extend(found.servers.iter().map(|server| server.name.as_str()));
        of.instructions += usize::from(matches!(
            found.kind,
            FileKind::Agent | FileKind::Command | FileKind::Instructions | FileKind::Rules | FileKind::Skill
        ));
        of.hooks += found.hooks.len();
        let autonomy = Autonomy::of(found);
        of.autonomy = of.autonomy.max(autonomy.level());
        of.unknown |= autonomy.unknown;
        of.credentials.extend(found.credential_names.iter().map(String::as_str));
        if verbose {
            let path = found.path.to_string_lossy().into_owned();
            screen::line(format_args!(
                "{}  {} {} ({}), approval {}",
                plain(&path),
                found.tool,
                found.kind.name(),
                found.level.name(),
                found.approval.level().name()
            ))?;
            super::detail::show(found, &autonomy)?;
        }
    }
    if seen.is_empty() {
        return Ok(());
    }
    let name = |id: &str| {
        SURVEYS.iter().find(|survey| survey.id == id).map_or(id.to_owned(), |survey| survey.name.to_owned())
    };
    let rows = seen.iter().map(|(id, of)| {
        [
            name(id),
            of.files.to_string(),
            of.servers.len().to_string(),
            of.instructions.to_string(),
            of.hooks.to_string(),
            of.credentials.len().to_string(),
            if of.unknown { format!("unknown (≥ {})", of.autonomy) } else { of.autonomy.to_string() },
        ]
    });
    screen::line(screen::table(
        ["TOOL", "FILES", "SERVERS", "INSTRUCTIONS", "HOOKS", "CREDENTIALS", "AUTONOMY"],
        rows,
    ))?;
    screen::line(
        "autonomy: 0 asks each time, 1 some things unasked, 2 any command unasked, 3 any, and starts by itself",
    )?;
    screen::line("")?;
    Ok(())
}

fn machine(whole: &Whole) -> Result<(), Failure> {
    for program in &whole.programs {
        screen::line(format_args!(
            "installed  {}  {}",
            program.tool,
            plain(&program.path.to_string_lossy())
        ))?;
    }
    for extension in &whole.extensions {
        screen::line(format_args!(
            "extension  {}  {} {} in {}",
            extension.tool,
            plain(&extension.id),
            plain(&extension.version),
            extension.editor
        ))?;
    }
    for process in &whole.processes {
        let names: Vec<&str> = process.credential_names.iter().map(String::as_str).collect();
        screen::line(format_args!(
            "running    {}  process {}{}{}",
            process.tool,
            process.id,
            process.bypass.map(|flag| format!(", with {flag}")).unwrap_or_default(),
            if names.is_empty() { String::new() } else { format!(", sees {}", plain(&names.join(", "))) },
        ))?;
    }
    for one in &whole.sessions {
        screen::line(format_args!(
            "acted      {}  {} sessions, the last at {}{}",
            one.tool,
            one.count,
            one.last_at,
            if one.workspace.is_empty() { String::new() } else { format!(", in {}", plain(&one.workspace)) },
        ))?;
    }
    if !(whole.sessions.is_empty()
        && whole.programs.is_empty()
        && whole.extensions.is_empty()
        && whole.processes.is_empty())
    {
        screen::line("")?;
    }
    Ok(())
}

/// Text of somebody else's, so that it cannot move the cursor: as it is where it is plain, quoted where it is not.
pub(super) fn plain(text: &str) -> String {
    let quoted = Quoted(text).to_string();
    match quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner == text => text.to_owned(),
        _ if !text.chars().any(char::is_control) && quoted.replace("\\\"", "\"") == format!("\"{text}\"") => {
            text.to_owned()
        }
        _ => quoted,
    }
}
