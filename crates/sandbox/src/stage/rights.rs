//! File rights by Landlock: where the client writes, and what may run at all. They hold for every descendant, and on
//! whatever path leads to a file.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use crate::layer::{Layer, Refusal};
use crate::plan::Plan;
use crate::sys;

/// The oldest version that knows truncation: without it, whoever may not write a file may still empty it.
const OLDEST: i32 = 3;
/// The newest version that was tried with what is done here. Later ones let a process name more things to refuse.
const NEWEST: i32 = 8;

/// Devices that ordinary programs open for writing.
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];

/// Puts the rights on this thread and all it will start.
pub(super) fn put_on(plan: &Plan) -> Result<(), Refusal> {
    let failed = |error: &io::Error| Layer::FileRights.refused("cannot use Landlock", error);
    let version = sys::landlock_version().map_err(|error| failed(&error))?;
    if version < OLDEST {
        let error = io::Error::from_raw_os_error(libc::EOPNOTSUPP);
        return Err(
            Layer::FileRights.refused(&format!("this kernel has version {version} of Landlock"), &error)
        );
    }
    let status =
        restrict(plan, ABI::from(version.min(NEWEST))).map_err(|error| failed(&io::Error::other(error)))?;
    if status == RulesetStatus::FullyEnforced {
        Ok(())
    } else {
        Err(Layer::FileRights.broken("Landlock did not put on all of it"))
    }
}

fn restrict(plan: &Plan, version: ABI) -> Result<RulesetStatus, RulesetError> {
    let writing = AccessFs::from_write(version);
    let handled = writing | AccessFs::Execute;
    let mut rules =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(handled)?;
    let scopes = Scope::from_all(version);
    if !scopes.is_empty() {
        rules = rules.scope(scopes)?;
    }
    let mut rules = rules.create()?;
    let made = AccessFs::MakeChar | AccessFs::MakeBlock | devices(version);
    for path in &plan.write {
        rules = allow(rules, path, writing & !made)?;
    }
    for path in &plan.run {
        rules = allow(rules, path, AccessFs::Execute.into())?;
    }
    for path in DEVICES.map(Path::new).into_iter().filter(|path| path.exists()) {
        rules = allow(rules, path, (AccessFs::WriteFile | AccessFs::Truncate | devices(version)) & writing)?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Commands to devices, where this version knows them.
fn devices(version: ABI) -> BitFlags<AccessFs> {
    AccessFs::from_write(version) & AccessFs::IoctlDev
}

/// Adds rights below a path, or on it where it is no directory.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    // What went away since the plan was drawn needs no rights.
    let Ok(place) = PathFd::new(path) else { return Ok(rules) };
    let rights = if path.is_dir() { rights } else { rights & AccessFs::from_file(ABI::V5) };
    rules.add_rule(PathBeneath::new(place, rights))
}
