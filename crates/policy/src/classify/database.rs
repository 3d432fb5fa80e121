//! Which database a command changes: the one of the project on this machine, or one that others use.
//!
//! Migrating and filling a local database is everyday work. What shows that it is another: a host that is not here, in an
//! address or a variable, or an environment by the name of one that people depend on.

use writ_model::EffectClass;

use super::catalogue::Listed;
use super::walk::Walk;
use super::word::{UNKNOWN, Value};

/// Words by which people call what others depend on.
const SHARED: &[&str] = &["prod", "production", "prd", "live", "staging", "stage", "preprod"];

// === impl Walk ===

impl Walk<'_> {
    /// The class of a listed command, with the database it is pointed at.
    pub(super) fn database_class(&self, listed: Listed, args: &[Value]) -> EffectClass {
        let is_shared = || self.scope.shared_database || args.iter().any(|arg| names_shared(&arg.text, arg));
        match listed.is_database && is_shared() {
            true => listed.class.max(EffectClass::Deploy),
            false => listed.class,
        }
    }

    /// A variable that says which database or environment is meant.
    pub(super) fn database_set(&mut self, name: &str, value: &Value) {
        let says_which =
            ["_ENV", "_URL", "_URI", "_DSN", "_HOST", "PGHOST", "_ENVIRONMENT", "_DATABASE", "SETTINGS"];
        if says_which.iter().any(|end| name.ends_with(end)) {
            let is_host = name.ends_with("HOST") && !is_local_host(&value.text);
            self.scope.shared_database |= is_host || names_shared(&value.text, value);
        }
    }
}

/// Whether a word means a database that is not here, or an environment of others.
fn names_shared(text: &str, value: &Value) -> bool {
    let is_shared = |text: &str| {
        let lower = text.to_ascii_lowercase();
        lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| SHARED.contains(&part))
    };
    if value.from.as_deref().is_some_and(is_shared) {
        return true;
    }
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            let is_file = scheme.ends_with("file") || scheme.contains("sqlite");
            !is_file && (!is_local_host(host) || is_shared(text))
        }
        None => is_shared(text),
    }
}

/// This machine, or a neighbour that only has a name in the network of the project's containers.
fn is_local_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.split_once(']')).map(|(host, _)| host);
    let host = bare.unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    host.is_empty()
        || host.starts_with("127.")
        || matches!(host, "localhost" | "::1" | "0.0.0.0" | "host.docker.internal")
        || host.ends_with(".localhost")
        || !host.contains(['.', ':']) && !host.contains(UNKNOWN)
}
