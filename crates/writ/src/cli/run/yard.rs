//! What of this machine shows inside: the workspace, the system, the client's own, and nothing else of the user's.
//!
//! The home is an empty one. What work needs is put into it by name, so that a credential nobody thought of is absent
//! as well as those on the list. What lies there for tools and caches is a copy: it can be changed, and the changes end
//! with the task.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use writ_model::{Bounds, Client, TaskKind};
use writ_sandbox::Profile;

pub(super) mod address;
pub(super) mod binding;
mod client;
pub(super) mod ground;
mod index;
pub(super) mod kept;
pub(super) mod login;
pub(super) mod memory;
pub(super) mod repository;
pub(super) mod secret;
pub(super) mod session;
mod stand_in;
mod system;
mod tools;
mod trail;
pub(super) mod vigil;
mod walk;

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
    pub(super) sessions: &'a session::Sessions,
    /// What was found in the workspace.
    pub(super) looked: &'a secret::Workspace,
    /// Files of it that show as git has them, in place of none.
    pub(super) tracked: &'a [PathBuf],
    /// The user's environment.
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Where the system's programs and libraries lie.
const SYSTEM: [&str; 11] =
    ["/bin", "/gnu", "/lib", "/lib32", "/lib64", "/libexec", "/libx32", "/nix", "/sbin", "/snap", "/usr"];

/// Folders of the system in which a workspace may lie, so that nothing in them may be taken for its neighbour.
const SHARED: [&str; 8] = ["/", "/bin", "/dev", "/etc", "/lib", "/sbin", "/usr", "/usr/local"];

/// What programs need of `/run`, which is otherwise full of sockets to others.
const OF_RUN: [&str; 2] = ["/run/current-system", "/run/opengl-driver"];

/// Longest way up from a program to the folder that its package lies in.
const MODULES: &str = "node_modules";

// === impl Sight ===

impl Sight<'_> {
    /// Adds the view of files to a profile.
    ///
    /// # Errors
    /// When this machine cannot be looked at.
    pub(super) fn into_profile(self, profile: &mut Profile) -> io::Result<()> {
        let Self {
            client,
            program,
            workspace,
            home,
            kind,
            bounds,
            ground,
            sessions,
            looked,
            tracked,
            variable,
        } = &self;
        let temporary = ["TMPDIR", "TMP", "TEMP"].into_iter().filter_map(variable).map(PathBuf::from);
        profile.private = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from).into();
        let apart: [&Path; 2] = [home, workspace];
        profile.private.extend(temporary.filter(|path| {
            let holds = apart.iter().any(|apart| apart.starts_with(path) && !path.starts_with("/tmp"));
            path.is_absolute() && !path.starts_with(workspace) && !holds && !is_of_system(path)
        }));
        profile.private.push((*home).to_owned());
        profile.hide_if_present.push("/run".into());
        let around = neighbours(workspace).filter(|path| !profile.private.contains(path));
        profile.hide_if_present.extend(around);
        profile.leave_out.extend(system::left_out()?);
        profile.show.extend(OF_RUN.map(PathBuf::from));
        profile.show.extend(system::shown());
        profile.show.push((*workspace).to_owned());

        let own = client::places(*client, home, variable);
        profile.copies.extend(own.folders);
        let kept = [own.kept.as_slice(), &sessions.kept].concat();
        profile.show.extend(kept.iter().cloned());
        profile.write.extend(kept);
        profile.hide_if_present.extend(sessions.left_out.iter().cloned());
        profile.hide_if_present.extend(sessions.hidden.iter().cloned());
        let mut named = tools::of_path(variable("PATH").as_deref(), &apart);
        named.extend(system::linked(&apart));
        let roots = tools::roots(home, workspace, variable);
        let of_tools = secret::of_tools(&[roots.as_slice(), named.as_slice()].concat());
        profile.copies.extend(roots);
        if let Some(bounds) = bounds {
            let (read, write) = system::named(bounds, workspace, home);
            profile.show.extend(read.into_iter().chain(write.iter().cloned()));
            profile.write.extend(write);
        }
        // What lies in a copy shows as part of the copy. Shown by itself it would be the user's own, open to changes.
        let copies = profile.copies.clone();
        let is_copied = |path: &PathBuf| copies.iter().any(|copy| path.starts_with(copy));
        let shown = [named.clone(), packages(program), tools::settings(home)].concat();
        profile.show.extend(shown.into_iter().filter(|path| !is_copied(path)));
        profile.read_only.extend(tools::settings(home).into_iter().filter(|path| path.exists()));
        profile.read_only.extend(own.settings.into_iter().filter(|path| path.exists()));

        let mut hidden = empty(looked, workspace, *bounds);
        hidden.retain(|path| !tracked.contains(path));
        let is_closed = |path: &PathBuf| looked.closed.iter().any(|closed| path.starts_with(closed));
        let terms = Terms { workspace, home: Some(home), kind: *kind, bounds: *bounds };
        let (guarded, outside) = ground.guarded(&terms);
        profile.show.extend(outside.iter().cloned());
        profile.write.extend(outside);
        // What is empty inside is not written either.
        profile
            .read_only
            .extend(guarded.read_only.into_iter().filter(|path| !hidden.contains(path) && !is_closed(path)));
        profile.links.extend(guarded.links.into_iter().filter(|path| !is_closed(path)));

        profile.hide_if_present.extend(of_tools);
        profile.hide_if_present.extend(secret::of_home(home));
        profile.hide_if_present.extend(secret::of_variables(variable, &apart));
        let needed: Vec<PathBuf> = profile.read_only.clone();
        let of_system = secret::of_system().into_iter();
        profile.hide_if_present.extend(of_system.filter(|path| !needed.iter().any(|needed| needed == path)));
        profile.hide_if_present.extend(hidden.iter().cloned());
        profile.hide_if_present.extend(looked.closed.iter().cloned());

        let hidden: Vec<PathBuf> = hidden.into_iter().collect();
        profile.notes = notes(home, workspace, &kept::told(workspace, &profile.read_only, &hidden, tracked));

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
        Ok(())
    }
}

