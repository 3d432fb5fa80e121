//! Giving up privileges: in the outer stage all that is not needed, in the inner stage the rest.

use std::fs;
use std::io;

use rustix::process::DumpableBehavior;
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::layer::{Layer, Refusal};

/// Keeps the one capability the inner stage needs, which mounts its process table, and closes every way to more.
pub(super) fn narrow_for_init() -> Result<(), Refusal> {
    let failed = |what: &str, error: rustix::io::Errno| Layer::Privileges.refused(what, &error.into());
    let only = CapabilitySet::SYS_ADMIN;
    // Made inheritable first: what has left the bounding set cannot be added any more.
    rustix::thread::capabilities(None)
        .and_then(|sets| rustix::thread::set_capabilities(None, CapabilitySets { inheritable: only, ..sets }))
        .map_err(|error| failed("cannot make one capability inheritable", error))?;
    empty_bounding_set()?;
    let sets = CapabilitySets { effective: only, permitted: only, inheritable: only };
    rustix::thread::set_capabilities(None, sets)
        .map_err(|error| failed("cannot reduce the capabilities", error))?;
    rustix::thread::configure_capability_in_ambient_set(only, true)
        .map_err(|error| failed("cannot hand on one capability", error))?;
    no_new_privileges()
}

/// For a client without namespaces: what an ordinary process may do to itself.
pub(super) fn narrow_without_namespaces() -> Result<(), Refusal> {
    no_new_privileges()?;
    match empty_bounding_set() {
        Ok(()) => drop_capabilities().map_err(|refusal| Refusal { layer: Layer::Privileges, ..refusal }),
        // Only a process with capabilities may shrink the set; one without has none to lose.
        Err(_) if has_no_capability() => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// Gives up every capability of this process and all it will start.
pub(super) fn drop_capabilities() -> Result<(), Refusal> {
    let failed =
        |error: rustix::io::Errno| Layer::Capabilities.refused("cannot drop the capabilities", &error.into());
    rustix::thread::clear_ambient_capability_set().map_err(failed)?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )
    .map_err(failed)
}

/// Keeps processes of the same user from tracing or reading this one.
pub(super) fn become_undumpable() -> Result<(), Refusal> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| Layer::Undumpable.refused("cannot forbid tracing", &error.into()))
}

fn no_new_privileges() -> Result<(), Refusal> {
    rustix::thread::set_no_new_privs(true)
        .map_err(|error| Layer::Privileges.refused("cannot forbid new privileges", &error.into()))
}

fn empty_bounding_set() -> Result<(), Refusal> {
    let failed = |error: io::Error| Layer::Privileges.refused("cannot empty the bounding set", &error);
    let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap").map_err(failed)?;
    let last: u32 = last
        .trim()
        .parse()
        .ok()
        .filter(|last| *last < u64::BITS)
        .ok_or_else(|| Layer::Privileges.broken("the kernel's number of capabilities has no meaning"))?;
    for number in 0..=last {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        rustix::thread::remove_capability_from_bounding_set(capability)
            .map_err(|error| failed(error.into()))?;
    }
    Ok(())
}

fn has_no_capability() -> bool {
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.permitted.is_empty())
}
