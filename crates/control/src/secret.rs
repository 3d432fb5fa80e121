//! Sealed credentials of people: kept in the vault, lent by the egress proxy at the moment of sending.
//!
//! Binding and value lie beside the log, each sealed under a subject of its own (AES-256-GCM, the subject and the
//! commitment in the log as associated data), and the value says again which name and binding it belongs to. So a row
//! that was changed, or exchanged for another one, opens as an error and never as a value. Rotating and removing are
//! recorded first and erase then; what a crash left is erased by the next sweep.
//!
//! Deliberately absent: any answer with a value but `secret.lend`, which needs the living writ of a governed task.

use serde::{Deserialize, Serialize};
use writ_ledger::Commitment;
use writ_ledger::vault::Opened;
use writ_model::{Actor, ControlEvent, Digest, Human, Label, SecretId, Supervision};
use zeroize::Zeroizing;

use crate::api::ErrorCode;
use crate::api::message::{
    MAX_BOUND, MAX_SECRET_BYTES, MIN_SECRET_BYTES, Placing, SealedText, SecretAdd, SecretBinding, SecretLend,
    SecretLent, SecretList, SecretRemove, SecretRotate, SecretView, Secrets, Shape,
};
use crate::fold::Sealed;
use crate::identity::person;
use crate::office::{Change, Desk, Office, OfficeError, subject_of};

/// Most sealed credentials at once.
const MAX_SECRETS: usize = 256;
/// Shortest part of a placeholder that nobody can guess.
pub(crate) const MIN_RANDOM_BYTES: usize = 16;
/// Longest placeholder.
const MAX_SHAPE_BYTES: usize = 256;
/// Longest method, path, header, part of a query or variable.
const MAX_NAME_BYTES: usize = 256;

/// Why an operation on a sealed credential was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret `{0}`")]
    Unknown(Label),
    #[error("there is a secret `{0}` already")]
    Taken(Label),
    #[error("there are {MAX_SECRETS} secrets already")]
    TooMany,
    #[error(
        "the value is shorter than {MIN_SECRET_BYTES} bytes, so it could not be found in what comes back"
    )]
    TooShort,
    #[error("the value is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    #[error(
        "the value holds a line break or another control character, which fits into no header and no address"
    )]
    Control,
    #[error("the value is no `ACCESS_KEY_ID:SECRET_KEY`")]
    NotAws,
    #[error("a secret is bound to at least one host")]
    NoHost,
    #[error("`{0}` is every host, or every host of a country or a trade")]
    Everywhere(String),
    #[error("a list of the binding is longer than {MAX_BOUND}")]
    LongList,
    #[error("`{0}` is no {1}")]
    Malformed(String, &'static str),
    #[error("secret `{0}` is not for this agent and kind of task")]
    NotFor(Label),
    #[error("a secret is lent to governed tasks only")]
    NotGoverned,
    #[error("what is kept of secret `{0}` is not what was sealed: the store was changed")]
    Changed(Label),
}

/// What is sealed as the value.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inside {
    name: Label,
    binding: Digest,
    value: SealedText,
}

// === impl Office ===

impl Office {
    /// `secret.add`
    pub fn secret_add(&self, by: &Human, ask: &SecretAdd) -> Result<SecretView, OfficeError> {
        let SecretAdd { name, binding, value } = ask;
        check_binding(binding)?;
        check_value(value, &binding.placing)?;
        let mut desk = self.desk();
        let now = self.now();
        {
            let state = self.state();
            if state.secret(name).is_some() {
                return Err(SecretError::Taken(name.clone()).into());
            }
            if state.secrets().count() >= MAX_SECRETS {
                return Err(SecretError::TooMany.into());
            }
        }
        let secret = self.fresh(now, SecretId::new)?;
        let text = serde_json::to_string(binding).map_err(|_| SecretError::LongList)?;
        let (bound, bound_payload) = self.seal(&Sealed::binding_subject(secret), &text)?;
        let (sealed, payload) = self.seal_value(secret, 1, name, bound, value)?;
        let event = ControlEvent::SecretAdded { secret, name: name.clone(), binding: bound, value: sealed };
        let change = Change::new(now, person(by), vec![event]);
        self.commit(&mut desk, Change { payloads: vec![bound_payload, payload], ..change })?;
        drop(desk);
        self.secret_view_of(name)
    }

