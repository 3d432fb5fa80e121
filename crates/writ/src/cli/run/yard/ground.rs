//! The workspace as a run finds it: looked at once, for what is protected, for what stands in, and for what is told at the
//! end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use writ_model::{Bounds, TaskKind, Timestamp};

use super::super::inventory::Inventory;
use super::binding::change::{Before, Changes};
use super::binding::survey::{Spot, Survey, Surveying};
use super::binding::{Guard, Guarded, Opened, is_about};
use super::repository::{self, Repository, Tree};
use super::secret;
use super::stand_in::StandIns;
use super::trail::follow;
use super::walk::walk;

/// What a task may do in which workspace.
pub(in crate::cli::run) struct Terms<'a> {
    pub(in crate::cli::run) workspace: &'a Path,
    pub(in crate::cli::run) home: Option<&'a Path>,
    pub(in crate::cli::run) kind: TaskKind,
    pub(in crate::cli::run) bounds: Option<&'a Bounds>,
}

/// What was found, and what was put. Dropped, the latter is taken away.
pub(in crate::cli::run) struct Ground {
    survey: Survey,
    repository: Repository,
    looked: Result<secret::Workspace, secret::LookError>,
    stand_ins: StandIns,
    before: Before,
}

// === impl Terms ===

impl Terms<'_> {
    /// How far a person said, by name, that the task may change a path.
    fn opened(&self, path: &Path) -> Opened {
        let Ok(below) = path.strip_prefix(self.workspace) else { return Opened::Closed };
        let named = self.bounds.iter().flat_map(|bounds| bounds.write.iter().flatten());
        let how = named.map(|pattern| {
            // `src/**` says where work is done, and opens nothing that binds there; `.vscode/**` does.
            let whole = pattern.as_str().strip_suffix("/**").unwrap_or(pattern.as_str());
            let binds = writ_policy::binds(whole).is_some();
            let (whole, pattern) = (Path::new(whole), Path::new(pattern.as_str()));
            if pattern == below || (binds && below.starts_with(whole)) {
                Opened::Whole
            } else if pattern.starts_with(below) {
                Opened::InPart
            } else {
                Opened::Closed
            }
        });
        how.max().unwrap_or(Opened::Closed)
    }
}

// === impl Ground ===

impl Ground {
    /// Looks and changes nothing: one walk, for what binds and for what must not show.
    pub(in crate::cli::run) fn look(terms: &Terms<'_>, now: Timestamp) -> Self {
        let index = repository::index(terms.workspace);
        let indexes = [&index];
        let (mut surveying, mut look) =
            (Surveying::before(terms.workspace, &indexes), secret::Look::at(terms.workspace));
        let mut closed =
            walk(terms.workspace, (&mut surveying, Spot::ROOT), (&mut look, secret::Foreign(false)));
        surveying.closed(&closed);
        let mut survey = surveying.end();
        let repository = repository::of(terms.workspace, &survey.repositories, terms.home);
        survey.lead(terms.workspace, &repository);
        let before = Before::of(terms.workspace, terms.home, &survey, &repository, index, now);
        closed.extend(survey.closed.iter().chain(&repository.closed).cloned());
        Self { survey, repository, looked: look.end(&closed), stand_ins: StandIns::default(), before }
    }

    /// What must not show.
    ///
    /// # Errors
    /// When the workspace cannot be looked through to its end.
    pub(in crate::cli::run) fn looked(&self) -> Result<&secret::Workspace, secret::LookError> {
        self.looked.as_ref().map_err(|error| *error)
    }

    /// The trees of repositories in the workspace; none where it cannot be looked through.
    pub(in crate::cli::run) fn trees(&self, workspace: &Path) -> Vec<Tree> {
        let looked = self.looked.as_ref().map(|looked| looked.repositories.as_slice()).unwrap_or_default();
        repository::trees(workspace, looked, &self.survey.pointers)
    }

    /// Whether all that binds was found and is kept. Otherwise a person is told, and it is on record.
    pub(in crate::cli::run) fn keeps_all(&self, terms: &Terms<'_>) -> bool {
        self.survey.complete && !self.guarded(terms).0.cut
    }

    /// Puts what stands in for the time of a run, each on the list before.
    pub(in crate::cli::run) fn prepare(&mut self, terms: &Terms<'_>, list: &Arc<Inventory>) {
        let is_closed = |path: &Path| {
            let name = path.strip_prefix(terms.workspace).ok().and_then(Path::to_str);
            let binding = name.and_then(writ_policy::binds);
            binding.is_some_and(|binding| !is_about(terms.kind, binding))
                && terms.opened(path) == Opened::Closed
        };
        self.stand_ins = StandIns::put(terms.workspace, &self.repository, Arc::clone(list), &is_closed);
    }

    /// What stands in for the time of this run.
    pub(in crate::cli::run) fn standing_in(&self) -> impl Iterator<Item = &Path> {
        self.stand_ins.paths()
    }

