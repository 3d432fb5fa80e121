//! Values that were lent in this run: what must not leave again, nor come back.

use std::sync::{Arc, Mutex, PoisonError};

use writ_model::{Label, Secret};

use super::find::Needles;
use super::port::{Placeholder, Tripwire};
use super::watch::{Meant, Seen};

/// Shortest value that is looked for. Shorter ones stand in any text by chance.
const MIN_VALUE_BYTES: usize = 6;
/// Values that are remembered. Renewed ones push the oldest out.
const MAX_VALUES: usize = 128;

/// What was lent, oldest first.
#[derive(Default)]
pub(super) struct LentValues(Mutex<Vec<Value>>);

struct Value {
    name: Label,
    /// What the agent sees in its place.
    placeholder: String,
    value: Secret,
}

// === impl LentValues ===

impl LentValues {
    pub(super) fn remember(&self, name: &Label, placeholder: &str, value: &Secret) {
        // Safe: it is compared and kept, in memory that is zeroed.
        let text = value.expose();
        if text.len() < MIN_VALUE_BYTES {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.iter().any(|one| one.value.expose() == text) {
            return;
        }
        if all.len() >= MAX_VALUES {
            all.remove(0);
        }
        let (name, placeholder) = (name.clone(), placeholder.to_owned());
        all.push(Value { name, placeholder, value: Secret::new(text.to_owned()) });
    }

    /// What comes back is looked through for these, and gets the placeholder in their place. `None`: nothing was lent.
    pub(super) fn redactions(&self) -> Option<Arc<Needles>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut needles = Needles::default();
        for (tag, one) in all.iter().enumerate() {
            // Safe: it is looked for, so that it is not shown.
            let text = one.value.expose();
            needles.add(tag, text.as_bytes(), one.placeholder.as_bytes());
            needles.add(tag, super::lend::encoded(text).as_bytes(), one.placeholder.as_bytes());
            needles.add_written(tag, text, b"redacted");
            needles.add_encoded(tag, text.as_bytes(), b"redacted");
        }
        (!needles.is_empty()).then(|| Arc::new(needles))
    }

    /// What leaves is looked through for these: placeholders, but those that are put into this very body, and values.
    pub(super) fn watch(
        &self,
        placeholders: &[Placeholder],
        puts: &[(usize, Secret)],
        tripwire: Option<Arc<dyn Tripwire>>,
    ) -> Seen {
        let mut needles = Needles::default();
        let mut meant = Vec::new();
        for (index, placeholder) in placeholders.iter().enumerate() {
            if placeholder.text.len() < super::MIN_PLACEHOLDER_BYTES {
                continue;
            }
            let text = placeholder.text.as_bytes();
            match puts.iter().find(|(put, _)| *put == index) {
                Some((_, value)) => {
                    // Safe: it goes into the body for the host that it is for.
                    needles.add(meant.len(), text, value.expose().as_bytes());
                    meant.push(Meant::Put);
                }
                None => {
                    needles.add(meant.len(), text, b"");
                    needles.add_encoded(meant.len(), text, b"");
                    needles.add_written(meant.len(), &placeholder.text, b"");
                    meant.push(Meant::Placeholder(placeholder.name.clone()));
                }
            }
        }
        for one in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // Safe: it is looked for, so that it does not leave.
            let text = one.value.expose();
            needles.add(meant.len(), text.as_bytes(), b"");
            needles.add_written(meant.len(), text, b"");
            needles.add_encoded(meant.len(), text.as_bytes(), b"");
            meant.push(Meant::Value(one.name.clone()));
        }
        Seen::new(Arc::new(needles), meant.into(), tripwire)
    }
}
