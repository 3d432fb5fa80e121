//! Proof that an entry is in the record, which the doors ask for before an effect may leave.

use crate::storage::Durability;
use crate::stream::Stream;

/// One entry was appended. Cannot be built but by the two constructors named for where the knowledge comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Survives the death of the process; on stable storage within [`crate::storage::WRITTEN_SYNCED_WITHIN`].
    Written(WrittenReceipt),
    /// On stable storage.
    Synced(SyncedReceipt),
}

#[derive(Debug, PartialEq, Eq)]
pub struct WrittenReceipt(Recorded);

#[derive(Debug, PartialEq, Eq)]
pub struct SyncedReceipt(Recorded);

#[derive(Debug, PartialEq, Eq)]
struct Recorded {
    stream: Stream,
    index: u64,
    tree_size: u64,
}

// === impl Receipt ===

impl Receipt {
    /// For storage engines only, after the entry has reached what `durability` promises.
    pub const fn from_append_path(
        durability: Durability,
        stream: Stream,
        index: u64,
        tree_size: u64,
    ) -> Self {
        let recorded = Recorded { stream, index, tree_size };
        match durability {
            Durability::Written => Self::Written(WrittenReceipt(recorded)),
            Durability::Synced => Self::Synced(SyncedReceipt(recorded)),
        }
    }

    /// For the client of a control plane only: repeats the receipt that the control plane sent over its socket.
    pub const fn from_control_plane(
        durability: Durability,
        stream: Stream,
        index: u64,
        tree_size: u64,
    ) -> Self {
        Self::from_append_path(durability, stream, index, tree_size)
    }

    pub const fn durability(&self) -> Durability {
        match self {
            Self::Written(_) => Durability::Written,
            Self::Synced(_) => Durability::Synced,
        }
    }

    pub const fn stream(&self) -> Stream {
        self.recorded().stream
    }

    /// Index of the entry in its stream.
    pub const fn index(&self) -> u64 {
        self.recorded().index
    }

    /// Size of the stream's tree after the commit that holds the entry.
    pub const fn tree_size(&self) -> u64 {
        self.recorded().tree_size
    }

    const fn recorded(&self) -> &Recorded {
        match self {
            Self::Written(WrittenReceipt(recorded)) | Self::Synced(SyncedReceipt(recorded)) => recorded,
        }
    }
}
