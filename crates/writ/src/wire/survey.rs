//! What the doors may look at to tell one agent from another.

use std::path::{Path, PathBuf};

use writ_gateway::port;
use writ_model::{AutonomyLevel, Client, Fingerprint};
use writ_scan::Surroundings;

/// How the clients of one door are started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    pub(crate) home: Option<PathBuf>,
    /// The client's program, where one is known.
    pub(crate) program: Option<PathBuf>,
    /// The arguments that the person gave it.
    pub(crate) arguments: Vec<String>,
}

// === impl Survey ===

impl port::Survey for Survey {
    fn fingerprint(&self, client: Client, workspace: &Path) -> Fingerprint {
        let Self { home, program, arguments } = self;
        let (home, program) = (home.as_deref(), program.as_deref());
        writ_scan::fingerprint(client, &Surroundings { home, workspace, program, arguments })
    }

    fn autonomy(&self, client: Client, workspace: &Path, hook: Option<u32>) -> AutonomyLevel {
        let Self { home, program, arguments } = self;
        // Whoever was started by a person is seen as it runs, or nobody could look.
        let as_it_runs = match (program, hook) {
            (Some(_), _) => None,
            (None, Some(hook)) => match writ_scan::machine::words_above(Path::new("/proc"), hook, client) {
                Some(words) => Some(words),
                None => return AutonomyLevel::MOST,
            },
            (None, None) => return AutonomyLevel::MOST,
        };
        let arguments = as_it_runs.as_ref().unwrap_or(arguments);
        let (home, program) = (home.as_deref(), program.as_deref());
        writ_scan::autonomy::of_client(client, &Surroundings { home, workspace, program, arguments })
    }
}
