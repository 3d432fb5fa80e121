//! What of the user's environment reaches the agent: what its work needs, and never a credential.
//!
//! A variable is passed when its name is on the list below or the user named it, and neither its name nor its value
//! looks like a credential. The exceptions are the client's own model login (a fixed list per client) and what the
//! configuration names under `danger_pass`; both are recorded as handed over, by name.

use std::ffi::{OsStr, OsString};

mod shape;

pub(crate) use shape::redacted;

/// Names that any development tool may need and that give no access to anything.
const NEEDED: &[&str] = &[
    "CI",
    "COLORTERM",
    "COLUMNS",
    "CONDA_PREFIX",
    "EDITOR",
    "FORCE_COLOR",
    "HOME",
    "HOSTNAME",
    "IS_SANDBOX",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LINES",
    "LOGNAME",
    "LS_COLORS",
    "MANPATH",
    "NODE_ENV",
    "NODE_EXTRA_CA_CERTS",
    "NO_COLOR",
    "NVM_BIN",
    "NVM_DIR",
    "PAGER",
    "PATH",
    "PWD",
    "SHELL",
    "SHLVL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TERM",
    "TERMINFO",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "VISUAL",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// Beginnings of names of the same kind.
const NEEDED_BEGINNINGS: &[&str] = &[
    "LC_", "CARGO_", "RUSTUP_", "RUST_", "GO", "MAVEN_", "GRADLE_", "PYENV_", "PYTHON", "UV_", "RBENV_",
    "SDKMAN_", "VOLTA_",
];

/// Names that would fit the lists above and let whoever set them run code inside the client or the hook.
const NEVER: &[&str] = &[
    "CARGO_BUILD_RUSTC_WRAPPER",
    "GODEBUG",
    "PYTHONSTARTUP",
    "RUSTC_WRAPPER",
    "PYTHONINSPECT",
    "PYTHONHOME",
];

/// The environment of the agent, and what became of the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scrubbed {
    pub(crate) passed: Vec<(OsString, OsString)>,
    /// Credentials that reach the agent all the same, by name.
    pub(crate) handed_over: Vec<String>,
    /// Held back because they look like credentials, by name.
    pub(crate) withheld: Vec<String>,
    /// Held back because nothing says that the agent needs them, by name.
    pub(crate) unlisted: Vec<String>,
}

/// Names that are let through beyond the list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// The client's own model login and what it needs to find its model.
    pub(crate) login: &'a [String],
    /// Named on the command line: passed unless they look like credentials.
    pub(crate) named: &'a [String],
    /// Named in the configuration: passed whatever they look like.
    pub(crate) danger: &'a [String],
}

/// Sorts the variables.
pub(crate) fn scrubbed(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    wanted: Wanted<'_>,
) -> Scrubbed {
    let mut result = Scrubbed::default();
    for (name, value) in variables {
        let Some(text) = name.to_str() else {
            result.unlisted.push(name.to_string_lossy().into_owned());
            continue;
        };
        if text.starts_with("WRIT_") {
            continue;
        }
        let looks_secret = shape::is_secret_name(text) || value.to_str().is_none_or(shape::is_secret_value);
        if wanted.login.iter().chain(wanted.danger).any(|name| name == text) {
            if looks_secret {
                result.handed_over.push(text.to_owned());
            }
            result.passed.push((name, value));
        } else if looks_secret {
            result.withheld.push(text.to_owned());
        } else if is_needed(text) || wanted.named.iter().any(|name| name == text) {
            result.passed.push((name, value));
        } else {
            result.unlisted.push(text.to_owned());
        }
    }
    for names in [&mut result.handed_over, &mut result.withheld, &mut result.unlisted] {
        names.sort_unstable();
    }
    result
}

/// Whether any development tool may need it.
pub(crate) fn is_needed(name: &str) -> bool {
    let listed =
        NEEDED.contains(&name) || NEEDED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    listed && !NEVER.contains(&name)
}

// === impl Scrubbed ===

impl Scrubbed {
    /// Takes a variable away.
    pub(crate) fn unset(&mut self, name: &str) {
        self.passed.retain(|(have, _)| have != name);
    }

    /// Puts a placeholder where the user's own value would have been, which is then handed over no more.
    pub(crate) fn lend(&mut self, name: &str, placeholder: &str) {
        for names in [&mut self.handed_over, &mut self.withheld, &mut self.unlisted] {
            names.retain(|have| have != name);
        }
        self.set(name, placeholder);
    }

    /// Sets a variable of our own, over whatever was passed.
    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.unset(name);
        self.passed.push((name.into(), value.as_ref().to_owned()));
    }
}

#[cfg(test)]
mod tests;
