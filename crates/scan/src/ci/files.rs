//! Files of the same repository that a workflow leads to, each read once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::document::{Node, Notation, parse};

/// Where files of the same repository are found: a path from its top to what stands there.
pub type Local<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// Most files that one workflow leads to.
const MAX_FILES: usize = 100;
/// Largest script that is looked at, in bytes.
const MAX_SCRIPT_BYTES: usize = 256 << 10;
/// Most bytes that are followed for one workflow, however often a file is led to.
const MAX_WORK: usize = 32 << 20;

pub(super) struct Files<'a> {
    read: Local<'a>,
    known: RefCell<BTreeMap<String, Option<Rc<[u8]>>>>,
    documents: RefCell<BTreeMap<String, Option<Rc<Node>>>>,
    work: Cell<usize>,
}

// === impl Files ===

impl<'a> Files<'a> {
    pub(super) fn new(read: Local<'a>) -> Self {
        Self { read, known: RefCell::default(), documents: RefCell::default(), work: Cell::new(0) }
    }

    /// Counts so many bytes of work, and says whether there is as much left.
    pub(super) fn may(&self, bytes: usize) -> bool {
        let work = self.work.get().saturating_add(bytes);
        self.work.set(work);
        work <= MAX_WORK
    }

    fn bytes(&self, path: &str) -> Option<Rc<[u8]>> {
        let mut known = self.known.borrow_mut();
        if let Some(bytes) = known.get(path) {
            return bytes.clone();
        }
        if known.len() >= MAX_FILES {
            return None;
        }
        let bytes: Option<Rc<[u8]>> = (self.read)(path).map(Rc::from);
        known.insert(path.to_owned(), bytes.clone());
        bytes
    }

    /// A file of YAML or JSON.
    pub(super) fn document(&self, path: &str) -> Option<Rc<Node>> {
        if let Some(document) = self.documents.borrow().get(path) {
            return document.clone();
        }
        let bytes = self.bytes(path)?;
        let document = parse(&bytes, Notation::Yaml).ok().map(Rc::new);
        self.documents.borrow_mut().insert(path.to_owned(), document.clone());
        document
    }

    /// A script, or another file of text; `None` for one that is too large or none.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        let text = std::str::from_utf8(&bytes).ok()?;
        (text.len() <= MAX_SCRIPT_BYTES && self.may(text.len())).then(|| text.to_owned())
    }
}