    /// `secret.list`
    pub fn secret_list(&self, ask: &SecretList) -> Result<Secrets, OfficeError> {
        let found: Vec<Sealed> = self.state_at(ask.at)?.secrets().cloned().collect();
        Ok(Secrets { secrets: found.into_iter().map(|sealed| self.secret_view(sealed)).collect() })
    }

    /// `secret.rotate`: what is sent from here on has the new value.
    pub fn secret_rotate(&self, by: &Human, ask: &SecretRotate) -> Result<SecretView, OfficeError> {
        let SecretRotate { name, value } = ask;
        let mut desk = self.desk();
        let now = self.now();
        let sealed = self.kept(name)?;
        let binding = self.binding(&sealed)?;
        check_value(value, &binding.placing)?;
        let (commitment, payload) =
            self.seal_value(sealed.id, sealed.version + 1, name, sealed.binding, value)?;
        let event = ControlEvent::SecretRotated { secret: sealed.id, name: name.clone(), value: commitment };
        let change = Change::new(now, person(by), vec![event]);
        self.commit(&mut desk, Change { payloads: vec![payload], ..change })?;
        self.erase_given_up(&mut desk)?;
        drop(desk);
        self.secret_view_of(name)
    }

    /// `secret.remove`: nothing is lent from the moment that it is recorded. A store that was changed does not keep
    /// anybody from it.
    pub fn secret_remove(&self, by: &Human, ask: &SecretRemove) -> Result<SecretView, OfficeError> {
        let mut desk = self.desk();
        let sealed = self.kept(&ask.name)?;
        let view = self.secret_view(sealed.clone());
        let event = ControlEvent::SecretRemoved { secret: sealed.id, name: sealed.name };
        self.commit(&mut desk, Change::new(self.now(), person(by), vec![event]))?;
        self.erase_given_up(&mut desk)?;
        Ok(view)
    }

    /// `secret.lend`: the value, as long as writ, task, agent and secret are in force. That it is lent under this task
    /// is on record before it is given.
    pub fn secret_lend(&self, ask: &SecretLend) -> Result<SecretLent, OfficeError> {
        let SecretLend { writ, name } = ask;
        let (sealed, task, is_first) = self.lendable(writ, name)?;
        if is_first {
            let mut desk = self.desk();
            // Another request of the task may have been first.
            if self.lendable(writ, name)?.2 {
                let event = ControlEvent::CredentialLent { task, name: name.clone() };
                self.commit(&mut desk, Change::new(self.now(), Actor::Supervisor(task), vec![event]))?;
            }
        }
        let value = self.value(&sealed)?;
        // What was revoked or removed while this was read is not given any more.
        let _passing = self.passing();
        let (again, ..) = self.lendable(writ, name)?;
        if again.value != sealed.value {
            return Ok(SecretLent { value: self.value(&again)? });
        }
        Ok(SecretLent { value })
    }

    /// The secret and the task that may have it, and whether the task had it never before.
    fn lendable(
        &self,
        writ: &crate::api::message::WritToken,
        name: &Label,
    ) -> Result<(Sealed, writ_model::TaskId, bool), OfficeError> {
        let now = self.now();
        let (sealed, agent, task, is_first) = {
            let state = self.state();
            let record = self.open_task_of(&state, writ, now)?;
            self.in_force(&state, record, now)?;
            match record.task.supervision {
                Supervision::Governed => {}
                Supervision::Hooked => return Err(SecretError::NotGoverned.into()),
            }
            let sealed = state.secret(name).ok_or_else(|| SecretError::Unknown(name.clone()))?;
            let agent = state.agent(record.task.agent).map(|agent| agent.registration.name.clone());
            (sealed.clone(), agent, record.task.clone(), !record.lent.contains(name))
        };
        let binding = self.binding(&sealed)?;
        if !agent.is_some_and(|agent| binding.is_for(&agent, task.kind)) {
            return Err(SecretError::NotFor(name.clone()).into());
        }
        Ok((sealed, task.id, is_first))
    }

