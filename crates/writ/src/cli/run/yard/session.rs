//! What a client remembers of its sessions: those of this workspace can be resumed, those of other projects are absent.
//!
//! Transcripts hold what people pasted and what agents read. Each client keeps them by project in its own way; where it keeps
//! those of all projects in one file, that file is absent, or a copy (SECURITY.md says which).

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use writ_model::{Client, Timestamp};

use super::client;

/// Most sessions that are looked at, the newest first.
const MOST_LOOKED: usize = 2000;
/// Most sessions of others that are made empty one by one.
const MOST_HIDDEN: usize = 256;
/// How much of a session's file is looked at for the folder that it worked in.
const HEAD_BYTES: u64 = 64 << 10;
/// Files of a session's folder that are looked at.
const MOST_FILES: usize = 16;
/// Longest name that Claude Code gives a project without a digest of its own.
const MOST_NAME: usize = 200;

/// Keys under which sessions name the folder that they worked in.
const FOLDER_KEYS: [&str; 6] =
    ["cwd", "cwdontaskinitialization", "gitroot", "projectroot", "workspace", "workspaceroot"];

/// The sessions of one client, as they concern one workspace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli::run) struct Sessions {
    /// What holds sessions of other projects.
    pub(super) left_out: Vec<PathBuf>,
    /// What shows of it all the same, and can be written.
    pub(super) kept: Vec<PathBuf>,
    /// Other projects' in what is kept.
    pub(super) hidden: Vec<PathBuf>,
    /// Folders among what is kept that have to be there before the client starts.
    made: Vec<PathBuf>,
    /// Files in them by which the client knows them.
    marks: Vec<(PathBuf, String)>,
    /// What a person should know.
    pub(in crate::cli::run) told: Vec<String>,
}

/// Where a client is started, and for what.
#[derive(Clone, Copy)]
pub(in crate::cli::run) struct Place<'a> {
    pub(in crate::cli::run) client: Client,
    pub(in crate::cli::run) home: &'a Path,
    pub(in crate::cli::run) workspace: &'a Path,
    pub(in crate::cli::run) cwd: &'a Path,
    pub(in crate::cli::run) variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub(in crate::cli::run) now: Timestamp,
}

// === impl Sessions ===

impl Sessions {
    /// Looks at what is there. Nothing is changed.
    pub(in crate::cli::run) fn of(place: &Place<'_>) -> Self {
        let places = client::places(place.client, place.home, place.variable);
        let Some(root) = places.folders.first().filter(|root| root.is_dir()) else { return Self::default() };
        let mut found = Self::default();
        let mut leave_out = |names: &[&str]| found.left_out.extend(names.iter().map(|name| root.join(name)));
        match place.client {
            Client::ClaudeCode => {
                leave_out(&[
                    "backups",
                    "debug",
                    "file-history",
                    "history.jsonl",
                    "image-cache",
                    "paste-cache",
                    "plans",
                    "projects",
                    "session-env",
                    "sessions",
                    "shell-snapshots",
                    "tasks",
                    "todos",
                    "transcripts",
                    "usage-data",
                ]);
                // Whole copies of what it remembers of all projects: `.claude.json.backup`, and with a time behind it.
                let names = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
                found.left_out.extend(names.filter(|path| path.to_string_lossy().contains(".json.backup")));
                found.by_name(&root.join("projects"), place);
            }
            Client::Cline => {
                leave_out(&["data/logs", "data/teams", "data/workspaces"]);
                for store in ["data/sessions", "data/tasks"] {
                    found.sift(&root.join(store), place.workspace);
                }
            }
            Client::Codex => {
                leave_out(&[
                    "archived_sessions",
                    "history.jsonl",
                    "log",
                    "memories",
                    "session_index.jsonl",
                    "shell_snapshots",
                ]);
                let names = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
                found.left_out.extend(names.filter(|path| path.to_string_lossy().contains(".sqlite")));
                found.by_day(&root.join("sessions"), place);
            }
            Client::CopilotCli => {
                leave_out(&[
                    "command-history-state.json",
                    "logs",
                    "session-store.db",
                    "session-store.db-shm",
                    "session-store.db-wal",
                ]);
                for store in ["history-session-state", "session-state"] {
                    found.sift(&root.join(store), place.workspace);
                }
            }
            Client::GeminiCli => found.by_mark(root, place),
            Client::OpenCode => {
                if let Some(data) = places.folders.get(1) {
                    found
                        .left_out
                        .extend(["log", "repos", "snapshot", "tool-output"].map(|name| data.join(name)));
                }
            }
            Client::QwenCode => {
                leave_out(&["debug", "history", "usage_record.jsonl"]);
                found.by_name(&root.join("projects"), place);
                found.by_digest(&root.join("tmp"), place);
            }
            Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => {}
        }
        found
    }

