//! Credentials that an agent could use as this user, and the key to their marks.

use std::path::Path;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use writ_scan::credential::{Credential, Guard, Places, Seen, credentials};
use writ_scan::secret::Marker;
use writ_scan::walk::read_regular;

use super::places::keep;
use crate::config::State;
use crate::failure::{Failure, Kind};
use crate::screen;
use crate::wire::now;

/// Length of the key to marks, in bytes.
const KEY_BYTES: usize = 32;
/// Credentials shown, unless everything is asked for.
const MOST_SHOWN: usize = 40;

/// What lies in the home folder, at the top of the working copy, and in the environment of this process.
pub(in crate::cli) fn of(
    home: &Path,
    repository: &Path,
    environment: &[(String, Vec<u8>)],
    marker: &Marker,
) -> Seen {
    let places = Places { home, machine: Some(Path::new("/")), repository: Some(repository), environment };
    credentials(&places, marker)
}

/// What makes marks: of this state folder, or of this scan alone.
pub(in crate::cli) fn marker(no_state: bool) -> Result<Marker, Failure> {
    let marker = if no_state { Marker::of_this_run() } else { Some(kept()?) };
    marker.ok_or_else(|| Failure::new(Kind::Broken, "the system gives no randomness for marks"))
}

/// The variables of this process, which an agent that is started here would inherit.
pub(in crate::cli) fn environment() -> Vec<(String, Vec<u8>)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_encoded_bytes())))
        .collect()
}

/// The marker of this state folder, so that marks of two scans can be compared. Who reads the key can try values against
/// marks, and nothing else.
fn kept() -> Result<Marker, Failure> {
    let file = State::of(|name| std::env::var_os(name))?.root().join("scan").join("marks.key");
    if let Ok(key) = read_regular(&file, KEY_BYTES)
        && key.len() == KEY_BYTES
    {
        return Ok(Marker::new(&key));
    }
    let mut key = [0; KEY_BYTES];
    let filled = SystemRandom::new().fill(&mut key);
    filled.map_err(|_| Failure::new(Kind::Broken, "the system gives no randomness for marks"))?;
    keep(&file, &key)?;
    Ok(Marker::new(&key))
}

/// The table for people.
pub(super) fn show(credentials: &[Credential], verbose: bool) -> Result<(), Failure> {
    if credentials.is_empty() {
        return Ok(());
    }
    let most = if verbose { usize::MAX } else { MOST_SHOWN };
    let now = now();
    let rows = credentials.iter().take(most).map(|credential| {
        let Credential { what, place, name, opens, changed_at, expires_at, life, guard, .. } = credential;
        let age = changed_at.map_or(String::new(), |at| screen::span(at, now));
        let end = match expires_at {
            Some(at) if *at <= now => "ended".to_owned(),
            Some(at) => format!("in {}", screen::span(now, *at)),
            None => life.name().to_owned(),
        };
        let locked = if *guard == Guard::None { "open" } else { guard.name() };
        let place = place.to_string_lossy();
        [
            super::summary::plain(&place),
            format!("{what} {}", super::summary::plain(name)),
            super::summary::plain(opens),
            age,
            end,
            locked.to_owned(),
        ]
    });
    screen::line(screen::table(["CREDENTIAL IN", "WHAT", "OPENS", "AGE", "ENDS", "GUARD"], rows))?;
    if credentials.len() > most {
        screen::line(format_args!("and {} more; --verbose shows all", credentials.len() - most))?;
    }
    screen::line("").map_err(Into::into)
}