    /// Erases what was given up, and records that it was. Repeating it does no harm.
    pub(crate) fn erase_given_up(&self, desk: &mut Desk) -> Result<(), OfficeError> {
        let given_up: Vec<Label> = self.state().unerased().cloned().collect();
        for subject in given_up {
            self.ledger().erase(&subject_of(&subject)?)?;
            let events = vec![ControlEvent::PayloadsErased { subject }];
            self.commit(desk, Change::new(self.now(), Actor::ControlPlane, events))?;
        }
        Ok(())
    }

    fn seal_value(
        &self,
        secret: SecretId,
        version: u64,
        name: &Label,
        binding: Digest,
        value: &SealedText,
    ) -> Result<(Digest, writ_ledger::Payload), OfficeError> {
        let inside = Inside { name: name.clone(), binding, value: value.clone() };
        let text = Zeroizing::new(serde_json::to_string(&inside).map_err(|_| SecretError::TooLong)?);
        self.seal(&Sealed::value_subject(secret, version), &text)
    }

    fn kept(&self, name: &Label) -> Result<Sealed, OfficeError> {
        let found = self.state().secret(name).cloned();
        Ok(found.ok_or_else(|| SecretError::Unknown(name.clone()))?)
    }

    fn secret_view_of(&self, name: &Label) -> Result<SecretView, OfficeError> {
        Ok(self.secret_view(self.kept(name)?))
    }

    fn secret_view(&self, sealed: Sealed) -> SecretView {
        let binding = self.binding(&sealed).ok();
        let intact = binding.is_some() && self.value(&sealed).is_ok();
        SecretView {
            name: sealed.name,
            binding,
            intact,
            added_by: sealed.added_by,
            added_at: sealed.added_at,
            rotated_at: sealed.rotated_at,
            last_lent_at: sealed.last_lent_at,
            last_lent_to: sealed.last_lent_to,
        }
    }

    fn binding(&self, sealed: &Sealed) -> Result<SecretBinding, SecretError> {
        let changed = || SecretError::Changed(sealed.name.clone());
        let text = self.unsealed(sealed.binding).ok_or_else(changed)?;
        serde_json::from_slice(&text).map_err(|_| changed())
    }

    fn value(&self, sealed: &Sealed) -> Result<SealedText, SecretError> {
        let changed = || SecretError::Changed(sealed.name.clone());
        let text = self.unsealed(sealed.value).ok_or_else(changed)?;
        let Inside { name, binding, value } = serde_json::from_slice(&text).map_err(|_| changed())?;
        if name == sealed.name && binding == sealed.binding { Ok(value) } else { Err(changed()) }
    }

    fn unsealed(&self, commitment: Digest) -> Option<Zeroizing<Vec<u8>>> {
        match self.ledger().payload(&Commitment::from_bytes(*commitment.as_bytes())) {
            Ok(Some(Opened::Payload(bytes))) => Some(bytes),
            Ok(Some(Opened::Erased) | None) => None,
            Err(error) => {
                tracing::error!(%commitment, %error, "a sealed credential cannot be read");
                None
            }
        }
    }
}

// === impl SecretError ===

impl SecretError {
    pub(crate) const fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown(_) => ErrorCode::NotFound,
            Self::Changed(_) => ErrorCode::Integrity,
            Self::TooMany => ErrorCode::LimitReached,
            Self::Taken(_)
            | Self::TooShort
            | Self::TooLong
            | Self::Control
            | Self::NotAws
            | Self::NoHost
            | Self::Everywhere(_)
            | Self::LongList
            | Self::Malformed(..)
            | Self::NotFor(_)
            | Self::NotGoverned => ErrorCode::Refused,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("`writ secret list` lists them".to_owned()),
            Self::Taken(name) => Some(format!(
                "`writ secret rotate {name}` gives it another value, `writ secret remove` ends it"
            )),
            Self::Everywhere(_) => Some("name the host that the credential is for".to_owned()),
            Self::Changed(name) => Some(format!(
                "run `writ audit verify`; then `writ secret remove {name}`, add it again, and renew it at its issuer"
            )),
            Self::TooMany
            | Self::TooShort
            | Self::TooLong
            | Self::Control
            | Self::NotAws
            | Self::NoHost
            | Self::LongList
            | Self::Malformed(..)
            | Self::NotFor(_)
            | Self::NotGoverned => None,
        }
    }
}

