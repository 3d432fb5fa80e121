//! Paths with a meaning of their own: secrets, files that change who may do what, caches, logs.
//!
//! Data in `data/paths.json`. Paths are compared as text, so a symbolic link can hide one; the sandbox is what stops
//! that.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Facts;
use super::word::UNKNOWN;

const MAX_PATH_BYTES: usize = 4096;

const DATA: &str = include_str!("../../data/paths.json");

static PATHS: LazyLock<Paths> = LazyLock::new(|| Paths::read(DATA).unwrap_or_default());

/// Whether reading this path reads credentials. `path` is as written or absolute; `home` lets an absolute path be
/// recognised as a home directory that is not under `/home`, `/Users` or `/root`.
pub fn is_secret_path(path: &str, home: Option<&str>) -> bool {
    let facts = Facts { home, ..Facts::default() };
    is_secret(&normalise(path, &facts))
}

/// Whether writing this path changes what runs later or who may do what: shell start files, git hooks, keys,
/// accounts, agent configuration.
pub fn is_protected_path(path: &str, home: Option<&str>) -> bool {
    let facts = Facts { home, ..Facts::default() };
    is_protected(&normalise(path, &facts))
}

/// Whether writing this path is a way out: settings of the kernel that run programs, the memory of the machine, the root
/// of another process, the record of commands.
pub(crate) fn is_way_out(path: &str, home: Option<&str>) -> bool {
    // Most paths are none of these by a look; the lists are for the rest.
    if !["proc", "sys", "dev", "istory", "ISTORY"].iter().any(|part| path.contains(part)) {
        return false;
    }
    let facts = Facts { home, ..Facts::default() };
    let path = normalise(path, &facts);
    is_break_out(&path) || is_history(&path)
}

/// Lower case, `.` and `..` and doubled slashes resolved as text, any home directory as `~`.
///
/// Empty when the text is longer than any path a system would open.
pub(super) fn normalise(path: &str, facts: &Facts<'_>) -> String {
    if path.len() > MAX_PATH_BYTES {
        return String::new();
    }
    let lower = path.trim_start_matches("file://").to_lowercase();
    let lower = lower.replace('\\', "/");
    let absolute = match facts.cwd {
        Some(cwd) if !is_anchored(&lower) && lower.starts_with("..") => {
            format!("{}/{lower}", cwd.to_lowercase())
        }
        _ => lower,
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in absolute.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "~")) => _ = parts.pop(),
            ".." if parts.is_empty() && absolute.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    let rooted = if absolute.starts_with('/') { format!("/{joined}") } else { joined };
    match home_tail(&rooted, facts) {
        Some("") => "~".to_owned(),
        Some(tail) => format!("~/{tail}"),
        None => rooted,
    }
}

