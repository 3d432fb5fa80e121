//! Who of the people that agents belong to is still there.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

use writ_model::Human;
use writ_scan::walk::read_regular;

/// Longest table of users that is read, in bytes.
const MAX_TABLE_BYTES: usize = 8 << 20;
/// Numbers that a person's entry in the table has. systemd gives out others without one.
const OF_PEOPLE: RangeInclusive<u32> = 1_000..=60_000;

/// Users of this machine, as far as they can be told.
pub(super) struct Users {
    known: BTreeSet<u32>,
    /// Numbers that only the table gives out.
    judged: RangeInclusive<u32>,
}

/// Users of this machine; nothing where others than those in its own table may be users too.
pub(super) fn users() -> Option<Users> {
    let text = |path: &str| {
        let bytes = read_regular(Path::new(path), MAX_TABLE_BYTES).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let mut users = Users::of(&text("/etc/nsswitch.conf").unwrap_or_default(), &text("/etc/passwd")?)?;
    // Who runs this is there, whatever the table says.
    users.known.insert(rustix::process::getuid().as_raw());
    Some(users)
}

// === impl Users ===

impl Users {
    /// By what nsswitch.conf(5) and passwd(5) say.
    fn of(switch: &str, table: &str) -> Option<Self> {
        let sources = switch.lines().find_map(|line| line.trim().strip_prefix("passwd:")).unwrap_or("files");
        let mut judged = 0..=u32::MAX;
        for source in sources.split_whitespace() {
            match source {
                "files" | "compat" => {}
                "systemd" => judged = OF_PEOPLE,
                _ => return None,
            }
        }
        // `+` takes in a table of somebody else's.
        if table.lines().any(|line| line.starts_with('+')) {
            return None;
        }
        let known = table.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect();
        Some(Self { known, judged })
    }

    /// Whether a user of this machine is there no more. Who cannot be told is not called gone.
    pub(super) fn lack(&self, human: &Human) -> bool {
        let id = human.0.as_str().strip_prefix("uid:").and_then(|id| id.parse().ok());
        id.is_some_and(|id| self.judged.contains(&id) && !self.known.contains(&id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_must_be_in_the_table_can_be_gone() {
        let table = "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n";
        for (switch, table, id, expected) in [
            ("", table, "uid:1001", Some(true)),
            ("passwd: files\n", table, "uid:1000", Some(false)),
            ("passwd:\tfiles systemd\n", table, "uid:1001", Some(true)),
            ("passwd: files systemd\n", table, "uid:61500", Some(false)),
            ("passwd: files sss\n", table, "uid:1001", None),
            ("passwd: compat\n", "root:x:0:0::/:/bin/sh\n+::::::\n", "uid:1001", None),
            ("passwd: files\n", table, "somebody@example.org", Some(false)),
            ("passwd: files\n", table, "uid:x", Some(false)),
        ] {
            let users = Users::of(switch, table);
            let gone = users.map(|users| users.lack(&Human(id.parse().unwrap())));
            assert_eq!(gone, expected, "{switch} {id}");
        }
    }
}
