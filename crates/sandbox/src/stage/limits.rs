//! Bounds on what one task takes of the machine.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit};

use crate::layer::{Layer, Refusal};
use crate::limits::{PROCESSES, numbers_are_own};

/// How willingly the kernel ends what runs inside when memory runs out: before all that the user runs outside.
const FIRST_TO_GO: &str = "900";

/// Puts the bounds on this process and all it will start.
pub(super) fn put_on() -> Result<(), Refusal> {
    let failed = |what: &str, error: io::Error| Layer::Limits.refused(what, &error);
    // A dump of memory would be written by root, to where the system says, with what the client had in memory.
    bound(Resource::Core, 0).map_err(|error| failed("cannot forbid core dumps", error))?;
    bound(Resource::Nproc, PROCESSES)
        .map_err(|error| failed("cannot bound the number of processes", error))?;
    fs::write("/proc/self/oom_score_adj", FIRST_TO_GO)
        .map_err(|error| failed("cannot volunteer for an end when memory runs out", error))
}

/// Bounds the numbers of processes in this process namespace, and so the processes, whoever starts them. Only where the
/// setting is the namespace's own: before, root would change it for the whole machine.
pub(super) fn bound_numbers() -> Result<(), Refusal> {
    if !numbers_are_own() {
        return Ok(());
    }
    fs::write("/proc/sys/kernel/pid_max", PROCESSES.to_string())
        .map_err(|error| Layer::Limits.refused("cannot bound the numbers of processes", &error))
}

/// Lowers a limit; one that is lower already stays.
fn bound(resource: Resource, most: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    Ok(rustix::process::setrlimit(
        resource,
        Rlimit { current: lower(now.current), maximum: lower(now.maximum) },
    )?)
}
