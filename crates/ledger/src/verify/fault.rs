//! What can be wrong with a stored log, in words.

use std::fmt;

/// One finding. Ranges exclude their end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The entry's bytes are not those that were signed.
    Changed { index: u64 },
    /// One of these entries, or several, are not those that were signed; the true hashes are nowhere to be found.
    ChangedWithin { from: u64, to: u64 },
    /// Signed entries that are not in the store.
    Dropped { from: u64, to: u64 },
    /// A checkpoint somebody holds is of another history.
    Forked { size: u64 },
    /// An entry that was never signed stands before or at this place.
    Inserted { index: u64 },
    /// The stored leaf hash was changed; the entry is as signed.
    LeafHash { index: u64 },
    /// A row whose parts do not fit each other or its place; `first` is the index it claims.
    Malformed { first: u64 },
    /// An entry stands at `index` that was signed at `belongs_at`.
    Moved { index: u64, belongs_at: u64 },
    /// The stored root of the tree at this size was changed; the entries are as signed.
    Root { size: u64 },
    /// A stored tile is missing or is not what the entries make it.
    Tile { level: u8, index: u64 },
    /// The store ends at `size`, but there were at least `at_least` entries.
    Truncated { size: u64, at_least: u64 },
    /// The checkpoint after these entries is not signed by the ledger's key, though the one before them is: all else
    /// that can be rewritten without the key was made to fit, or the signature alone was damaged.
    Unsigned { from: u64, to: u64 },
}

// === impl Fault ===

impl Fault {
    /// The entry, or size of the tree, at which the fault shows; reports are in this order.
    pub const fn position(&self) -> u64 {
        match self {
            Self::Changed { index }
            | Self::Inserted { index }
            | Self::LeafHash { index }
            | Self::Moved { index, .. } => *index,
            Self::ChangedWithin { from, .. } | Self::Dropped { from, .. } | Self::Unsigned { from, .. } => {
                *from
            }
            Self::Forked { size } | Self::Root { size } | Self::Truncated { size, .. } => *size,
            Self::Malformed { first } => *first,
            Self::Tile { level, index } => index.saturating_mul(256_u64.saturating_pow(*level as u32 + 1)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { index } => write!(f, "entry {index} was changed"),
            Self::ChangedWithin { from, to } => {
                write!(
                    f,
                    "{} changed; the hashes that would tell more were changed too",
                    range(*from, *to, "was", "were")
                )
            }
            Self::Dropped { from, to } => write!(f, "{} missing", range(*from, *to, "is", "are")),
            Self::Forked { size } => {
                write!(f, "the checkpoint you hold at size {size} is of another history than this log")
            }
            Self::Inserted { index } => write!(f, "an entry that was never signed stands at {index}"),
            Self::LeafHash { index } => {
                write!(f, "the stored hash of entry {index} was changed; the entry itself is as signed")
            }
            Self::Malformed { first } => {
                write!(f, "the row that claims to begin at entry {first} is damaged")
            }
            Self::Moved { index, belongs_at } => {
                write!(f, "the entry that stands at {index} was signed at {belongs_at}: reordered")
            }
            Self::Root { size } => {
                write!(f, "the stored root at size {size} was changed; the entries are as signed")
            }
            Self::Tile { level, index } => {
                write!(f, "tile {index} of level {level} is missing or was changed")
            }
            Self::Truncated { size, at_least } => {
                write!(
                    f,
                    "the log ends at {size}, but there were at least {at_least} entries: its tail was cut off"
                )
            }
            Self::Unsigned { from, to } => write!(
                f,
                "the checkpoint after entries {from} to {} is not signed by the ledger's key: something was changed among them",
                to.saturating_sub(1)
            ),
        }
    }
}

fn range(from: u64, to: u64, one: &str, many: &str) -> String {
    if to == from + 1 {
        format!("entry {from} {one}")
    } else {
        format!("entries {from} to {} {many}", to - 1)
    }
}
