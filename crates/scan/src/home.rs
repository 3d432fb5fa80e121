//! Folders that a variable moves: a tool's own folder, or the one in which programs of this desktop keep theirs.
//!
//! ```text
//! for moved in moved(home, &environment) {
//!     let walked = walk_as(&moved.to, &moved.starts(&usual), options, None, None);
//! }
//! ```
//!
//! The usual folder counts too: what is set here need not be set where the tool is started next.

use std::path::{Path, PathBuf};

/// A variable, the folder below what it names, and the folder below the home folder that this one stands for.
struct Variable {
    name: &'static str,
    below: &'static str,
    place: &'static str,
}

macro_rules! variables {
    ($($name:literal, $below:literal, $place:literal;)*) => {
        &[$(Variable { name: $name, below: $below, place: $place }),*]
    };
}

/// As the tools' own documentation has them; the XDG Base Directory Specification 0.8 for the last two.
const VARIABLES: &[Variable] = variables! {
    "CLAUDE_CONFIG_DIR", "", ".claude";
    "CODEX_HOME", "", ".codex";
    "CONTINUE_GLOBAL_DIR", "", ".continue";
    "COPILOT_HOME", "", ".copilot";
    "CURSOR_CONFIG_DIR", "", ".cursor";
    // It stands for the home folder; older guides name the tool's folder itself.
    "GEMINI_CLI_HOME", ".gemini", ".gemini";
    "GEMINI_CLI_HOME", "", ".gemini";
    "OPENCLAW_STATE_DIR", "", ".openclaw";
    "OPENCODE_CONFIG_DIR", "", ".config/opencode";
    "PI_CODING_AGENT_DIR", "", ".pi/agent";
    "XDG_CONFIG_HOME", "", ".config";
    "XDG_DATA_HOME", "", ".local/share";
};

/// A folder that stands for one below the home folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moved {
    pub variable: &'static str,
    /// Where it is: absolute, and there.
    pub to: PathBuf,
    /// How it is shown: below `~` where it is below the home folder.
    pub shown: PathBuf,
    /// The folder that it stands for, below the home folder.
    pub place: &'static str,
    /// It holds the home folder, so that it is not looked through as a whole.
    wide: bool,
}

/// Every folder that this environment moves. Those that are not there, or where they would be anyway, are left out.
pub fn moved(home: &Path, environment: &[(String, Vec<u8>)]) -> Vec<Moved> {
    let mut found: Vec<Moved> = Vec::new();
    for Variable { name, below, place } in VARIABLES {
        let set = environment.iter().find(|(variable, _)| variable == name);
        let Some(text) = set.and_then(|(_, value)| std::str::from_utf8(value).ok()) else { continue };
        let to: PathBuf = Path::new(text).join(below).components().collect();
        let known = found.iter().any(|one| one.to == to && one.place == *place);
        if !to.is_absolute() || to == home.join(place) || known || !to.is_dir() {
            continue;
        }
        let shown = to.strip_prefix(home).map_or_else(|_| to.clone(), |rest| Path::new("~").join(rest));
        found.push(Moved { variable: name, wide: home.starts_with(&to), to, shown, place });
    }
    found
}

/// What follows a folder in a path that is written with slashes.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

// === impl Moved ===

impl Moved {
    /// The rest of a path below the home folder, when it would lie in this one instead.
    pub fn rest<'a>(&self, usual: &'a str) -> Option<&'a str> {
        below(usual, self.place).filter(|rest| !rest.is_empty())
    }

    /// Where to look in it for files and folders that usually lie below the home folder: the way below this one, and the
    /// names that a look-up of the usual place needs.
    pub fn starts(&self, usual: &[PathBuf]) -> Vec<(PathBuf, Vec<String>)> {
        let names = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<String>>();
        let mut starts: Vec<(PathBuf, Vec<String>)> = usual
            .iter()
            .filter_map(|path| path.to_str())
            .filter_map(|path| Some((below(path, self.place)?, path)))
            .filter(|(rest, _)| !(self.wide && rest.is_empty()))
            .map(|(rest, path)| (PathBuf::from(rest), names(path)))
            .collect();
        if self.wide && usual.iter().any(|path| path == Path::new(self.place)) {
            let files = crate::tool::SURVEYS.iter().flat_map(|survey| survey.files);
            let files = files.map(|file| file.path).filter(|path| !path.contains('*'));
            starts.extend(files.filter_map(|path| Some((PathBuf::from(self.rest(path)?), names(path)))));
        }
        starts.sort();
        starts.dedup();
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &Path) -> (String, Vec<u8>) {
        (name.to_owned(), value.to_str().unwrap().as_bytes().to_vec())
    }

    #[test]
    fn each_variable_of_a_tools_home_stands_for_the_usual_folder() {
        let home = tempfile::tempdir().unwrap();
        let alt = home.path().join("alt");
        std::fs::create_dir_all(alt.join(".gemini")).unwrap();
        for (variable, to, place) in [
            ("CLAUDE_CONFIG_DIR", "alt", ".claude"),
            ("CODEX_HOME", "alt", ".codex"),
            ("CONTINUE_GLOBAL_DIR", "alt", ".continue"),
            ("COPILOT_HOME", "alt", ".copilot"),
            ("CURSOR_CONFIG_DIR", "alt", ".cursor"),
            ("GEMINI_CLI_HOME", "alt/.gemini", ".gemini"),
            ("OPENCLAW_STATE_DIR", "alt", ".openclaw"),
            ("OPENCODE_CONFIG_DIR", "alt", ".config/opencode"),
            ("PI_CODING_AGENT_DIR", "alt", ".pi/agent"),
            ("XDG_CONFIG_HOME", "alt", ".config"),
            ("XDG_DATA_HOME", "alt", ".local/share"),
        ] {
            let found = moved(home.path(), &[set(variable, &alt)]);
            let found = found.first().unwrap_or_else(|| panic!("{variable}"));
            assert_eq!((found.shown.to_str().unwrap(), found.place), (format!("~/{to}").as_str(), place));
            // What is not there, not absolute or where it is anyway moves nothing.
            for nothing in [home.path().join("none"), PathBuf::from("alt"), PathBuf::new()] {
                assert_eq!(moved(home.path(), &[set(variable, &nothing)]), [], "{variable}");
            }
        }
        std::fs::create_dir(home.path().join(".codex")).unwrap();
        assert_eq!(moved(home.path(), &[set("CODEX_HOME", &home.path().join(".codex"))]), []);
    }

    #[test]
    fn what_holds_the_home_folder_is_not_walked_as_a_whole() {
        let home = tempfile::tempdir().unwrap();
        let usual = [".claude", ".claude.json", ".config/zed/settings.json"].map(PathBuf::from);
        for wide in [home.path(), Path::new("/")] {
            let found = moved(home.path(), &[set("CLAUDE_CONFIG_DIR", wide)]);
            let starts = found[0].starts(&usual);
            assert!(starts.iter().all(|(start, _)| !start.as_os_str().is_empty()), "{starts:?}");
            assert!(starts.iter().any(|(start, names)| {
                start == Path::new("settings.json") && names == &[".claude", "settings.json"]
            }));
        }
        let found = moved(home.path(), &[set("XDG_CONFIG_HOME", home.path())]);
        assert_eq!(
            found[0].starts(&usual),
            [(
                PathBuf::from("zed/settings.json"),
                [".config", "zed", "settings.json"].map(str::to_owned).to_vec()
            )]
        );
    }
}