    /// Makes the folders that the client's own sessions go to. Without them they would end with the task.
    pub(in crate::cli::run) fn make(&self) {
        for folder in &self.made {
            // Where it cannot be made, the session ends with the task.
            drop(fs::DirBuilder::new().recursive(true).mode(0o700).create(folder));
        }
        for (path, text) in &self.marks {
            if let Ok(mut file) = fs::File::create_new(path) {
                drop(std::io::Write::write_all(&mut file, text.as_bytes()));
            }
        }
    }

    /// Takes away what was made and not used.
    pub(in crate::cli::run) fn tidy(&self) {
        for folder in &self.made {
            let mark = self.marks.iter().find(|(path, _)| path.parent() == Some(folder));
            let only_mark = fs::read_dir(folder).is_ok_and(|entries| entries.count() == 1);
            if let Some((path, _)) = mark.filter(|_| only_mark) {
                drop(fs::remove_file(path));
            }
            // Not when a session lies in it.
            drop(fs::remove_dir(folder));
        }
    }

    /// A folder for each project, named for its path.
    fn by_name(&mut self, store: &Path, place: &Place<'_>) {
        let own = [place.cwd, place.workspace].map(named).into_iter().flatten();
        self.own(store, own.map(|name| store.join(name)).collect());
    }

    /// A folder for each project, named by the digest of its path.
    fn by_digest(&mut self, store: &Path, place: &Place<'_>) {
        let own = [place.cwd, place.workspace].map(|path| store.join(digest(path)));
        self.own(store, own.into());
    }

    /// A folder for each project, which a file in it names. The client takes a folder of any name that has its mark.
    fn by_mark(&mut self, root: &Path, place: &Place<'_>) {
        for store in ["tmp", "history"].map(|name| root.join(name)) {
            let entries = fs::read_dir(&store).into_iter().flatten().flatten().take(MOST_LOOKED);
            let is_own = |folder: &PathBuf| {
                let mark = crate::config::read_text(&folder.join(MARK), 4096).unwrap_or_default();
                [place.cwd, place.workspace].iter().any(|own| Path::new(mark.trim()) == *own)
            };
            let mut own: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_own).collect();
            if own.is_empty() {
                let folder = store.join(digest(place.cwd));
                self.marks.push((folder.join(MARK), place.cwd.to_string_lossy().into_owned()));
                own.push(folder);
            }
            // A program that the client fetched for all projects.
            self.kept.extend(Some(store.join("bin")).filter(|path| path.is_dir()));
            self.own(&store, own);
        }
    }

    fn own(&mut self, store: &Path, mut own: Vec<PathBuf>) {
        own.dedup();
        self.left_out.push(store.to_owned());
        self.made.extend(own.first().cloned());
        self.kept.extend(own);
    }

    /// All projects in one folder, each session beside the others.
    fn sift(&mut self, store: &Path, workspace: &Path) {
        let entries = fs::read_dir(store).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_session =
            |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
        let (own, others): (Vec<PathBuf>, Vec<PathBuf>) =
            entries.filter(is_session).partition(|path| worked_in(path, workspace));
        if others.len() > MOST_HIDDEN || own.len() > MOST_LOOKED {
            self.left_out.push(store.to_owned());
            self.kept.extend(own.into_iter().take(MOST_LOOKED));
            self.told.push(format!("{} holds more sessions of other projects than can be hidden one by one, so that new ones end with the task", store.display()));
            return;
        }
        self.made.push(store.to_owned());
        self.kept.push(store.to_owned());
        self.hidden.extend(others);
    }

    /// All projects in a folder for each day. A day is that of the user's own clock, which can be one before or after ours.
    fn by_day(&mut self, store: &Path, place: &Place<'_>) {
        self.left_out.push(store.to_owned());
        let today = Timestamp::EPOCH.until(place.now).as_secs() / 86_400;
        let days: Vec<PathBuf> =
            [today.saturating_sub(1), today, today + 1].map(|day| store.join(day_folder(day))).into();
        let mut left = MOST_LOOKED;
        for day in &days {
            let sessions = files(day);
            let (_, others): (Vec<PathBuf>, Vec<PathBuf>) =
                sessions.into_iter().partition(|path| worked_in(path, place.workspace));
            left = left.saturating_sub(others.len());
            if others.len() > MOST_HIDDEN {
                self.told.push(format!("{} holds more sessions of other projects than can be hidden one by one, so that new ones end with the task", day.display()));
                continue;
            }
            self.made.push(day.clone());
            self.kept.push(day.clone());
            self.hidden.extend(others);
        }
        for day in newest(store).into_iter().filter(|day| !days.contains(day)) {
            for session in files(&day) {
                let Some(fewer) = left.checked_sub(1) else { return };
                left = fewer;
                if worked_in(&session, place.workspace) {
                    self.kept.push(session);
                }
            }
        }
    }
}

