//! A control group of the yard's own, where the system lets this user make one (cgroup v2; Linux,
//! Documentation/admin-guide/cgroup-v2.rst, "Delegation"): a bound on processes that holds for root too, a bound on
//! memory, and an end for all that is in it with one word.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
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
    /// Most bytes of memory that is swapped out, where the kernel counts these.
    swap_bytes: u64,
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
        if !is_delegated(root, &around) {
            return None;
        }
        let members = around.join("cgroup.procs");
        let may_make = [around.as_path(), &members]
            .iter()
            .all(|path| rustix::fs::access(*path, rustix::fs::Access::WRITE_OK).is_ok());
        if !has("pids") || !may_make {
            return None;
        }
        let share = |name: &str| {
            let total = memory.lines().find_map(|line| {
                line.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
            });
            total.and_then(|kibibytes| Some(kibibytes.checked_mul(1024)? / 100 * MEMORY_PERCENT))
        };
        let memory_bytes = share("MemTotal:").filter(|_| has("memory"));
        Some(Self { around, memory_bytes, swap_bytes: share("SwapTotal:").unwrap_or(0) })
    }

    /// Makes the group with its bounds, for the process `first` and all that it will start.
    ///
    /// # Errors
    /// When the system does not let it, though it said that it would.
    pub(crate) fn make(&self, first: i32) -> io::Result<Group> {
        let group = Group { path: self.around.join(format!("writ-{first}")) };
        fs::create_dir(&group.path)?;
        self.bound(&group, first)?;
        Ok(group)
    }

    fn bound(&self, group: &Group, first: i32) -> io::Result<()> {
        group.put("pids.max", &PROCESSES.to_string())?;
        if let Some(bytes) = self.memory_bytes {
            group.put("memory.max", &bytes.to_string())?;
            match group.put("memory.swap.max", &self.swap_bytes.to_string()) {
                // Not in kernels that do not count what is swapped out.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                put => put?,
            }
        }
        group.put("cgroup.procs", &first.to_string())
    }
}

/// Whether a group was handed over to this user, or to a service that this process is a part of: it is an ordinary user's
/// own, or somebody marked it or one around it (systemd, "Control Group APIs and Delegation", `user.delegate` and
/// `trusted.delegate`). In a session's scope root may write and was handed nothing: there the service manager makes groups.
fn is_delegated(root: &Path, group: &Path) -> bool {
    let user = rustix::process::geteuid();
    let is_own = group.metadata().is_ok_and(|found| MetadataExt::uid(&found) == user.as_raw());
    let is_marked = |group: &Path| {
        ["user.delegate", "trusted.delegate"].iter().any(|name| {
            let mut value = [0_u8; 8];
            rustix::fs::getxattr(group, *name, &mut value).is_ok_and(|size| value.get(..size) == Some(b"1"))
        })
    };
    is_own && !user.is_root()
        || group.ancestors().take_while(|group| group.starts_with(root) && *group != root).any(is_marked)
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

    const MEMORY: &str = "MemTotal:       24000000 kB\nMemFree: 1 kB\nSwapTotal: 1000 kB\n";

    fn around(root: &Path, given: &str) {
        let around = root.join("user.slice/app.slice");
        fs::create_dir_all(around.join("me.scope")).unwrap();
        fs::write(around.join("cgroup.subtree_control"), given).unwrap();
        fs::write(around.join("cgroup.procs"), "").unwrap();
    }

    /// As the service manager does for a user's own manager.
    fn hand_over(root: &Path) {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(root.join("user.slice"), "user.delegate", b"1", flags).unwrap();
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
            if rustix::process::geteuid().is_root() && wanted.is_none() {
                assert_eq!(found(own), None, "nobody handed it over");
            }
            hand_over(root.path());
            assert_eq!(found(own).map(|plan| plan.memory_bytes), wanted, "{given}");
        }
        for own in ["0::/", "0::/../x/y", "0::/user.slice/../../etc/x", "", "1:pids:/user.slice/app.slice/x"]
        {
            assert_eq!(found(own), None, "{own}");
        }
    }

    #[test]
    fn what_a_group_is_bounded_by_is_written_into_it() {
        let root = tempfile::tempdir().unwrap();
        for name in ["pids.max", "memory.max", "memory.swap.max", "cgroup.procs"] {
            fs::create_dir_all(root.path().join("writ-7")).unwrap();
            fs::write(root.path().join("writ-7").join(name), "").unwrap();
        }
        let plan = GroupPlan { around: root.path().to_owned(), memory_bytes: Some(5), swap_bytes: 0 };
        plan.bound(&Group { path: root.path().join("writ-7") }, 7).unwrap();
        let read = |name: &str| fs::read_to_string(root.path().join("writ-7").join(name)).unwrap();
        assert_eq!(
            (read("memory.max"), read("memory.swap.max"), read("cgroup.procs")),
            ("5".into(), "0".into(), "7".into())
        );
    }

    /// What the kernel makes by itself is not there in a plain folder, so that the bounds cannot be put on: then
    /// nothing is put into the group, and the group goes.
    #[test]
    fn a_group_without_bounds_is_none() {
        let root = tempfile::tempdir().unwrap();
        around(root.path(), "memory pids");
        hand_over(root.path());
        let plan = GroupPlan::found(root.path(), "0::/user.slice/app.slice/me.scope", MEMORY).unwrap();
        assert_eq!(plan.make(1).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!plan.around.join("writ-1").exists());
    }
}
