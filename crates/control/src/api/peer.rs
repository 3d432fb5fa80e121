//! Who is at the other end of the control socket.

use writ_model::{Human, Label};

/// A process that connected, as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    /// 0 when the process lives in a pid namespace that cannot be seen from here.
    pub pid: u32,
}

/// Tells people and supervisors from agents. The user id has been looked at already; this looks at where the process
/// stands: in the same user, pid and mount namespaces as the control plane, and not below an agent.
pub trait PeerCheck: Send + Sync + 'static {
    /// # Errors
    /// The process may not speak here, or nobody can say where it stands.
    fn check(&self, peer: &Peer) -> Result<(), PeerRefused>;
}

/// Why a process may not speak to the control plane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerRefused {
    #[error("the control plane of another user does not answer")]
    OtherUser,
    #[error("a process in a sandbox cannot speak to the control plane")]
    Inside,
    #[error("a process that an agent started cannot speak to the control plane")]
    BelowAgent,
    #[error("nobody can say what process this is")]
    Unknown,
}

// === impl Peer ===

impl Peer {
    /// The person that the operating system knows the process by.
    pub fn human(&self) -> Human {
        Human(Label::lossy(&format!("uid:{}", self.uid)))
    }
}
