//! The form in which a fold's state is kept, so that start-up replays only what came after it.
//!
//! The ledger binds the bytes to sizes, roots and the fold's version, and signs them; whoever verifies the log folds
//! it again and compares. So the form must be one and the same for the same state: ordered maps, plain JSON.

use serde::{Deserialize, Serialize};

use super::{ActivityState, State};

/// Rises with every change of what the fold keeps or how. A snapshot of another version is not used.
pub const FOLD_VERSION: u32 = 5;

/// The bytes are no state of this version of the fold.
#[derive(Debug, thiserror::Error)]
#[error("could not read or write the state of a fold")]
pub struct SnapshotFormError(#[source] serde_json::Error);

#[derive(Serialize)]
struct Form<'a> {
    control: &'a State,
    activity: &'a ActivityState,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnedForm {
    control: State,
    activity: ActivityState,
}

/// Writes both states.
///
/// # Errors
/// Never for a state that was folded; serialising is fallible all the same.
pub fn encode(control: &State, activity: &ActivityState) -> Result<Vec<u8>, SnapshotFormError> {
    serde_json::to_vec(&Form { control, activity }).map_err(SnapshotFormError)
}

/// Reads both states.
///
/// # Errors
/// The bytes are no such form.
pub fn decode(bytes: &[u8]) -> Result<(State, ActivityState), SnapshotFormError> {
    let form: OwnedForm = serde_json::from_slice(bytes).map_err(SnapshotFormError)?;
    Ok((form.control, form.activity))
}