    /// Whether git runs whatever lies in the workspace itself, by a certain name, so that no place could be kept from the
    /// task.
    pub(in crate::cli::run) fn is_all_hooks(&self, terms: &Terms<'_>) -> bool {
        self.repository
            .named
            .folders
            .iter()
            .any(|path| follow(path).is_some_and(|trail| trail.end == terms.workspace))
    }

    /// What must not change inside, and folders outside the workspace that its repository leads to.
    pub(super) fn guarded(&self, terms: &Terms<'_>) -> (Guarded, Vec<PathBuf>) {
        let mut repository = self.repository.clone();
        repository.protected.extend(self.stand_ins.paths().map(Path::to_owned));
        let opened = |path: &Path| terms.opened(path);
        let guard = Guard { workspace: terms.workspace, kind: terms.kind, opened: &opened };
        (guard.of(&self.survey, &repository), repository.outside)
    }

    /// The folders that the agent writes in and other people's tools too: the workspace, and what its repository leads to.
    pub(in crate::cli::run) fn shared(&self, terms: &Terms<'_>) -> Vec<PathBuf> {
        let outside = self.repository.outside.iter().cloned();
        std::iter::once(terms.workspace.to_owned()).chain(outside).collect()
    }

    /// Takes away what stood in, and looks again.
    pub(in crate::cli::run) fn end(self, workspace: &Path) -> Changes {
        let Self { stand_ins, before, .. } = self;
        drop(stand_ins);
        before.changes(workspace)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    use super::*;

    /// Root can look into everything, so the test is begun again as somebody else.
    fn as_nobody(name: &str) -> bool {
        if !rustix::process::getuid().is_root() {
            return true;
        }
        let mut again = std::process::Command::new("/proc/self/exe");
        again
            .args(["--exact", name, "--nocapture"])
            .env("TMPDIR", "/tmp")
            .current_dir("/")
            .uid(4242)
            .gid(4242);
        let done = again.output().unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert!(done.status.success() && said.contains("1 passed"), "{said}");
        false
    }

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn look(root: &Path) -> Ground {
        let terms = Terms { workspace: root, home: None, kind: TaskKind::Feature, bounds: None };
        Ground::look(&terms, Timestamp::EPOCH)
    }

    fn make(root: &Path, names: &[&str]) {
        for name in names {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), "").unwrap();
        }
    }

    fn git(root: &Path, arguments: &[&str]) {
        let mut git = std::process::Command::new("git");
        git.args(arguments).current_dir(root).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(git.output().unwrap().status.success(), "{arguments:?}");
    }

    #[test]
    fn attack_a_marker_takes_no_folder_out_of_what_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        git(&root, &["init", "-q"]);
        let own = [
            "env/.envrc",
            ".venv/CLAUDE.md",
            "target/.envrc",
            "target/x/.vscode/tasks.json",
            "src/target/debug/AGENTS.md",
            "lib/node_modules/x/CLAUDE.md",
        ];
        let built = [
            "node_modules/x/.envrc",
            "rust/target/CACHEDIR.TAG",
            "rust/target/debug/x/.envrc",
            "rust/target/x86_64/release/.envrc",
            ".venv/lib/python3/site-packages/x/CLAUDE.md",
        ];
        make(&root, &own);
        make(&root, &built);
        git(&root, &["add", "-f", "src", "lib"]);
        let before = look(&root);
        let markers =
            ["env/pyvenv.cfg", ".venv/pyvenv.cfg", "target/CACHEDIR.TAG", "src/target/CACHEDIR.TAG"];
        make(&root, &markers);
        make(&root, &["new/target/CACHEDIR.TAG"]);
        let next = look(&root);
        for ground in [&before, &next] {
            let has =
                |name: &&str| ground.survey.units.iter().any(|unit| Path::new(name).starts_with(&unit.path));
            assert_eq!(own.iter().find(|name| !has(name)), None);
            assert_eq!(built.iter().find(|name| has(name)), None);
        }
        // A task that takes files out of the index and then writes them is told by their names.
        git(&root, &["rm", "-q", "--cached", "lib/node_modules/x/CLAUDE.md"]);
        std::fs::write(root.join("lib/node_modules/x/CLAUDE.md"), "evil").unwrap();
        let lines = before.end(&root).lines().join("\n");
        assert!(
            lines.contains("LOOKS BUILT NOW") && lines.contains("\n    src/target\n    target"),
            "{lines}"
        );
        assert!(
            lines.contains("\n    lib/node_modules/x/CLAUDE.md") && !lines.contains("new/target"),
            "{lines}"
        );
    }

    /// An index is whatever a task makes of it.
    #[test]
    fn attack_an_index_takes_nothing_out_of_what_is_kept_or_told() {
        let removals: [&[&[&str]]; 4] = [
            &[&["rm", "-rq", "--cached", "lib/node_modules"]],
            &[&["update-index", "--force-remove", "lib/node_modules/x/CLAUDE.md"]],
            &[&["read-tree", "--empty"]],
            &[&["update-index", "--split-index"]],
        ];
        for removal in removals {
            let root = tempfile::tempdir().unwrap();
            let root = root.path().canonicalize().unwrap();
            git(&root, &["init", "-q"]);
            make(&root, &["lib/node_modules/x/CLAUDE.md", "CLAUDE.md", "main.rs"]);
            git(&root, &["add", "-f", "lib", "CLAUDE.md", "main.rs"]);
            let before = look(&root);
            for arguments in removal {
                git(&root, arguments);
            }
            let is_kept = |ground: &Ground| {
                let mut units = ground.survey.units.iter();
                units.any(|unit| unit.path == Path::new("lib/node_modules/x/CLAUDE.md"))
            };
            assert!(is_kept(&before), "{removal:?}");
            // Either it is kept from the next task as well, or a person was told before that it is not.
            let next = look(&root);
            let lines = before.end(&root).lines().join("\n");
            let is_told = lines.contains("NO LONGER GIT'S") && lines.contains("\n    lib/node_modules");
            assert!(is_kept(&next) || is_told, "{removal:?}: {lines}");
            // And what the task itself changes there is told in any case.
            std::fs::write(root.join("lib/node_modules/x/CLAUDE.md"), "evil").unwrap();
            git(&root, &["read-tree", "--empty"]);
            let lines = next.end(&root).lines().join("\n");
            assert!(is_told || lines.contains("lib/node_modules"), "{removal:?}: {lines}");
        }
        // One that is written by hand, and one that is gone.
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        git(&root, &["init", "-q"]);
        make(&root, &["lib/node_modules/x/CLAUDE.md"]);
        git(&root, &["add", "-f", "lib"]);
        for is_there in [true, false] {
            let before = look(&root);
            if is_there {
                std::fs::write(root.join(".git/index"), "DIRC").unwrap();
            } else {
                std::fs::remove_file(root.join(".git/index")).unwrap();
            }
            let lines = before.end(&root).lines().join("\n");
            let wanted = if is_there { "NOT ALL WAS LOOKED AT: git's index" } else { "NO LONGER GIT'S" };
            assert!(lines.contains(wanted), "{lines}");
            std::fs::remove_file(root.join(".git/index")).ok();
            git(&root, &["add", "-f", "lib"]);
        }
    }

    #[test]
    fn attack_a_closed_folder_is_never_passed_over() {
        if !as_nobody("cli::run::yard::ground::tests::attack_a_closed_folder_is_never_passed_over") {
            return;
        }
        for mode in [0o300, 0o000, 0o100, 0o200, 0o400, 0o600] {
            for name in
                ["sub", "sub/node_modules", ".hg", "sub/.git", ".git/modules", ".git/info", "a/.claude"]
            {
                let root = tempfile::tempdir().unwrap();
                let root = root.path().canonicalize().unwrap();
                for file in [".git/HEAD", ".git/objects/x", ".git/refs/x"] {
                    std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
                    std::fs::write(root.join(file), "ref: refs/heads/main\n").unwrap();
                }
                let folder = root.join(name);
                std::fs::create_dir_all(&folder).unwrap();
                let open = look(&root);
                assert_eq!(open.looked().unwrap().closed, Vec::<PathBuf>::new());
                for file in [".env", "CLAUDE.md", "config"] {
                    std::fs::write(folder.join(file), "").unwrap();
                }
                set(&folder, mode);
                // Before a task it is empty inside, after a task that closed it, it is told before all else.
                let found = look(&root);
                let lines = open.end(&root).lines().join("\n");
                let still = look(&root).end(&root).lines().join("\n");
                let closed = found.looked().map(|looked| looked.closed.clone());
                set(&folder, 0o700);
                assert_eq!(closed.unwrap(), [folder], "{mode:o}");
                assert!(lines.starts_with("  NOT ALL WAS LOOKED AT: these"), "{mode:o} {name}: {lines}");
                assert!(lines.contains(&format!("\n    {name}")), "{mode:o} {name}: {lines}");
                assert!(!still.contains("NOT ALL"), "{mode:o} {name}: {still}");
            }
            for name in ["", ".git"] {
                let root = tempfile::tempdir().unwrap();
                let folder = root.path().join(name);
                std::fs::create_dir_all(root.path().join(".git")).unwrap();
                let open = look(root.path());
                set(&folder, mode);
                let found = look(root.path());
                let lines = open.end(root.path()).lines().join("\n");
                set(&folder, 0o700);
                assert!(matches!(found.looked(), Err(secret::LookError::Closed)), "{mode:o} {name}");
                assert!(lines.starts_with("  NOT ALL WAS LOOKED AT: these"), "{mode:o} {name}: {lines}");
            }
        }
    }
}
