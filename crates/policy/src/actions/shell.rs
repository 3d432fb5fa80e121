//! A command line as actions. The classifier says what it would do; here its words become real paths, hosts and refs.

use std::path::Path;

use writ_model::{Because, EffectClass, PackageSource, Place, Resource};

use super::pattern::{folder_before, pattern_could_name};
use super::program::{is_own_program, of_program};
use super::{BECAUSE, Found};
use crate::classify::{self, Effect, Package, Sweep, Target};
use crate::host;
use crate::place::pattern::is_pattern;
use crate::place::{Entry, Files, Unplaceable, sweep};

// === impl Found ===

impl Found<'_> {
    pub(super) fn shell(&mut self, command: &str) {
        let root = self.workspace.root.to_str();
        let home = self.home();
        let cwd = self.cwd.starts_with('/').then_some(self.cwd);
        let look = Within { files: self.files, root: &self.workspace.root };
        let facts = classify::Facts { workspace: root, cwd, home, look: Some(&look) };
        let classified = classify::classify(command, &facts);
        let reads_here = reads_here(command);
        for effect in classified.effects {
            // Nothing is read of files that are empty there, so there is nothing to ask about.
            if let Target::Secret(what) = &effect.target
                && reads_here
                && effect.class == EffectClass::SecretRead
                && self.catches_only_blanks(what)
            {
                let folder = what.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned();
                self.path(EffectClass::Read, &folder, "reads files of it, the empty ones among them");
                continue;
            }
            self.effect(effect);
        }
        for path in classified.reads {
            self.may_read(&path);
        }
        for found in &classified.sweeps {
            self.sweep(found);
        }
        // A program that is started elsewhere works elsewhere, whatever its arguments say.
        let only_reads = self.actions.iter().all(|action| action.effect == EffectClass::Read);
        if !only_reads {
            let cwd = self.cwd;
            match self.workspace.place(self.files, "", cwd) {
                Ok(found) => {
                    for placed in found.into_iter().filter(|placed| !is_home_ground(placed.place)) {
                        let resource = Resource::Path {
                            path: placed.path,
                            place: placed.place,
                            binding: placed.binding,
                        };
                        self.add(EffectClass::BuildTest, resource, "the command starts in this folder");
                    }
                }
                Err(why) => self.unknown(EffectClass::BuildTest, &format!("the working directory: {why}")),
            }
        }
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        let Effect { class, target, why } = effect;
        let because = Because { says: why.text, rule: why.rule.into_owned(), part: why.span };
        match target {
            // An agent that answers for a person, or takes its supervisor down, leaves its place.
            Target::Command(program) if class == EffectClass::IdentityChange && is_own_program(&program) => {
                self.add(EffectClass::EscapeAttempt, Resource::Command { program }, because);
            }
            Target::Command(program) => self.add(class, of_program(class, program), because),
            Target::Host(name) => match host::of_word(&name) {
                Some(name) => self.add(class, Resource::Host { name }, because),
                None => self.unknown(class, "which host it reaches cannot be read"),
            },
            Target::Package(package) => self.package(class, package, because),
            Target::Path(path) => {
                // The same write as by a tool, so the same action: what the file is decides.
                let class =
                    if because.rule == "path.protected" { EffectClass::WriteWorkspace } else { class };
                if because.rule != classify::SWITCHED || self.is_no_branch(&path) {
                    self.shell_path(class, &path, &because);
                }
            }
            // Where commits can go is a setting of the repository, and whoever changes it changes every later push.
            Target::Remote { .. } if class == EffectClass::WriteWorkspace => {
                self.path(class, ".git/config", because);
            }
            Target::Remote { remote, refs } => self.pushes(class, &remote, refs, &because),
            Target::Secret(what) => self.secret(class, what, because),
            Target::Thing(resource) => self.add(class, resource, because),
            Target::Unknown => {
                let why = because.says.chars().take(BECAUSE).collect();
                self.add(class, Resource::Unknown { why }, because);
            }
        }
    }

    /// Whether a word that may be a branch or a file is a file: one that is there, or that would not be an ordinary one.
    fn is_no_branch(&self, word: &str) -> bool {
        let Ok(found) = self.workspace.place(self.files, self.cwd, word) else { return true };
        found.iter().any(|placed| {
            placed.place != Place::Workspace
                || placed.binding.is_some()
                || self.files.entry(Path::new(&placed.path)) != Entry::Missing
        })
    }

    /// A path of a command line: parts of it may only be known when the shell has filled them in.
    fn shell_path(&mut self, class: EffectClass, path: &str, because: &Because) {
        let Some(open) = path.find(['*', '?', '[', '{', '$', '…']) else {
            return self.path(class, path, because.clone());
        };
        // `?` also stands for what nobody knows, and `…` for what was too long to show.
        if path.contains(['?', '$', '…']) {
            return self.unknown(
                class,
                &format!(
                    "`{}` is only known when the shell runs",
                    path.chars().take(100).collect::<String>()
                ),
            );
        }
        let folder = folder_before(path, open);
        self.path(class, folder, because.clone());
        for (written, hidden) in pattern_could_name(path) {
            let caught = path.get(..written).unwrap_or_default();
            self.path(class, &format!("{caught}{hidden}"), because.clone());
        }
        let matters = |place| !matches!(place, Place::Workspace | Place::Scratch | Place::Outside);
        self.caught(class, path, matters, because);
    }

    /// Whether all that a pattern of one folder's files stands for is empty where the command runs, or nobody's secret.
    fn catches_only_blanks(&self, path: &str) -> bool {
        let (folder, part) = path.rsplit_once('/').unwrap_or((".", path));
        // What only the shell knows is not looked for, nor what goes up and down by links.
        if folder.is_empty() || is_pattern(folder) || path.contains(['$', '…', '~']) || !is_pattern(part) {
            return false;
        }
        let Ok(placed) = self.workspace.place(self.files, self.cwd, folder) else { return false };
        let is_blank =
            |path: &str| sweep::catches_only_blanks(self.workspace, self.files, Path::new(path), part);
        !placed.is_empty() && placed.iter().all(|placed| is_blank(&placed.path))
    }

    /// Listed files that stand where a pattern of the command looks.
    fn caught(&mut self, class: EffectClass, path: &str, matters: fn(Place) -> bool, because: &Because) {
        // A pattern of folders is left to the names that could be listed.
        let (folder, part) = path.rsplit_once('/').unwrap_or((".", path));
        if is_pattern(folder) || !is_pattern(part) {
            return;
        }
        let folder = if folder.is_empty() { "/" } else { folder };
        let Ok(placed) = self.workspace.place(self.files, self.cwd, folder) else { return };
        for placed in placed {
            let folder = Path::new(&placed.path);
            for file in sweep::caught_in(self.workspace, self.files, folder, part, matters) {
                if class == EffectClass::Read && self.files.is_blank(&file) {
                    continue;
                }
                self.path(class, &file.to_string_lossy(), because.clone());
            }
        }
    }

    /// A folder that the command reads with everything below it: the credentials among that are read too.
    pub(super) fn sweep(&mut self, sweep: &Sweep) {
        let Sweep { folder, only, except } = sweep;
        if folder.contains(['?', '$', '…', '*', '[', '{']) {
            return;
        }
        let Ok(placed) = self.workspace.place(self.files, self.cwd, folder) else { return };
        for placed in placed {
            let folder = Path::new(&placed.path);
            for file in sweep::secrets_below(self.workspace, self.files, folder, only, except) {
                self.path(
                    EffectClass::Read,
                    &file.to_string_lossy(),
                    "the command reads all files of the folder",
                );
            }
        }
    }

    /// A word of the command that may name a file of the workspace.
    fn may_read(&mut self, word: &str) {
        if word.contains(['?', '$', '…']) {
            return;
        }
        // Patterns that could name a secret were found by the classifier; here it is the folder that may be a link.
        let secret = |place| matches!(place, Place::Own | Place::Secret);
        self.caught(EffectClass::Read, word, secret, &"may read it".into());
        let word = match word.find(['*', '[', '{']) {
            Some(open) => folder_before(word, open),
            None => word,
        };
        let is_there = match self.workspace.place(self.files, self.cwd, word) {
            Ok(found) => found
                .iter()
                .any(|placed| self.files.entry(std::path::Path::new(&placed.path)) != Entry::Missing),
            // Words that are no path at all.
            Err(Unplaceable::Address | Unplaceable::Empty | Unplaceable::TooLong | Unplaceable::ZeroByte) => {
                false
            }
            Err(
                Unplaceable::Circle
                | Unplaceable::NoWorkingDirectory
                | Unplaceable::UnknownHome
                | Unplaceable::Unreadable,
            ) => true,
        };
        if is_there {
            self.path(EffectClass::Read, word, "may read it");
        }
    }

    /// A package. That a command takes what is locked holds only where a lock file is.
    fn package(&mut self, class: EffectClass, package: Package, because: Because) {
        let Package { name, version, ecosystem, mut source } = package;
        if source == PackageSource::Lockfile && !self.has_lock_file(ecosystem) {
            source = PackageSource::Manifest;
        }
        self.add(
            class,
            Resource::Package { name, version, ecosystem: ecosystem.to_owned(), source },
            because,
        );
    }

    fn has_lock_file(&self, ecosystem: &str) -> bool {
        let names: &[&str] = match ecosystem {
            "npm" => &[
                "package-lock.json",
                "npm-shrinkwrap.json",
                "pnpm-lock.yaml",
                "yarn.lock",
                "bun.lock",
                "bun.lockb",
            ],
            "crates" => &["Cargo.lock"],
            "go" => &["go.sum"],
            "rubygems" => &["Gemfile.lock"],
            "packagist" => &["composer.lock"],
            "hex" => &["mix.lock"],
            "pub" => &["pubspec.lock"],
            "swift" => &["Package.resolved"],
            // Lists with hashes have any name; without hashes the program refuses them.
            _ => return true,
        };
        let folders = [Path::new(self.cwd), self.workspace.root.as_path()];
        let is_there = |path: &Path| self.files.entry(path) == Entry::Plain;
        folders.iter().any(|folder| names.iter().any(|name| is_there(&folder.join(name))))
    }

    fn pushes(&mut self, class: EffectClass, remote: &str, refs: Vec<String>, because: &Because) {
        let refs = if refs.is_empty() { vec![String::new()] } else { refs };
        for name in refs {
            let name = destination(&name);
            let force = class == EffectClass::Destructive;
            let resource = Resource::Ref { remote: remote.to_owned(), name, force };
            if force {
                self.add(EffectClass::GitPush, resource.clone(), because.clone());
            }
            self.add(class, resource, because.clone());
        }
    }

    /// A credential. One that is a file is the same resource as for a tool that opens it, and is placed like it.
    fn secret(&mut self, class: EffectClass, what: String, because: Because) {
        if !classify::is_secret_path(&what, self.home()) || what.contains(char::is_whitespace) {
            return self.add(class, Resource::Secret { what }, because);
        }
        if what.contains(['*', '?', '[', '{', '$', '…']) {
            let secret = |place| matches!(place, Place::Own | Place::Secret);
            self.caught(EffectClass::Read, &what, secret, &because);
            return self.add(class, Resource::Secret { what }, because);
        }
        let effect = if class == EffectClass::SecretRead { EffectClass::Read } else { class };
        self.path(effect, &what, because);
    }
}