/// The file by which Gemini CLI knows whose folder it is.
const MARK: &str = ".project_root";

/// A path as Claude Code and Qwen Code name a folder for it; nothing where they add a digest.
fn named(path: &Path) -> Option<String> {
    let path = path.to_str()?;
    let units = path.chars().flat_map(|c| {
        let (shown, count) = if c.is_ascii_alphanumeric() { (c, 1) } else { ('-', c.len_utf16()) };
        std::iter::repeat_n(shown, count)
    });
    let name: String = units.collect();
    (name.len() <= MOST_NAME).then_some(name)
}

fn digest(path: &Path) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, path.as_os_str().as_encoded_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `2026/11/22` of the days since 1970 (the proleptic Gregorian calendar, counted in eras of 400 years from March).
fn day_folder(days: u64) -> PathBuf {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    [format!("{year:04}"), format!("{month:02}"), format!("{day:02}")].iter().collect()
}

/// The folders of days below a store, the newest first.
fn newest(store: &Path) -> Vec<PathBuf> {
    let mut found = vec![store.to_owned()];
    for _ in ["year", "month", "day"] {
        found = found
            .iter()
            .flat_map(|folder| entries(folder))
            .filter(|path| path.is_dir())
            .take(MOST_LOOKED)
            .collect();
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_file()).collect()
}

/// What lies in a folder, the last by name first.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort_by(|one, other| other.cmp(one));
    found
}

/// Whether a session, a file or a folder of files, says that it worked in the workspace. One that says nothing did not.
fn worked_in(session: &Path, workspace: &Path) -> bool {
    let files = if session.is_dir() { files(session) } else { vec![session.to_owned()] };
    let mut said: Vec<PathBuf> =
        files.iter().take(MOST_FILES).filter_map(|file| first_folder(file)).collect();
    said.dedup();
    !said.is_empty() && said.iter().all(|folder| folder.starts_with(workspace))
}

