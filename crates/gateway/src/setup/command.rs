//! The command line of the hook process, as it stands in clients' configurations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use writ_model::Client;

use super::SetupError;

/// How a client starts the hook process.
///
/// Socket and deadline stand on the command line and not in the environment: a project's settings can set variables
/// for a client's hooks, and an agent could listen where one points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCommand {
    /// Absolute path of `writ`.
    pub program: PathBuf,
    /// The hook socket.
    pub socket: PathBuf,
    /// When the hook process gives up by itself. In whole seconds.
    pub deadline: Duration,
}

/// What becomes of a hook process that fails, on clients that let the call run then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// Exit code 2, with a word on standard error.
    Exits,
    /// Nothing: the event is only told.
    GoesOn,
    /// This on standard output. It must hold no single quote and no backslash.
    Says(&'static str),
}

/// What the client is told when the hook process itself did not answer. The hook's own refusal is in front of it.
const NOT_LET_THROUGH: &str = "not let through by Writ";

// === impl HookCommand ===

impl HookCommand {
    /// The program, as text.
    pub(super) fn program(&self) -> Result<&str, SetupError> {
        self.program.to_str().ok_or_else(|| SetupError::Path(self.program.clone()))
    }

    /// The arguments for one event.
    pub(super) fn arguments(&self, client: Client, event: &str) -> Result<Vec<String>, SetupError> {
        let mut arguments = vec!["hook".to_owned(), client.name().to_owned(), event.to_owned()];
        arguments.extend(self.options()?);
        Ok(arguments)
    }

    /// The arguments that are the same for every event.
    pub(super) fn options(&self) -> Result<Vec<String>, SetupError> {
        let socket = self.socket.to_str().ok_or_else(|| SetupError::Path(self.socket.clone()))?;
        Ok(vec![
            "--socket".to_owned(),
            socket.to_owned(),
            "--deadline".to_owned(),
            self.deadline.as_secs().to_string(),
        ])
    }

    /// The line for a shell, of a form that every shell of a user reads, fish included.
    pub(super) fn shell_line(
        &self,
        client: Client,
        event: &str,
        failing: Failing,
    ) -> Result<String, SetupError> {
        let words = std::iter::once(self.program()?.to_owned()).chain(self.arguments(client, event)?);
        let mut line = words.map(|word| shell_word(&word)).collect::<Vec<_>>().join(" ");
        match failing {
            Failing::Exits => line.push_str(&format!(" || sh -c 'echo \"{NOT_LET_THROUGH}\" >&2; exit 2'")),
            Failing::GoesOn => {}
            Failing::Says(answer) => line.push_str(&format!(" || echo '{answer}'")),
        }
        Ok(line)
    }
}

/// A shell line that an installation of ours made, of whatever version and wherever `writ` was then.
pub(super) fn is_our_line(line: &str, client: Client) -> bool {
    let Some((program, _)) = line.split_once(&format!(" hook {} ", client.name())) else { return false };
    Path::new(program.trim_matches('\'')).file_name().is_some_and(|name| name == "writ")
}

/// One word of a shell, in single quotes where it needs any.
fn shell_word(word: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | '+' | '=' | ',');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        for (word, written) in [
            ("/usr/bin/writ", "/usr/bin/writ"),
            ("/home/a b/writ", "'/home/a b/writ'"),
            ("it's", "'it'\\''s'"),
            ("$(rm -rf)", "'$(rm -rf)'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), written);
        }
    }
}
