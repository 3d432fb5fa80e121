//! The data keys in use, unwrapped once and kept in memory while their subjects are active.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use writ_ledger::SubjectId;
use writ_ledger::vault::DataKey;

/// Keys kept unwrapped. A key that falls out is read and unwrapped again when it is next needed.
const MAX_CACHED: usize = 1024;

/// Guards the map for the time of a look-up; no input or output happens under the lock.
#[derive(Default)]
pub(super) struct KeyCache(Mutex<BTreeMap<SubjectId, Arc<DataKey>>>);

impl KeyCache {
    pub fn get(&self, subject: &SubjectId) -> Option<Arc<DataKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(subject).cloned()
    }

    pub fn put(&self, subject: &SubjectId, key: DataKey) -> Arc<DataKey> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while keys.len() >= MAX_CACHED {
            keys.pop_first();
        }
        let key = Arc::new(key);
        keys.insert(subject.clone(), Arc::clone(&key));
        key
    }

    pub fn forget(&self, subject: &SubjectId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }
}
