//! What a person names for one task: a file, flags, or both. Flags add to what the file names.

use std::path::{Path, PathBuf};

use writ_model::{
    Bounds, EffectBound, HostPattern, Limits, MAX_BOUNDS_BYTES, PathPattern, StopCondition, Supervision,
    TaskKind, ToolBound,
};
use writ_policy::{Zone, ceiling};

use crate::failure::Failure;

#[derive(clap::Args)]
#[group(skip)]
#[command(next_help_heading = "What the task is about (anything else is asked for, or refused)")]
pub(super) struct Arguments {
    /// A file of bounds, TOML or JSON; SPECIFICATION.md says what stands in it
    #[arg(long, value_name = "FILE")]
    bounds: Option<PathBuf>,
    /// May be read: `./**`, `/usr/share/doc/**`, `~/notes/*.md`
    #[arg(long, value_name = "GLOB")]
    read: Vec<PathPattern>,
    /// May not be read, whoever says yes; `!GLOB` re-allows
    #[arg(long, value_name = "GLOB")]
    deny_read: Vec<PathPattern>,
    /// May be changed: `src/**`, `Cargo.toml`
    #[arg(long, value_name = "GLOB")]
    write: Vec<PathPattern>,
    /// May not be changed, whoever says yes
    #[arg(long, value_name = "GLOB")]
    protect: Vec<PathPattern>,
    /// What commands may do, as `build-test` or `package-install:lockfile`
    #[arg(long, value_name = "CLASS")]
    effect: Vec<EffectBound>,
    /// May be reached without asking: `docs.rs`, `*.example.org`, `example.org:8443`
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<HostPattern>,
    /// Not looked into: its tunnels pass for the name in the handshake, no credential is put on, nothing inside is decided
    #[arg(long, value_name = "HOST")]
    no_intercept: Vec<HostPattern>,
    /// May be called without asking: `github/get_issue`, `github/create_review@owner/name`, `mail/send:to=me@x.org`
    #[arg(long, value_name = "SERVER/TOOL", value_parser = server_tool)]
    allow_mcp: Vec<(String, ToolBound)>,
    /// May be pushed to without asking, without force: `feature/*`
    #[arg(long, value_name = "BRANCH")]
    push: Vec<PathPattern>,
    /// Close the task at the first call that is refused for this: bounds, destructive, escape-attempt, guardrail,
    /// identity-change, incident, secret-read
    #[arg(long, value_name = "CONDITION")]
    stop_on: Vec<StopCondition>,
    /// Most calls that can carry something out of the machine
    #[arg(long, value_name = "COUNT")]
    max_outward: Option<u64>,
    /// Most files that are changed
    #[arg(long, value_name = "COUNT")]
    max_files: Option<u64>,
}

// === impl Arguments ===

impl Arguments {
    /// The bounds, where anything was named. The limits among the flags go where the other limits are.
    pub(super) fn bounds(self, kind: TaskKind, limits: &mut Limits) -> Result<Option<Bounds>, Failure> {
        let Self {
            bounds,
            read,
            deny_read,
            write,
            protect,
            effect,
            allow_host,
            no_intercept,
            allow_mcp,
            push,
            stop_on,
            max_outward,
            max_files,
        } = self;
        limits.outward_calls = max_outward.or(limits.outward_calls);
        limits.files_written = max_files.or(limits.files_written);
        let mut named = bounds.as_deref().map(read_file).transpose()?.unwrap_or_default();
        add(&mut named.read, read);
        add(&mut named.write, write);
        add(&mut named.effects, effect);
        add(&mut named.hosts, allow_host);
        named.no_intercept.extend(no_intercept);
        add(&mut named.push, push);
        named.deny_read.extend(deny_read);
        named.protected.extend(protect);
        named.stop_on.extend(stop_on);
        for (server, tool) in allow_mcp {
            named.mcp.get_or_insert_default().entry(server).or_default().push(tool);
        }
        named.check().map_err(Failure::usage)?;
        if let Some(wide) = named.hosts.iter().flatten().chain(&named.no_intercept).find(|host| is_wide(host))
        {
            return Err(Failure::usage(format_args!(
                "`{wide}` covers hosts of people who have nothing to do with each other"
            ))
            .hint("name the host itself, or all below a name that one owner has: `*.example.org`"));
        }
        if let Some(here) = named.no_intercept.iter().find(|host| Zone::of(host.as_str()) == Zone::Loopback) {
            return Err(Failure::usage(format_args!(
                "`{here}` is a service of this machine, whose requests are always looked into"
            ))
            .hint(
                "leave it out of --no-intercept: what is no HTTP passes there as it is, once it is decided",
            ));
        }
        let about = ceiling(kind, Supervision::Governed);
        if let Some(beyond) = named.effects.iter().flatten().find(|bound| !about.contains(&bound.class)) {
            return Err(Failure::usage(format_args!(
                "the bounds name `{beyond}`, which no task of kind {kind} is about"
            ))
            .hint("bounds only narrow; choose another --kind"));
        }
        Ok((!named.is_empty()).then_some(named))
    }
}

/// Whether anybody can get a name below the pattern: all hosts, or all below a public suffix (`*.co.uk`, `*.github.io`), by
/// the list that browsers use.
fn is_wide(host: &HostPattern) -> bool {
    let name = host.as_str().rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    let Some(parent) = name.strip_prefix("*.") else { return name == "*" };
    let is_suffix = psl::suffix_str(parent).is_some_and(|suffix| suffix == parent);
    is_suffix && Zone::of(&format!("a.{parent}")) == Zone::Public
}

fn add<T>(named: &mut Option<Vec<T>>, more: Vec<T>) {
    if !more.is_empty() {
        named.get_or_insert_default().extend(more);
    }
}

fn read_file(path: &Path) -> Result<Bounds, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::usage(format_args!("the bounds in `{}`: {error}", path.display()))
    };
    let text = crate::config::read_text(path, MAX_BOUNDS_BYTES as u64)
        .ok_or_else(|| failed(&format!("no readable text of at most {MAX_BOUNDS_BYTES} bytes")))?;
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    if is_json {
        serde_json::from_str(&text).map_err(|error| failed(&error))
    } else {
        toml::from_str(&text).map_err(|error| failed(&error))
    }
}

fn server_tool(text: &str) -> Result<(String, ToolBound), String> {
    let (server, tool) =
        text.split_once('/').ok_or("a tool is written SERVER/TOOL, as `github/get_issue`")?;
    if server.is_empty() {
        return Err("a tool is written SERVER/TOOL, as `github/get_issue`".to_owned());
    }
    Ok((server.to_owned(), tool.parse().map_err(|error: writ_model::InvalidBounds| error.to_string())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_hosts_of_one_owner() {
        for (pattern, wanted) in [
            ("*", true),
            ("*.com", true),
            ("*.co.uk", true),
            ("*.co.uk:8443", true),
            ("*.github.io", true),
            ("*.s3.amazonaws.com", true),
            ("*.blob.core.windows.net", true),
            ("*.vercel.app", true),
            ("*.test", true),
            ("*.example.org", false),
            ("*.example.co.uk", false),
            ("*.acme.github.io", false),
            ("*.corp.internal", false),
            ("*.internal", false),
            ("*.localhost", false),
            ("github.io", false),
            ("[::1]:8080", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(is_wide(&pattern.parse().unwrap()), wanted, "{pattern}");
        }
    }
}