/// A path as text, seen from an absolute folder.
pub(super) fn absolute(folder: &str, to: &str) -> String {
    let joined = if to.starts_with('/') { to.to_owned() } else { format!("{folder}/{to}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn is_anchored(path: &str) -> bool {
    path.starts_with(['/', '~'])
}

/// What follows the home directory of some user.
fn home_tail<'a>(path: &'a str, facts: &Facts<'_>) -> Option<&'a str> {
    if let Some(home) = facts.home {
        let home = home.trim_end_matches('/').to_lowercase();
        if let Some(tail) = path.strip_prefix(&home)
            && (tail.is_empty() || tail.starts_with('/'))
        {
            return Some(tail.trim_start_matches('/'));
        }
    }
    if let Some(rest) = path.strip_prefix('~') {
        return Some(rest.split_once('/').map_or("", |(_, tail)| tail));
    }
    if let Some(tail) = path.strip_prefix("/root") {
        return (tail.is_empty() || tail.starts_with('/')).then(|| tail.trim_start_matches('/'));
    }
    let below = path.strip_prefix("/home/").or_else(|| path.strip_prefix("/users/"))?;
    Some(below.split_once('/').map_or("", |(_, tail)| tail))
}

pub(super) fn is_secret(path: &str) -> bool {
    let paths = &*PATHS;
    if paths.template.matches(path) {
        return false;
    }
    if path.contains(['*', '?', '[']) { paths.secret.could_match(path) } else { paths.secret.matches(path) }
}

/// An example of a secret file, or its public half.
pub(super) fn is_template(path: &str) -> bool {
    PATHS.template.matches(path)
}

pub(super) fn is_protected(path: &str) -> bool {
    PATHS.protected.matches(path)
}

pub(super) fn is_break_out(path: &str) -> bool {
    PATHS.break_out.matches(path)
}

pub(super) fn is_log(path: &str) -> bool {
    PATHS.log.matches(path)
}

pub(super) fn is_history(path: &str) -> bool {
    PATHS.history.matches(path)
}

/// Temporary or cached outside the workspace.
pub(super) fn is_scratch(path: &str) -> bool {
    PATHS.scratch.matches(path)
}

/// Build output and caches, which the next build makes again. A directory name counts anywhere in the path.
pub(super) fn is_rebuilt(path: &str) -> bool {
    let rebuilt = &PATHS.rebuilt;
    path.split('/').filter(|part| !matches!(*part, "" | "~")).any(|part| rebuilt.matches_name(part))
        || path.trim_matches('/').split_once('/').is_some_and(|_| rebuilt.matches(path))
}

/// Likewise, for the folded name of one directory.
pub(crate) fn is_rebuilt_name(name: &str) -> bool {
    PATHS.rebuilt.matches_name(name)
}

/// Hosts that hand out credentials of the machine.
pub(super) fn gives_credentials(host: &str) -> bool {
    PATHS.hosts_with_credentials.contains(host.trim_matches(['[', ']']))
}

/// The address of an installer of a tool chain that many people run, over a connection that cannot be changed on the way.
pub(super) fn is_installer(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    !rest.contains(['@', '%', '\\', ' ', UNKNOWN])
        && !rest.contains("..")
        && PATHS.installers.iter().any(|start| match rest.strip_prefix(start.as_str()) {
            Some(tail) => start.contains('/') || tail.is_empty() || tail.starts_with(['/', '?']),
            None => false,
        })
}

/// Where a path lies, for what cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Workspace,
    Scratch,
    Outside,
    Unknown,
}

pub(super) fn place(normal: &str, facts: &Facts<'_>) -> Place {
    if is_scratch(normal) {
        return Place::Scratch;
    }
    if normal.starts_with(UNKNOWN) {
        return Place::Unknown;
    }
    if let Some(workspace) = facts.workspace {
        let root = normalise(workspace, facts);
        if normal.strip_prefix(root.as_str()).is_some_and(|tail| tail.starts_with('/')) {
            return Place::Workspace;
        }
    }
    if is_anchored(normal) || normal.starts_with("..") { Place::Outside } else { Place::Workspace }
}

#[derive(Default)]
struct Paths {
    secret: Patterns,
    template: Patterns,
    protected: Patterns,
    break_out: Patterns,
    rebuilt: Patterns,
    scratch: Patterns,
    log: Patterns,
    history: Patterns,
    installers: Vec<String>,
    hosts_with_credentials: HashSet<String>,
}

#[derive(Deserialize)]
struct File {
    secret: Vec<String>,
    template: Vec<String>,
    protected: Vec<String>,
    break_out: Vec<String>,
    rebuilt: Vec<String>,
    scratch: Vec<String>,
    log: Vec<String>,
    history: Vec<String>,
    installers: Vec<String>,
    hosts_with_credentials: HashSet<String>,
}

/// A set of path patterns, split by the cheapest way to test them.
#[derive(Default)]
struct Patterns {
    /// Exact names of the last component.
    names: HashSet<String>,
    /// Globs over the last component.
    name_globs: Vec<String>,
    /// Exact paths.
    exact: HashSet<String>,
    /// `prefix/**`: everything below, and the directory itself.
    below: Vec<String>,
    /// Other globs over the whole path.
    globs: Vec<String>,
}

// === impl Paths ===

impl Paths {
    fn read(data: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(data)?;
        Ok(Self {
            secret: Patterns::new(file.secret),
            template: Patterns::new(file.template),
            protected: Patterns::new(file.protected),
            break_out: Patterns::new(file.break_out),
            rebuilt: Patterns::new(file.rebuilt),
            scratch: Patterns::new(file.scratch),
            log: Patterns::new(file.log),
            history: Patterns::new(file.history),
            installers: file.installers,
            hosts_with_credentials: file.hosts_with_credentials,
        })
    }
}

// === impl Patterns ===

impl Patterns {
    fn new(list: Vec<String>) -> Self {
        let mut patterns = Self::default();
        for pattern in list {
            let pattern = pattern.to_lowercase();
            if !pattern.contains('/') {
                if pattern.contains('*') {
                    patterns.name_globs.push(pattern);
                } else {
                    patterns.names.insert(pattern);
                }
            } else if let Some(prefix) = pattern.strip_suffix("/**").filter(|prefix| !prefix.contains('*')) {
                patterns.below.push(prefix.to_owned());
            } else if pattern.contains('*') {
                patterns.globs.push(pattern);
            } else {
                patterns.exact.insert(pattern);
            }
        }
        patterns
    }

    fn matches(&self, path: &str) -> bool {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        self.matches_name(name)
            || self.exact.contains(path)
            || self.below.iter().any(|prefix| {
                path.strip_prefix(prefix.as_str())
                    .is_some_and(|tail| tail.is_empty() || tail.starts_with('/'))
            })
            || self.globs.iter().any(|glob| glob_path(glob, path))
    }

    fn matches_name(&self, name: &str) -> bool {
        self.names.contains(name) || self.name_globs.iter().any(|glob| glob_path(glob, name))
    }

    /// Whether a path that itself has wildcards could name one of these. Hidden files need a written dot, as in
    /// the shell.
    fn could_match(&self, path: &str) -> bool {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let below = |prefix: &String| {
            path.split('/').zip(prefix.split('/')).all(|(a, b)| shell_glob(a, b))
                && path.split('/').count() >= prefix.split('/').count()
        };
        let starts =
            name.starts_with('.') || name.chars().take_while(|c| !matches!(c, '*' | '?' | '[')).count() > 1;
        (starts && self.names.iter().any(|secret| shell_glob(name, secret)))
            || self.name_globs.iter().any(|glob| glob.len() > 2 && glob_path(glob, name))
            || self.exact.iter().any(|secret| shell_glob_path(path, secret))
            || self.below.iter().any(below)
            || self.globs.iter().any(|glob| globs_meet(glob, path))
    }
}

/// Whether one of our patterns and a path with wildcards could name the same file, component by component.
fn globs_meet(glob: &str, path: &str) -> bool {
    !glob.contains("**")
        && glob.split('/').count() == path.split('/').count()
        && glob
            .split('/')
            .zip(path.split('/'))
            .all(|(ours, theirs)| ours == "*" || glob_path(ours, theirs) || shell_glob(theirs, ours))
}

/// The directory that a path with wildcards stands in for as far as it is certain; `None` without a wildcard.
pub(super) fn literal_directory(path: &str) -> Option<&str> {
    let wild = path.find(['*', '?', '['])?;
    match path.get(..wild)?.rfind('/')? {
        0 => Some("/"),
        end => path.get(..end),
    }
}

fn shell_glob_path(glob: &str, path: &str) -> bool {
    glob.split('/').count() == path.split('/').count()
        && glob.split('/').zip(path.split('/')).all(|(glob, part)| shell_glob(glob, part))
}

/// Matches one path component against a shell wildcard pattern. Brackets count as `?`.
fn shell_glob(glob: &str, text: &str) -> bool {
    if text.starts_with('.') && !glob.starts_with('.') {
        return false;
    }
    let glob: Cow<'_, str> = if glob.contains('[') { without_brackets(glob).into() } else { glob.into() };
    wildcard(&glob.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
}

fn without_brackets(glob: &str) -> String {
    let mut out = String::new();
    let mut rest = glob;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        out.push('?');
        rest = after.split_once(']').map_or("", |(_, tail)| tail);
    }
    out.push_str(rest);
    out
}

/// `*` and `?` without backtracking beyond the last star.
fn wildcard(glob: &[char], text: &[char]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                g += 1;
                t += 1;
            }
            _ => match star.as_mut() {
                Some((at, from)) => {
                    *from += 1;
                    (g, t) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    glob.iter().skip(g).all(|c| *c == '*')
}

/// Matches our own patterns: `*` stays within a component, `**` does not.
fn glob_path(glob: &str, path: &str) -> bool {
    let Some((prefix, rest)) = glob.split_once('*') else { return glob == path };
    let Some(path) = path.strip_prefix(prefix) else { return false };
    let (rest, crosses) = match rest.strip_prefix('*') {
        Some(rest) => (rest.strip_prefix('/').unwrap_or(rest), true),
        None => (rest, false),
    };
    path.char_indices()
        .map(|(at, _)| at)
        .chain([path.len()])
        .take_while(|at| crosses || !path.get(..*at).unwrap_or_default().contains('/'))
        .any(|at| path.get(at..).is_some_and(|tail| glob_path(rest, tail)))
}
