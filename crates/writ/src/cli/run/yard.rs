//! What of this machine shows inside: the workspace, the system, the client's own, and nothing else of the user's.
//!
//! The home is an empty one. What work needs is put into it by name, so that a credential nobody thought of is absent
//! as well as those on the list. What lies there for tools and caches is a copy: it can be changed, and the changes end
//! with the task.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use writ_model::{Bounds, Client, TaskKind};
use writ_sandbox::Profile;

pub(super) mod binding;
mod client;
pub(super) mod ground;
pub(super) mod repository;
mod secret;
mod stand_in;
mod tools;
mod trail;

use ground::{Ground, Terms};

/// What the view is made of.
pub(super) struct Sight<'a> {
    pub(super) client: Client,
    pub(super) program: &'a Path,
    pub(super) workspace: &'a Path,
    pub(super) home: &'a Path,
    pub(super) kind: TaskKind,
    pub(super) bounds: Option<&'a Bounds>,
    pub(super) ground: &'a Ground,
    /// The user's environment.
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Where the system's programs and libraries lie.
const SYSTEM: [&str; 11] =
    ["/bin", "/gnu", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/opt", "/sbin", "/snap", "/usr"];

/// Folders that belong to everybody, so that nothing in them may be taken for a neighbour of the workspace.
const SHARED: [&str; 15] = [
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/root", "/sbin",
    "/srv", "/usr", "/var",
];

/// What programs need of `/run`, which is otherwise full of sockets to others.
const OF_RUN: [&str; 2] = ["/run/current-system", "/run/opengl-driver"];

/// Longest way up from a program to the folder that its package lies in.
const MODULES: &str = "node_modules";

// === impl Sight ===

impl Sight<'_> {
    /// Adds the view of files to a profile.
    pub(super) fn into_profile(self, profile: &mut Profile) {
        let Self { client, program, workspace, home, kind, bounds, ground, variable } = &self;
        let temporary = ["TMPDIR", "TMP", "TEMP"].into_iter().filter_map(variable).map(PathBuf::from);
        profile.private = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from).into();
        profile.private.extend(
            temporary.filter(|path| {
                path.is_absolute() && path.starts_with("/tmp") || path.starts_with("/var/tmp")
            }),
        );
        profile.private.push((*home).to_owned());
        profile.hide_if_present.push("/run".into());
        let around = neighbours(workspace).filter(|path| !profile.private.contains(path));
        profile.hide_if_present.extend(around);
        profile.show.extend(OF_RUN.map(PathBuf::from));
        profile.show.push((*workspace).to_owned());

        let own = client::places(*client, home, variable);
        profile.copies.extend(own.folders);
        profile.show.extend(own.kept.iter().cloned());
        profile.write.extend(own.kept);
        let named = tools::of_path(variable("PATH").as_deref(), home);
        profile.copies.extend(tools::roots(home, variable));
        // What lies in a copy shows as part of the copy. Shown by itself it would be the user's own, open to changes.
        let copies = profile.copies.clone();
        let is_copied = |path: &PathBuf| copies.iter().any(|copy| path.starts_with(copy));
        let shown = [named.clone(), packages(program), tools::settings(home)].concat();
        profile.show.extend(shown.into_iter().filter(|path| !is_copied(path)));
        profile.read_only.extend(tools::settings(home).into_iter().filter(|path| path.exists()));
        profile.read_only.extend(own.settings.into_iter().filter(|path| path.exists()));

        let hidden: Vec<PathBuf> = secret::of_workspace(workspace)
            .into_iter()
            .filter(|path| !bounds.is_some_and(|bounds| reads(bounds, workspace, path)))
            .collect();
        let terms = Terms { workspace, home: Some(home), kind: *kind, bounds: *bounds };
        let (guarded, outside) = ground.guarded(&terms);
        profile.show.extend(outside.iter().cloned());
        profile.write.extend(outside);
        // What is empty inside is not written either.
        profile.read_only.extend(guarded.read_only.into_iter().filter(|path| !hidden.contains(path)));
        profile.links.extend(guarded.links);

        profile.hide_if_present.extend(secret::of_home(home));
        profile.hide_if_present.extend(secret::of_system());
        profile.hide_if_present.extend(hidden);

        profile.notes = notes(home, workspace);

        profile.write.push((*workspace).to_owned());
        profile.run.extend(SYSTEM.map(PathBuf::from));
        profile.run.extend(OF_RUN.map(PathBuf::from));
        profile.run.extend(
            profile.private.iter().filter(|path| !path.starts_with("/dev")).cloned().collect::<Vec<_>>(),
        );
        profile.run.extend(profile.copies.to_vec());
        profile.run.extend(named);
        profile.run.extend(packages(program));
        profile.run.push((*workspace).to_owned());
        for list in [&mut profile.show, &mut profile.write, &mut profile.run, &mut profile.read_only] {
            let once: BTreeSet<PathBuf> = list.drain(..).collect();
            list.extend(once);
        }
    }
}

/// What an agent finds where it looks for what is not there.
fn notes(home: &Path, workspace: &Path) -> Vec<(PathBuf, String)> {
    let text = format!(
        "This is a sandbox of Writ around one task.\n\n\
         Credentials, other projects and the user's own files are absent on purpose; looking elsewhere will not find\n\
         them. Write in {} and in /tmp. What is changed in tool chains and caches ends with the task. The network leads\n\
         to the model and to hosts that a person named.\n\n\
         If the work needs more, stop and say what and why. A person can start the task again with --read PATH,\n\
         --write PATH or --allow-host HOST, or do that step outside.\n",
        workspace.display()
    );
    let places = ["", ".aws", ".azure", ".config/gcloud", ".docker", ".gnupg", ".kube", ".ssh"];
    places.iter().map(|place| (home.join(place).join("WRIT.txt"), text.clone())).collect()
}

/// The folder around the workspace, where other projects lie; nothing where that folder is everybody's.
fn neighbours(workspace: &Path) -> Option<PathBuf> {
    let parent = workspace.parent()?;
    (!SHARED.iter().any(|shared| parent == Path::new(shared))).then(|| parent.to_owned())
}

/// Where a program and what it loads lie: its own folder, and the folder of the package it links to.
fn packages(program: &Path) -> Vec<PathBuf> {
    let Ok(real) = program.canonicalize() else { return Vec::new() };
    let whole = real
        .ancestors()
        .filter(|path| path.file_name() == Some(OsStr::new(MODULES)))
        .last()
        .map(Path::to_owned);
    let folder = whole.or_else(|| real.parent().map(Path::to_owned));
    program.parent().map(Path::to_owned).into_iter().chain(folder).collect()
}

/// Whether a person said that the task may read this very path.
fn reads(bounds: &Bounds, workspace: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(workspace) else { return false };
    bounds.read.iter().flatten().any(|pattern| Path::new(pattern.as_str()) == below)
}
