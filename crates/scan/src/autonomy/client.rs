//! How far one client would act by itself where it starts: by its settings there and by its arguments.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use writ_model::{AutonomyLevel, Client};

use super::Autonomy;
use crate::bypass;
use crate::fingerprint::Surroundings;
use crate::survey::{self, Level};
use crate::tool::{FileKind, SURVEYS, Survey, client_of};
use crate::walk::{WalkOptions, walk_from};

/// Looks at what `client` would obey when started in these surroundings. Runs nothing. A client that nobody knows, and
/// settings that cannot be read, count as the most.
pub fn of_client(client: Client, at: &Surroundings<'_>) -> AutonomyLevel {
    let known: Vec<&Survey> =
        SURVEYS.iter().filter(|survey| client != Client::Other && client_of(survey.id) == client).collect();
    if known.is_empty() {
        return AutonomyLevel::MOST;
    }
    let (mut whole, mut by_start) = (Autonomy::default(), AutonomyLevel::ASKS);
    for tool in known {
        if bypass::of_words(tool.id, at.arguments).is_some() {
            by_start = AutonomyLevel::FREE;
        }
        let inside = starts(tool);
        let below_home = tool.home.iter().filter(|place| is_file(place)).map(PathBuf::from);
        let at_home: BTreeSet<PathBuf> = inside.iter().cloned().chain(below_home).collect();
        let root = Path::new("/");
        let of_machine =
            tool.administrator.iter().filter_map(|place| Path::new(place).strip_prefix(root).ok());
        whole = whole.and(found(tool, at.workspace, &inside, Level::Project)).and(found(
            tool,
            root,
            &of_machine.map(Path::to_owned).collect(),
            Level::Administrator,
        ));
        if let Some(home) = at.home {
            whole = whole.and(found(tool, home, &at_home, Level::User));
        }
    }
    if whole.unknown {
        return AutonomyLevel::MOST;
    }
    AutonomyLevel::of(whole.level()).max(by_start)
}

/// What the tool's own files below one root let it do.
fn found(tool: &Survey, root: &Path, starts: &BTreeSet<PathBuf>, level: Level) -> Autonomy {
    let starts: Vec<PathBuf> = starts.iter().cloned().collect();
    let walked = walk_from(root, &starts, &WalkOptions::default(), None, None);
    let scan = survey::scan(root, level, walked);
    scan.found
        .iter()
        .filter(|file| file.tool == tool.id)
        .map(Autonomy::of)
        .fold(Autonomy::default(), Autonomy::and)
}

/// Where its settings lie below a folder that it works in: no deeper, and nothing of what it keeps for itself.
fn starts(tool: &Survey) -> BTreeSet<PathBuf> {
    tool.files
        .iter()
        .filter(|place| place.kind.is_configuration() || place.kind == FileKind::Agent)
        .map(|place| place.path.split('/').take_while(|part| !part.contains('*')).collect::<PathBuf>())
        .filter(|start| !start.as_os_str().is_empty())
        .collect()
}

fn is_file(place: &str) -> bool {
    Path::new(place).extension().is_some()
}
