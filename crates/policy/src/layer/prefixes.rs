//! Texts that others start with: all that are a beginning of a given text, found with one search.

/// Policies by the text that something must start with.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    /// Sorted by text once settled.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    text: String,
    /// The longest other entry that this one starts with. Each lies before those that start with it.
    shorter: Option<usize>,
    policies: Vec<u32>,
}

// === impl Prefixes ===

impl Prefixes {
    /// Adds a policy. [`Self::settle`] must come before the first question.
    pub fn add(&mut self, text: String, policy: u32) {
        self.entries.push(Entry { text, shorter: None, policies: vec![policy] });
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sorts what was added and finds which entries lie within which.
    pub fn settle(&mut self) {
        self.entries.sort_by(|a, b| a.text.cmp(&b.text));
        let mut settled: Vec<Entry> = Vec::with_capacity(self.entries.len());
        for entry in self.entries.drain(..) {
            match settled.last_mut() {
                Some(last) if last.text == entry.text => last.policies.extend(entry.policies),
                _ => {
                    let before = settled.len().checked_sub(1);
                    let shorter = longest(&settled, before, &entry.text);
                    settled.push(Entry { shorter, ..entry });
                }
            }
        }
        self.entries = settled;
    }

    /// The policies of all entries that `text` starts with, into `found`.
    ///
    /// Of the entries that are not after `text`, the last is the longest of them or lies within it: whatever `text`
    /// starts with sorts before it, and between the two there is only what starts with that too.
    pub fn of(&self, text: &str, found: &mut Vec<u32>) {
        let before = self.entries.partition_point(|entry| entry.text.as_str() <= text).checked_sub(1);
        let mut at = longest(&self.entries, before, text);
        while let Some(entry) = at.and_then(|at| self.entries.get(at)) {
            found.extend(&entry.policies);
            at = entry.shorter;
        }
    }
}

/// From `at` along the shorter ones, the first that `text` starts with.
fn longest(entries: &[Entry], mut at: Option<usize>, text: &str) -> Option<usize> {
    while let Some(entry) = at.and_then(|at| entries.get(at)) {
        if text.starts_with(&entry.text) {
            return at;
        }
        at = entry.shorter;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefixes(texts: &[String]) -> Prefixes {
        let mut prefixes = Prefixes::default();
        for (number, text) in (0..).zip(texts) {
            prefixes.add(text.clone(), number);
        }
        prefixes.settle();
        prefixes
    }

    proptest! {
        #[test]
        fn all_that_a_text_starts_with_and_nothing_else_is_found(
            texts in prop::collection::vec("[ab/é]{0,6}", 0..40),
            asked in "[ab/é]{0,8}",
        ) {
            let mut found = Vec::new();
            prefixes(&texts).of(&asked, &mut found);
            found.sort_unstable();
            let expected: Vec<u32> =
                (0..).zip(&texts).filter(|(_, text)| asked.starts_with(text.as_str())).map(|(n, _)| n).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
