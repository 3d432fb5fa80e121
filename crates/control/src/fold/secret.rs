//! Sealed credentials in the fold: names, commitments and times. Never a value.

use serde::{Deserialize, Serialize};
use writ_model::{Actor, ControlEvent, Digest, Human, Label, SecretId, TaskId, Timestamp};

use super::{FoldError, State};

/// A credential that may be lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    pub id: SecretId,
    pub name: Label,
    /// Commitment to where it may go, and for whom.
    pub binding: Digest,
    /// Commitment to the value that counts.
    pub value: Digest,
    /// Rises with each value: each has a subject of its own in the vault, so that each can be erased.
    pub version: u64,
    pub added_by: Option<Human>,
    pub added_at: Timestamp,
    pub rotated_at: Option<Timestamp>,
    pub last_lent_at: Option<Timestamp>,
    /// The task that it was lent under last.
    pub last_lent_to: Option<TaskId>,
}

// === impl Sealed ===

impl Sealed {
    pub(super) fn new(
        id: SecretId,
        name: Label,
        binding: Digest,
        value: Digest,
        by: &Actor,
        at: Timestamp,
    ) -> Self {
        let added_by = match by {
            Actor::Human(human) => Some(human.clone()),
            Actor::Supervisor(_) | Actor::ControlPlane => None,
        };
        Self {
            id,
            name,
            binding,
            value,
            version: 1,
            added_by,
            added_at: at,
            rotated_at: None,
            last_lent_at: None,
            last_lent_to: None,
        }
    }

    /// Whose binding it is, in the vault.
    pub fn binding_subject(id: SecretId) -> Label {
        Label::lossy(&id.to_string())
    }

    /// Whose value it is, in the vault.
    pub fn value_subject(id: SecretId, version: u64) -> Label {
        Label::lossy(&format!("{id}.{version}"))
    }
}

// === impl State ===

impl State {
    /// Credentials that may be lent, by name.
    pub fn secrets(&self) -> impl Iterator<Item = &Sealed> {
        self.secrets.values()
    }

    pub fn secret(&self, name: &Label) -> Option<&Sealed> {
        self.secrets.get(name)
    }

    /// Subjects of the vault that were given up and are not known to be erased yet.
    pub fn unerased(&self) -> impl Iterator<Item = &Label> {
        self.unerased.iter()
    }

    pub(super) fn add_secret(&mut self, sealed: Sealed) -> Result<(), FoldError> {
        if self.secrets.contains_key(&sealed.name) {
            return Err(FoldError::SecretExists(sealed.name));
        }
        self.secrets.insert(sealed.name.clone(), sealed);
        Ok(())
    }

    pub(super) fn rotate_secret(
        &mut self,
        id: SecretId,
        name: &Label,
        value: Digest,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        let sealed = self.sealed_mut(id, name)?;
        let old = Sealed::value_subject(id, sealed.version);
        sealed.version += 1;
        sealed.value = value;
        sealed.rotated_at = Some(at);
        self.unerased.insert(old);
        Ok(())
    }

    pub(super) fn remove_secret(&mut self, id: SecretId, name: &Label) -> Result<(), FoldError> {
        let version = self.sealed_mut(id, name)?.version;
        self.secrets.remove(name);
        self.unerased.extend([Sealed::binding_subject(id), Sealed::value_subject(id, version)]);
        Ok(())
    }

    pub(super) fn lend_secret(&mut self, task: TaskId, name: &Label, at: Timestamp) -> Result<(), FoldError> {
        let sealed = self.secrets.get_mut(name).ok_or_else(|| FoldError::UnknownSecret(name.clone()))?;
        sealed.last_lent_at = Some(at);
        sealed.last_lent_to = Some(task);
        self.live_mut(task)?.lent.insert(name.clone());
        Ok(())
    }

    fn sealed_mut(&mut self, id: SecretId, name: &Label) -> Result<&mut Sealed, FoldError> {
        let sealed = self.secrets.get_mut(name).filter(|sealed| sealed.id == id);
        sealed.ok_or_else(|| FoldError::UnknownSecret(name.clone()))
    }
}

/// Whether an event looks at the sealed credentials or changes them.
pub(super) const fn concerns(event: &ControlEvent) -> bool {
    matches!(
        event,
        ControlEvent::SecretAdded { .. }
            | ControlEvent::SecretRotated { .. }
            | ControlEvent::SecretRemoved { .. }
            | ControlEvent::CredentialLent { .. }
    )
}
