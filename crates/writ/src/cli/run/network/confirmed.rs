//! Hosts that a file names which tasks can write.
//!
//! Cline keeps the address of its model beside its login, which it has to renew. So a task can name a host there that the next
//! one would reach. What stood there when Writ first looked is taken; whatever else appears needs a person's word.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use writ_model::HostPattern;

use super::Endpoint;
use crate::failure::Failure;

/// Largest list that is read.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// What is known of such files of one client.
#[derive(Debug)]
pub(in crate::cli::run) struct Confirmed {
    list: PathBuf,
    /// Nothing where no list was made yet.
    known: Option<BTreeSet<String>>,
    /// What a person names for this task is confirmed by it.
    named: Vec<HostPattern>,
}

// === impl Confirmed ===

impl Confirmed {
    /// What the list says; one that cannot be read says that nothing is confirmed.
    pub(in crate::cli::run) fn read(list: PathBuf, named: Vec<HostPattern>) -> Self {
        let known = list.exists().then(|| {
            let text = crate::config::read_text(&list, MAX_LIST_BYTES).unwrap_or_default();
            serde_json::from_str(&text).unwrap_or_default()
        });
        Self { list, known, named }
    }

    /// Those that may be reached, and those that nobody confirmed.
    pub(super) fn parted(&self, found: Vec<Endpoint>) -> (Vec<Endpoint>, Vec<Endpoint>) {
        found.into_iter().partition(|endpoint| {
            let is_named = || self.named.iter().any(|pattern| pattern.covers(&endpoint.to_string()));
            self.known.as_ref().is_none_or(|known| known.contains(&shown(endpoint))) || is_named()
        })
    }

    /// Writes down what was taken, so that the next task takes no more.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub(in crate::cli::run) fn keep(&self, taken: &[Endpoint]) -> Result<(), Failure> {
        let mut all = self.known.clone().unwrap_or_default();
        all.extend(taken.iter().map(shown));
        if self.known.as_ref() == Some(&all) {
            return Ok(());
        }
        if let Some(folder) = self.list.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string(&all).map_err(std::io::Error::from)?;
        let new = self.list.with_extension("new");
        std::fs::write(&new, text)?;
        Ok(std::fs::rename(new, &self.list)?)
    }
}

/// Told apart by how it is spoken to as well.
fn shown(endpoint: &Endpoint) -> String {
    format!("{}{endpoint}", if endpoint.is_clear { "http://" } else { "" })
}

/// What a person is told of hosts that nobody confirmed.
pub(in crate::cli::run) fn told(file: &Path, refused: &Endpoint) -> String {
    format!(
        "{} names {refused}, which was not there before; a task can write that file, so it is not reached. \
         If it is yours, confirm it once with --allow-host {}",
        file.display(),
        refused.short()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_appears_later_needs_a_persons_word() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("hosts/cline.json");
        let [one, two] =
            ["one.example:443", "two.example:443"].map(|host| Endpoint::of_authority(host).unwrap());
        let both = || vec![one.clone(), two.clone()];
        let read = |named: &[&str]| {
            Confirmed::read(list.clone(), named.iter().map(|host| host.parse().unwrap()).collect())
        };
        let first = read(&[]);
        assert_eq!(first.parted(vec![one.clone()]).0, vec![one.clone()]);
        first.keep(std::slice::from_ref(&one)).unwrap();
        assert_eq!(read(&[]).parted(both()), (vec![one.clone()], vec![two.clone()]));
        let named = read(&["two.example"]);
        assert_eq!(named.parted(both()).1, []);
        named.keep(&both()).unwrap();
        assert_eq!(read(&[]).parted(both()).1, []);
        let clear = Endpoint { is_clear: true, ..one.clone() };
        assert_eq!(read(&[]).parted(vec![clear.clone()]).1, [clear]);
        std::fs::write(&list, "broken").unwrap();
        assert_eq!(read(&[]).parted(both()).0, []);
    }
}
