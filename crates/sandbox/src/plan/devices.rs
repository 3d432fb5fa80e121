//! The device nodes that a client has: a list, so that a camera, a disk, a microphone or somebody's terminal is absent
//! whoever may open it outside.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::{Devices, PlanError, Target};

/// Where device nodes are.
pub(crate) const DEVICES: &str = "/dev";

/// What ordinary programs open. Terminals are made anew inside.
const NODES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// The nodes of [`NODES`] that this machine has.
pub(super) fn of_host() -> Result<Devices, PlanError> {
    let mut nodes = Vec::new();
    for name in NODES {
        let path: PathBuf = Path::new(DEVICES).join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_char_device()) {
            nodes.push(Target::at(path)?);
        }
    }
    Ok(Devices { nodes })
}