/// A view for a program that is only looked at: the system, a folder and the program's own, none of which it writes, no
/// network, nothing else of the user's, and no secret of the folder's.
///
/// # Errors
/// When this machine or the folder cannot be looked at.
pub(in crate::cli) fn bare(
    folder: &Path,
    home: &Path,
    program: &Path,
    hidden: Vec<PathBuf>,
) -> io::Result<Profile> {
    let mut look = secret::Look::at(folder);
    let closed = walk::walk(folder, (&mut look, secret::Foreign(false)), (&mut walk::Nobody, ()));
    let looked = look.end(&closed).map_err(|error| io::Error::other(error.to_string()))?;
    let mut profile = Profile { cwd: folder.to_owned(), ..Profile::default() };
    profile.private = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from).into();
    profile.private.push(home.to_owned());
    profile.hide_if_present = hidden;
    profile.hide_if_present.push("/run".into());
    profile.hide_if_present.extend(neighbours(folder).filter(|path| !profile.private.contains(path)));
    profile.hide_if_present.extend(secret::of_home(home));
    profile.hide_if_present.extend(secret::of_system());
    profile
        .hide_if_present
        .extend(looked.secrets.iter().chain(&looked.sockets).chain(&looked.closed).cloned());
    profile.leave_out = system::left_out()?;
    let apart: [&Path; 2] = [home, folder];
    let chain = program.canonicalize().ok().and_then(|real| Some(system::tool_chain(real.parent()?, &apart)));
    profile.show = system::shown();
    profile.show.extend(OF_RUN.map(PathBuf::from));
    profile.show.extend(packages(program).into_iter().chain(chain));
    profile.show.retain(|path| !home.starts_with(path) && path.parent().is_some());
    profile.show.push(folder.to_owned());
    profile.run = SYSTEM.iter().chain(&OF_RUN).map(PathBuf::from).collect();
    profile.run.extend(profile.show.iter().cloned());
    let known = |path: &PathBuf| path.exists() && !is_of_system(path);
    profile.read_only = profile.show.iter().filter(|path| known(path)).cloned().collect();
    Ok(profile)
}

/// Files with the client's own login, which the client writes.
pub(super) fn logins(
    client: Client,
    home: &Path,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    client::places(client, home, variable).kept
}

/// Whether a path lies in what every program needs as it is.
fn is_of_system(path: &Path) -> bool {
    !path.starts_with("/tmp") && system::is_shown(path)
}

/// What an agent finds where it looks for what is not there.
fn notes(home: &Path, workspace: &Path, kept: &str) -> Vec<(PathBuf, String)> {
    let text = format!(
        "This is a sandbox of Writ around one task.\n\n\
         Credentials, other projects and the user's own files are absent on purpose; looking elsewhere will not find\n\
         them. Write in {} and in /tmp. What is changed in tool chains and caches ends with the task. The network leads\n\
         to the model and to hosts that a person named.\n\n\
         If the work needs more, stop and say what and why. A person can start the task again with --read PATH,\n\
         --write PATH or --allow-host HOST, or do that step outside.\n\n{kept}\n",
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

/// What of a workspace is empty inside, without links: what looks like credentials, and sockets that somebody listens at.
pub(super) fn empty(
    looked: &secret::Workspace,
    workspace: &Path,
    bounds: Option<&Bounds>,
) -> BTreeSet<PathBuf> {
    let found = looked.secrets.iter().chain(&looked.sockets);
    found.filter(|path| !bounds.is_some_and(|bounds| reads(bounds, workspace, path))).cloned().collect()
}

/// Whether a person said that the task may read this very path.
fn reads(bounds: &Bounds, workspace: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(workspace) else { return false };
    bounds.read.iter().flatten().any(|pattern| Path::new(pattern.as_str()) == below)
}