fn check_value(value: &SealedText, placing: &Placing) -> Result<(), SecretError> {
    // Safe: it is measured, and goes into the vault.
    let text = value.expose();
    if text.len() < MIN_SECRET_BYTES {
        return Err(SecretError::TooShort);
    }
    if text.len() > MAX_SECRET_BYTES {
        return Err(SecretError::TooLong);
    }
    match placing {
        Placing::Body => return Ok(()),
        Placing::Aws => {
            let mut parts = text.splitn(3, ':');
            let is_key = parts.next().is_some_and(|part| !part.is_empty())
                && parts.next().is_some_and(|part| part.len() >= MIN_SECRET_BYTES);
            if !is_key {
                return Err(SecretError::NotAws);
            }
        }
        Placing::Usual | Placing::Header(_) | Placing::Basic | Placing::Query(_) | Placing::Bearer => {}
    }
    if text.chars().any(char::is_control) { Err(SecretError::Control) } else { Ok(()) }
}

fn check_binding(binding: &SecretBinding) -> Result<(), SecretError> {
    let SecretBinding { hosts, methods, paths, placing, env, agents, kinds, shape } = binding;
    if hosts.is_empty() {
        return Err(SecretError::NoHost);
    }
    let longest = [hosts.len(), methods.len(), paths.len(), agents.len(), kinds.len()];
    if longest.into_iter().any(|length| length > MAX_BOUND) {
        return Err(SecretError::LongList);
    }
    for host in hosts {
        let below = host.as_str().strip_prefix("*.");
        let is_wide = below.is_some_and(|parent| {
            let name = parent.rsplit_once(':').map_or(parent, |(name, _)| name);
            !name.trim_matches('.').contains('.')
        });
        if host.as_str() == "*" || host.as_str().starts_with("*:") || is_wide {
            return Err(SecretError::Everywhere(host.as_str().to_owned()));
        }
    }
    let malformed = |text: &str, what| Err(SecretError::Malformed(text.chars().take(80).collect(), what));
    let token = |text: &str| {
        // RFC 9110, section 5.6.2.
        (1..=MAX_NAME_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    for method in methods {
        if !token(method) || method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return malformed(method, "method, as `GET`");
        }
    }
    for path in paths {
        if !path.starts_with('/') || path.len() > MAX_NAME_BYTES || path.contains(['?', '#', ' ']) {
            return malformed(path, "beginning of a path, as `/v1`");
        }
    }
    match placing {
        Placing::Header(name) if !token(name) => return malformed(name, "name of a header"),
        Placing::Query(key) if key.is_empty() || key.len() > MAX_NAME_BYTES => {
            return malformed(key, "part of a query");
        }
        Placing::Usual
        | Placing::Header(_)
        | Placing::Basic
        | Placing::Query(_)
        | Placing::Body
        | Placing::Bearer
        | Placing::Aws => {}
    }
    if let Some(name) = env {
        let is_name = name.len() <= MAX_NAME_BYTES
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return malformed(name, "name of a variable");
        }
    }
    if let Some(Shape { prefix, length, is_upper: _ }) = shape {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_guessable = length.saturating_sub(prefix.len()) < MIN_RANDOM_BYTES;
        if !prefix.chars().all(fits) || *length > MAX_SHAPE_BYTES || is_guessable {
            return malformed(prefix, "beginning of a placeholder with room for 16 random characters");
        }
    }
    Ok(())
}