/// Whether a command line is nothing but readers behind one another, which look where it starts: patterns in it then mean files
/// of that folder. What else could go elsewhere first is not looked for.
fn reads_here(command: &str) -> bool {
    let is_reader = |part: &str| {
        let program = part.split_whitespace().next();
        program.is_some_and(|program| HERE.contains(&program))
    };
    !command.contains(['\n', '\r', ';', '&', '(', ')', '`', '$', '\\', '!', '{', '}'])
        && command.split('|').all(is_reader)
}

/// Programs that read what they are given, where they are started.
const HERE: [&str; 16] = [
    "base64", "cat", "cut", "diff", "egrep", "fgrep", "grep", "head", "less", "more", "nl", "sort", "tail",
    "tr", "uniq", "wc",
];

/// Where a task's programs are at home.
const fn is_home_ground(place: Place) -> bool {
    match place {
        Place::Workspace | Place::Binding | Place::Scratch => true,
        Place::Outside | Place::Secret | Place::Own => false,
    }
}

/// The ref that a push would move: of `source:destination` the destination, without the mark that forces.
pub(super) fn destination(written: &str) -> String {
    let plain = written.strip_prefix('+').unwrap_or(written);
    let name = plain.rsplit_once(':').map_or(plain, |(_, destination)| destination);
    // Names that git looks up, and names with parts nobody knows, say nothing of what is moved.
    if name == "HEAD" || name == "@" || name.contains(['?', '*', '$']) {
        String::new()
    } else {
        name.to_owned()
    }
}

/// The files of the workspace, for the classifier.
pub(crate) struct Within<'a> {
    pub files: &'a dyn Files,
    pub root: &'a Path,
}

// === impl Within ===

impl std::fmt::Debug for Within<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Within").field("root", &self.root).finish_non_exhaustive()
    }
}

impl classify::Look for Within<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        path.starts_with(self.root)
            .then(|| self.files.text(self.root, path, classify::MAX_LOOK_BYTES))
            .flatten()
    }
}
