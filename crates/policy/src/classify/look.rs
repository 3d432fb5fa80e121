//! The files a command names without saying what is in them, seen through somebody else's eyes.

/// Longest file that is looked at, in bytes. A longer one counts as not there.
pub const MAX_LOOK_BYTES: u64 = 256 * 1024;

/// Looks at small text files of the workspace for the classifier, which reads no file itself.
///
/// What it sees is evidence, not proof: a file can change between the look and the run. It can only add effects to a
/// command, never take one away.
pub trait Look: std::fmt::Debug {
    /// The text of a file; `path` is absolute and without `.` and `..`.
    ///
    /// `None` for what is no regular file of at most [`MAX_LOOK_BYTES`] bytes of UTF-8, and for everything that does not
    /// lie in the workspace once links are followed. Must not wait for another process (a pipe, a device).
    fn text(&self, path: &str) -> Option<String>;
}