/// The first folder that a file names as the one it is about.
fn first_folder(file: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    crate::config::open_regular(file)?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head);
    head.match_indices([':']).find_map(|(at, _)| {
        let key = head.get(..at)?.trim_end().trim_end_matches('"');
        let start = key.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        let key: String = key.get(start..)?.chars().filter(|c| *c != '_').collect();
        if !FOLDER_KEYS.contains(&key.to_ascii_lowercase().as_str()) {
            return None;
        }
        let value = head.get(at + 1..)?.trim_start().trim_start_matches('"');
        let end = value.find(['"', '\n', '\r']).unwrap_or(value.len());
        let value = Path::new(value.get(..end)?.trim_end());
        value.is_absolute().then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_names_of_the_calendar() {
        for (days, wanted) in [
            (0, "1970/01/01"),
            (59, "1970/03/01"),
            (11_016, "2000/02/29"),
            (20_779, "2026/11/22"),
            (20_818, "2026/12/31"),
            (20_819, "2027/01/01"),
        ] {
            assert_eq!(day_folder(days), Path::new(wanted), "{days}");
        }
    }

    #[test]
    fn projects_are_named_as_clients_name_them() {
        assert_eq!(named(Path::new("/srv/a.b_c/D")).as_deref(), Some("-srv-a-b-c-D"));
        assert_eq!(named(Path::new("/srv/\u{1F600}é")).as_deref(), Some("-srv----"));
        assert_eq!(named(Path::new(&"/x".repeat(101))), None);
    }

    fn made(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn of(client: Client, home: &Path) -> Sessions {
        let workspace = Path::new("/srv/a");
        Sessions::of(&Place {
            client,
            home,
            workspace,
            cwd: &workspace.join("in"),
            variable: &|_| None,
            now: Timestamp::EPOCH,
        })
    }

    #[test]
    fn each_client_shows_what_is_of_this_workspace() {
        let own = r#"{"type":"session_meta","payload":{"id":1,"cwd":"/srv/a/in","x":"cwd: /srv/b"}}"#;
        let other = r#"{"type":"session_meta","payload":{"cwd":"/srv/ab","text":"\"cwd\": \"/srv/a\""}}"#;
        let home = made(&[
            (".claude/projects/-srv-b/x.jsonl", ""),
            (".codex/sessions/1969/12/31/x", ""),
            (".codex/sessions/1970/01/01/own.jsonl", own),
            (".codex/sessions/1970/01/01/other.jsonl", other),
            (".codex/sessions/1968/05/01/own.jsonl", own),
            (".codex/sessions/1968/05/01/other.jsonl", other),
            (".codex/state_5.sqlite-wal", ""),
            (".copilot/session-state/1/workspace.yaml", "id: 1\ncwd: /srv/a\ngit_root: /srv/a\n"),
            (".copilot/session-state/2/workspace.yaml", "id: 2\ncwd: /srv/b\n"),
            (".copilot/session-state/3/events.jsonl", "{}"),
            (".copilot/session-state/.locks/x", ""),
            (".gemini/tmp/named/.project_root", "/srv/a/in\n"),
            (".gemini/tmp/other/.project_root", "/srv/b"),
        ]);
        let at = |name: &str| home.path().join(name);
        let claude = of(Client::ClaudeCode, home.path());
        assert_eq!(claude.kept, ["-srv-a-in", "-srv-a"].map(|name| at(".claude/projects").join(name)));
        assert!(claude.left_out.contains(&at(".claude/projects")));
        let codex = of(Client::Codex, home.path());
        assert!(codex.kept.contains(&at(".codex/sessions/1970/01/01")), "{codex:?}");
        assert!(codex.kept.contains(&at(".codex/sessions/1968/05/01/own.jsonl")), "{codex:?}");
        assert!(!codex.kept.contains(&at(".codex/sessions/1968/05/01/other.jsonl")), "{codex:?}");
        assert!(codex.hidden.contains(&at(".codex/sessions/1970/01/01/other.jsonl")), "{codex:?}");
        assert!(codex.left_out.contains(&at(".codex/state_5.sqlite-wal")), "{codex:?}");
        let mut copilot = of(Client::CopilotCli, home.path());
        copilot.hidden.sort();
        assert_eq!(copilot.hidden, ["2", "3"].map(|name| at(".copilot/session-state").join(name)));
        let gemini = of(Client::GeminiCli, home.path());
        assert!(
            gemini.kept.contains(&at(".gemini/tmp/named")) && !gemini.kept.contains(&at(".gemini/tmp/other")),
            "{gemini:?}"
        );
        gemini.make();
        let history = at(".gemini/history").join(digest(Path::new("/srv/a/in")));
        assert_eq!(fs::read_to_string(history.join(MARK)).unwrap(), "/srv/a/in");
        gemini.tidy();
        assert!(!history.exists() && at(".gemini/tmp/named").exists());
    }
}
