//! How much one task may take of the machine.

/// Most processes and threads inside. The bound is the kernel's for the yard's own user namespace, and does not hold for
/// root.
pub(crate) const PROCESSES: u64 = 8192;

/// Most bytes of each private directory, and of what is changed in copies.
pub const PRIVATE_BYTES: u64 = 2 << 30;

/// Most files of the same.
pub(crate) const PRIVATE_FILES: u64 = 400_000;
