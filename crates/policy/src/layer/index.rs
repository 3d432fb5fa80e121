//! Where to look for the policies that a question can depend on, without looking at all of them.
//!
//! Each policy is filed once, under the rarest thing that it needs: the resource that it names, a text that an attribute
//! must be, start or end with, somebody that the principal must belong to, a kind of task. What needs nothing of the sort
//! is filed under the effects and resource types of its scope. A question then looks up what is filed under its own
//! resource; what is filed under the principal and the task is looked up once for a task.
//!
//! What is found is more than what can matter; [`Need`] tells the rest apart.

use std::collections::HashMap;

use crate::layer::need::{Atom, Need, STEADY, SeenResource, Test};
use crate::layer::prefixes::Prefixes;
use crate::schema::KINDS;

/// Policies, by number, under what they need.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_principal: HashMap<u32, Vec<u32>>,
    by_steady: [HashMap<String, Vec<u32>>; STEADY.len()],
    by_resource: [HashMap<String, Vec<u32>>; KINDS],
    by_attribute: Vec<(String, ByText)>,
    /// Those that need nothing that one could look up.
    rest: Vec<u32>,
}

/// Policies by the text of one attribute.
#[derive(Debug, Default)]
struct ByText {
    is: HashMap<String, Vec<u32>>,
    starts: Prefixes,
    ends: Prefixes,
}

/// One thing to file a policy under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key<'a> {
    Principal(u32),
    Steady(usize, &'a str),
    Resource(usize, &'a str),
    Is(&'a str, &'a str),
    Starts(&'a str, &'a str),
    Ends(&'a str, &'a str),
}

// === impl Index ===

impl Index {
    /// Files policies by their needs. `Never` is filed nowhere.
    pub fn new(needs: &[Need]) -> Self {
        let mut common: HashMap<Key<'_>, u32> = HashMap::new();
        for need in needs {
            for_each_key(need, &mut |key| *common.entry(key).or_default() += 1);
        }
        let mut index = Self::default();
        for (number, need) in (0_u32..).zip(needs) {
            match best(need, &common) {
                None => index.rest.push(number),
                Some((keys, _)) => keys.into_iter().for_each(|key| index.file(key, number)),
            }
        }
        for (_, by_text) in &mut index.by_attribute {
            by_text.starts.settle();
            by_text.ends.settle();
        }
        index
    }

    fn file(&mut self, key: Key<'_>, number: u32) {
        match key {
            Key::Principal(principal) => self.by_principal.entry(principal).or_default().push(number),
            Key::Steady(member, text) => {
                if let Some(by_text) = self.by_steady.get_mut(member) {
                    by_text.entry(text.to_owned()).or_default().push(number);
                }
            }
            Key::Resource(kind, id) => {
                if let Some(by_id) = self.by_resource.get_mut(kind) {
                    by_id.entry(id.to_owned()).or_default().push(number);
                }
            }
            Key::Is(name, text) => {
                self.attribute(name).is.entry(text.to_owned()).or_default().push(number);
            }
            Key::Starts(name, text) => self.attribute(name).starts.add(text.to_owned(), number),
            Key::Ends(name, text) => self.attribute(name).ends.add(backwards(text), number),
        }
    }

    fn attribute(&mut self, name: &str) -> &mut ByText {
        let at = match self.by_attribute.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                self.by_attribute.push((name.to_owned(), ByText::default()));
                self.by_attribute.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "the place was found or made in the line above")]
        &mut self.by_attribute[at].1
    }

    /// What can matter to a task, whatever the resource: sorted, each once.
    pub fn of_task(&self, belongs: &[u32], steady: &[&str]) -> Vec<u32> {
        let mut found = self.rest.clone();
        for principal in belongs {
            found.extend(self.by_principal.get(principal).into_iter().flatten());
        }
        for (by_text, text) in self.by_steady.iter().zip(steady) {
            found.extend(by_text.get(*text).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What can matter because of the resource, into `found`; in no order, and some of it twice.
    pub fn of_resource(&self, kind: usize, resource: &SeenResource<'_>, found: &mut Vec<u32>) {
        if let Some(by_id) = self.by_resource.get(kind)
            && !by_id.is_empty()
        {
            found.extend(by_id.get(resource.id).into_iter().flatten());
        }
        for (name, by_text) in &self.by_attribute {
            let value = resource.attributes.iter().find(|(found, _)| found == name);
            let Some(text) = value.and_then(|(_, fact)| fact.as_text()) else { continue };
            found.extend(by_text.is.get(text).into_iter().flatten());
            by_text.starts.of(text, found);
            if !by_text.ends.is_empty() {
                by_text.ends.of(&backwards(text), found);
            }
        }
    }
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

/// The key of an atom, where there is one.
fn key(atom: &Atom) -> Option<Key<'_>> {
    match atom {
        Atom::Principal(number) => Some(Key::Principal(*number)),
        Atom::Resource { kind, id } => Some(Key::Resource(*kind, id)),
        Atom::Steady { member, test: Test::Is(text) } => Some(Key::Steady(*member, text)),
        Atom::Attribute { name, test: Test::Is(text) } => Some(Key::Is(name, text)),
        Atom::Attribute { name, test: Test::Starts(text) } => Some(Key::Starts(name, text)),
        Atom::Attribute { name, test: Test::Ends(text) } => Some(Key::Ends(name, text)),
        Atom::Attribute { test: Test::There | Test::True, .. }
        | Atom::Steady { .. }
        | Atom::Action(_)
        | Atom::Kind(_)
        | Atom::Context(_) => None,
    }
}

fn for_each_key<'a>(need: &'a Need, each: &mut impl FnMut(Key<'a>)) {
    match need {
        Need::Perhaps | Need::Never | Need::Not(_) => {}
        Need::Told(atom) => key(atom).into_iter().for_each(each),
        Need::All(parts) | Need::OneOf(parts) => {
            for part in parts {
                for_each_key(part, each);
            }
        }
    }
}

/// The keys of which one must be met for the need to hold, chosen so that few policies share them, with how many share
/// the most common of them. None where nothing of it can be looked up.
fn best<'a>(need: &'a Need, common: &HashMap<Key<'a>, u32>) -> Option<(Vec<Key<'a>>, u32)> {
    match need {
        Need::Perhaps | Need::Not(_) => None,
        Need::Never => Some((Vec::new(), 0)),
        Need::Told(atom) => {
            let key = key(atom)?;
            Some((vec![key], common.get(&key).copied().unwrap_or(0)))
        }
        Need::All(parts) => {
            parts.iter().filter_map(|part| best(part, common)).min_by_key(|(keys, most)| (*most, keys.len()))
        }
        Need::OneOf(parts) => {
            let mut all = (Vec::new(), 0);
            for part in parts {
                let (keys, most) = best(part, common)?;
                all.0.extend(keys);
                all.1 = all.1.max(most);
            }
            Some(all)
        }
    }
}
