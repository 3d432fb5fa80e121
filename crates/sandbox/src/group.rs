//! A control group of the yard's own, where the system lets this user make one (cgroup v2; Linux,
//! Documentation/admin-guide/cgroup-v2.rst, "Delegation"): a bound on processes that holds for root too, a bound on
//! memory, and an end for all that is in it with one word.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::limits::PROCESSES;

/// Where groups are.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// Of the machine's memory, the part that one task may have, in percent.
const MEMORY_PERCENT: u64 = 75;

/// Where a group can be made, and what it bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupPlan {
    /// The group around this process's own, in which it may make others.
    around: PathBuf,
    /// Most bytes of memory; nothing where memory is not counted here.
    pub(crate) memory_bytes: Option<u64>,
}

/// A group that was made. Dropped, all that is in it is ended and it is removed.
#[derive(Debug)]
pub(crate) struct Group {
    path: PathBuf,
}

// === impl GroupPlan ===

impl GroupPlan {
    /// What this machine lets this process do; nothing where no group is delegated to it.
    pub(crate) fn of_host() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let memory = fs::read_to_string("/proc/meminfo").ok()?;
        ROOTS.iter().find_map(|root| Self::found(Path::new(root), &own, &memory))
    }

    /// `own` and `memory` as in `/proc/self/cgroup` and `/proc/meminfo`.
    fn found(root: &Path, own: &str, memory: &str) -> Option<Self> {
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        if own.split('/').any(|part| part == "..") {
            return None;
        }
        // A group that has members hands nothing down, so the new one is put beside this process's own.
        let around = root.join(own).parent().filter(|around| around.starts_with(root))?.to_owned();
        let given = fs::read_to_string(around.join("cgroup.subtree_control")).ok()?;
        let has = |name: &str| given.split_whitespace().any(|given| given == name);
        let members = around.join("cgroup.procs");
        let may_make = [around.as_path(), &members]
            .iter()
            .all(|path| rustix::fs::access(*path, rustix::fs::Access::WRITE_OK).is_ok());
        if !has("pids") || !may_make {
            return None;
        }
        let total = memory.lines().find_map(|line| {
            line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
        let share = total.map(|kibibytes| kibibytes * 1024 / 100 * MEMORY_PERCENT);
        Some(Self { around, memory_bytes: share.filter(|_| has("memory")) })
    }

    /// Makes the group with its bounds, for the process `first` and all that it will start.
    ///
    /// # Errors
    /// When the system does not let it, though it said that it would.
    pub(crate) fn make(&self, first: i32) -> io::Result<Group> {
        let group = Group { path: self.around.join(format!("writ-{first}")) };
        fs::create_dir(&group.path)?;
        group.put("pids.max", &PROCESSES.to_string())?;
        if let Some(bytes) = self.memory_bytes {
            group.put("memory.max", &bytes.to_string())?;
        }
        group.put("cgroup.procs", &first.to_string())?;
        Ok(group)
    }
}

// === impl Group ===

impl Group {
    fn put(&self, name: &str, value: &str) -> io::Result<()> {
        // Never made anew: what is not there is not what is meant.
        let mut file = fs::OpenOptions::new().write(true).open(self.path.join(name))?;
        io::Write::write_all(&mut file, value.as_bytes())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Everything is dead by now, unless a layer failed; both fail only where nothing is left to do.
        drop(self.put("cgroup.kill", "1"));
        drop(fs::remove_dir(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: &str = "MemTotal:       24000000 kB\nMemFree: 1 kB\n";

    fn around(root: &Path, given: &str) {
        let around = root.join("user.slice/app.slice");
        fs::create_dir_all(around.join("me.scope")).unwrap();
        fs::write(around.join("cgroup.subtree_control"), given).unwrap();
        fs::write(around.join("cgroup.procs"), "").unwrap();
    }

    #[test]
    fn a_group_is_made_beside_ones_own_where_it_may_be() {
        let root = tempfile::tempdir().unwrap();
        let own = "9:pids:/x\n0::/user.slice/app.slice/me.scope\n";
        let found = |own: &str| GroupPlan::found(root.path(), own, MEMORY);
        assert_eq!(found(own), None, "nothing there");
        for (given, wanted) in
            [("cpu memory\n", None), ("pids\n", Some(None)), ("memory pids\n", Some(Some(18_432_000_000)))]
        {
            around(root.path(), given);
            assert_eq!(found(own).map(|plan| plan.memory_bytes), wanted, "{given}");
        }
        for own in ["0::/", "0::/../x/y", "0::/user.slice/../../etc/x", "", "1:pids:/user.slice/app.slice/x"]
        {
            assert_eq!(found(own), None, "{own}");
        }
    }

    /// What the kernel makes by itself is not there in a plain folder, so that the bounds cannot be put on: then
    /// nothing is put into the group, and the group goes.
    #[test]
    fn a_group_without_bounds_is_none() {
        let root = tempfile::tempdir().unwrap();
        around(root.path(), "memory pids");
        let plan = GroupPlan::found(root.path(), "0::/user.slice/app.slice/me.scope", MEMORY).unwrap();
        assert_eq!(plan.make(1).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!plan.around.join("writ-1").exists());
    }
}
