//! The session of one task: what it let in, what it wrote, and what a call has to do with both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use writ_model::{Action, CallId, Digest, Place, SourceKind, Touch};

use super::beacon;
use super::carried::{self, Carried};
use super::footprint::Footprint;
use super::ground::Ground;
use super::marks::{Mark, Marked, Marks, PathKey};
use super::output::Claim;
use super::story::{Story, Trace};
use super::stretch::{HashKey, Measure, Stretches};
use super::words::Commands;
use crate::explain::shown;
use crate::moment::{Chain, Taint};
use crate::place::Entry;

/// Most traces of one kind of source that are kept and recorded. The taint itself knows no bound.
const TRACES: usize = 4;
/// Most private and secret sources that are known again.
const CONFIDED: usize = 256;
/// Most calls whose answers are waited for.
const AWAITED: usize = 64;

/// Most written files that are remembered.
const WRITTEN: usize = 1 << 14;

/// Of untrusted text, any 48 characters in common are found.
const UNTRUSTED: Measure = Measure { gram: 32, window: 17, most: 1 << 18 };
/// Of secrets, any 16.
const SECRET: Measure = Measure { gram: 12, window: 5, most: 1 << 16 };

/// What the sessions of one task have let in.
pub struct Session {
    taint: Taint,
    traces: Arc<[Trace]>,
    marks: Marks,
    untrusted: Stretches,
    secrets: Stretches,
    commands: Commands,
    /// Real paths of files that the sessions wrote, and may start.
    written: BTreeSet<String>,
    /// Lock files among them that no package manager wrote.
    locks: BTreeSet<String>,
    /// Calls that let something in and whose answer the client has not told.
    awaited: BTreeMap<CallId, Awaited>,
    /// Untrusted text came in that nobody could look at, so that nothing written since can be compared with it.
    unseen: Option<SourceKind>,
    /// How often something came in that is private or secret and was not known.
    confided: u64,
    /// What these were, the first of them.
    confidences: BTreeSet<(SourceKind, Box<str>)>,
}

/// A call whose answer is waited for.
struct Awaited {
    untrusted: Option<SourceKind>,
    secret: bool,
}

/// The secrets of one session. Made from randomness and from the workspace's own key.
pub struct SessionKeys {
    /// For hashes of texts, which never leave memory.
    pub texts: [u8; 32],
    /// For digests of paths: the same in every task of one workspace.
    pub paths: PathKey,
}

/// How what a call says compares with what came in. Worked out once, since texts can be long.
#[derive(Clone, Copy)]
struct Compared {
    /// It has a stretch in common with untrusted text.
    untrusted: bool,
    /// It repeats a secret.
    secret: bool,
}

/// What holds when a call is about to be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    pub taint: Taint,
    pub chain: Chain,
    pub story: Story,
    /// What files that the sessions wrote would do when the call runs them.
    pub carried: Vec<Action>,
}

/// What a call changed, to be recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risen {
    /// Sources that were not known, or not by this name.
    pub traces: Vec<Trace>,
    /// Files that are marked from now on, or with more.
    pub marked: Vec<Marked>,
    /// Marked files that are gone.
    pub gone: Vec<Digest>,
}

// === impl Session ===

impl Session {
    pub fn new(keys: SessionKeys) -> Self {
        let key = HashKey::new(&keys.texts);
        Self {
            taint: Taint::default(),
            traces: Arc::new([]),
            marks: Marks::new(keys.paths),
            untrusted: Stretches::new(key, UNTRUSTED),
            secrets: Stretches::new(key, SECRET),
            commands: Commands::new(key),
            written: BTreeSet::new(),
            locks: BTreeSet::new(),
            awaited: BTreeMap::new(),
            unseen: None,
            confided: 0,
            confidences: BTreeSet::new(),
        }
    }

    /// Takes over what is on record. The texts themselves are gone, so what is written after a source that is new here
    /// counts as if nobody could compare it.
    pub fn recall(&mut self, traces: impl IntoIterator<Item = Trace>) {
        for trace in traces {
            let kind = trace.kind;
            let is_new = !self.taint.sources.contains(kind);
            if is_new && kind.touch() == Touch::Untrusted && kind.is_fresh() {
                self.unseen.get_or_insert(kind);
            }
            self.raise(trace, &mut Vec::new());
        }
    }

    /// Takes over the marks of the workspace as they are on record; what a person cleared is not among them. `crowded`:
    /// there are more than are kept apart.
    pub fn set_marks(&mut self, marked: impl IntoIterator<Item = Marked>, crowded: bool) {
        self.marks.set(marked, crowded);
    }

    pub const fn taint(&self) -> Taint {
        self.taint
    }

    /// How often something came in that is private or secret and was not known: more than the sources that are remembered.
    pub const fn confided(&self) -> u64 {
        self.confided
    }

    /// The sources that came in, oldest first.
    pub fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// The marked files.
    pub fn marked(&self) -> impl Iterator<Item = &Marked> {
        self.marks.iter()
    }

    /// What holds when this call is judged. It includes what the call itself reads from private data, secrets and marked
    /// files, since the same call may send it off; not what a page would answer, since that comes too late for it.
    pub fn before(&self, print: &Footprint, ground: &Ground<'_>) -> Before {
        let mut taint = self.taint;
        let mut own: Vec<Trace> = Vec::new();
        for (kind, what) in &print.takes {
            match kind.touch() {
                Touch::Private | Touch::Secret => {
                    taint = taint.with(Taint::of(*kind));
                    own.push(Trace::new(*kind, what, print.call));
                }
                Touch::Untrusted => {}
            }
        }
        let read = self.marks_of(&print.reads, ground);
        for (path, mark) in read.iter().chain(&self.sent(print, ground)) {
            let kind = mark.from.as_mark();
            taint = taint.with(Taint::of(kind));
            own.push(Trace::new(kind, path, print.call));
        }
        let mut carried = Carried::of(print, &self.written, ground);
        carried.actions.extend(carried::unlocked(print, &self.locks));
        let runs = self.running(print, &read, &carried, ground);
        let repeats = print.is_more
            && (print.command.as_deref().is_some_and(|command| self.commands.has(command))
                || print.texts.iter().any(|text| print.command.is_none() && self.commands.has(text)))
            || carried.active.iter().any(|(_, text)| self.commands.has_any(text));
        let compared = self.compare(print);
        let inflow = self.inflow(print, &read, compared);
        let chain = Chain {
            beacon: print.texts.iter().chain(&print.command).any(|text| beacon::has_beacon(text)),
            carries_secret: compared.secret,
            mixes: print.spreads && inflow.iter().any(|mark| mark.touch() == Touch::Untrusted && mark.whole),
            repeats,
            runs_marked: runs.is_some(),
            runs_written: self.runs_written(print),
            writes_untrusted: !print.writes.is_empty()
                && inflow.iter().any(|mark| mark.touch() == Touch::Untrusted),
        };
        let repeated = chain.repeats.then(|| self.first_untrusted()).flatten();
        let traces = if own.is_empty() {
            Arc::clone(&self.traces)
        } else {
            self.traces.iter().cloned().chain(own).collect()
        };
        let story = Story { traces, marked: runs.map(Into::into), repeated };
        Before { taint, chain, story, carried: carried.actions }
    }

    /// The call was allowed: what it lets in counts from now on, and what it writes is marked.
    pub fn after(&mut self, print: &Footprint, ground: &Ground<'_>) -> Risen {
        let mut risen = Risen::default();
        let read = self.marks_of(&print.reads, ground);
        let compared = self.compare(print);
        let inflow = self.inflow(print, &read, compared);
        for (kind, what) in &print.takes {
            self.raise(Trace::new(*kind, what, print.call), &mut risen.traces);
        }
        for (path, mark) in &read {
            self.raise(Trace::new(mark.from.as_mark(), path, print.call), &mut risen.traces);
        }
        let starts_itself = print.texts.iter().chain(&print.command).any(|text| starts_itself(text));
        for path in &print.writes {
            if self.written.len() < WRITTEN && !ground.is_wide(path) {
                self.written.insert(path.clone());
                if !print.writes_by_tool && carried::lock_of(path).is_some() {
                    self.locks.insert(path.clone());
                }
            }
            // A name that nothing bears any more starts anew.
            risen.gone.extend(self.marks.forget_missing(path, ground.files));
            if ground.is_wide(path) {
                continue;
            }
            for mark in &inflow {
                // A part of an unknown text makes a program of a file that can be started, and of no other.
                let counts = mark.whole
                    || mark.touch() != Touch::Untrusted
                    || compared.untrusted
                    || is_runnable(path, starts_itself);
                if counts {
                    risen.marked.extend(self.marks.mark(path, mark.clone()));
                }
            }
        }
        self.await_answer(print, &read);
        risen
    }

    /// The client told what came back. Whatever it says, nothing falls.
    pub fn heard(&mut self, call: CallId, claim: &Claim<'_>) -> Risen {
        let mut risen = Risen::default();
        let awaited = self.awaited.remove(&call);
        if claim.untrusted {
            let known = awaited.as_ref().and_then(|awaited| awaited.untrusted);
            if known.is_none_or(|kind| !kind.is_fresh()) {
                self.raise(Trace::new(SourceKind::Claimed, "an answer", call), &mut risen.traces);
            }
        }
        let untrusted = awaited
            .as_ref()
            .and_then(|awaited| awaited.untrusted)
            .or_else(|| claim.untrusted.then_some(SourceKind::Claimed));
        let secret = awaited.is_some_and(|awaited| awaited.secret);
        if untrusted.is_none() && !secret {
            return risen;
        }
        let texts = claim.texts();
        for text in &texts.texts {
            if untrusted.is_some() {
                self.untrusted.learn(text);
                self.commands.learn(text);
            }
            if secret {
                self.secrets.learn(text);
            }
        }
        if let Some(kind) = untrusted.filter(|kind| kind.is_fresh())
            && (!texts.whole || self.untrusted.is_full())
        {
            self.unseen.get_or_insert(kind);
        }
        risen
    }

    // === inside ===

    fn raise(&mut self, trace: Trace, risen: &mut Vec<Trace>) {
        self.taint = self.taint.with(Taint::of(trace.kind));
        let same = self.traces.iter().filter(|other| other.kind == trace.kind);
        let is_known = same.clone().any(|other| other.what == trace.what);
        if trace.kind.touch() != Touch::Untrusted {
            let name = (trace.kind, trace.what.clone());
            let is_new = !self.confidences.contains(&name);
            if is_new && self.confidences.len() < CONFIDED {
                self.confidences.insert(name);
            }
            self.confided += u64::from(is_new);
        }
        if !is_known && same.count() < TRACES {
            self.traces = self.traces.iter().cloned().chain([trace.clone()]).collect();
            risen.push(trace);
        }
    }

    fn marks_of(&self, paths: &BTreeSet<String>, ground: &Ground<'_>) -> Vec<(String, Mark)> {
        let marks = |path: &String| {
            self.marks.of(path, ground.files).into_iter().map(|mark| (path.clone(), mark)).collect::<Vec<_>>()
        };
        paths.iter().flat_map(marks).collect()
    }

    /// Files with secrets and private data that would be sent along with the workspace they lie in.
    fn sent(&self, print: &Footprint, ground: &Ground<'_>) -> Vec<(String, Mark)> {
        if !print.sends_workspace {
            return Vec::new();
        }
        let of_file = |marked: &Marked| {
            let mark = marked.marks.iter().find(|mark| mark.touch() != Touch::Untrusted)?;
            let path = marked.path.as_deref()?;
            // Credentials have a place of their own, which is seldom one that is sent.
            let is_sent = ground.workspace.holds(Path::new(path))
                && ground.workspace.place_of(Path::new(path)) != Place::Secret
                && ground.files.entry(Path::new(path)) != Entry::Missing;
            is_sent.then(|| (path.to_owned(), mark.clone()))
        };
        self.marks.iter().filter_map(of_file).take(TRACES).collect()
    }

    /// Whether a file that the call starts was written by these sessions. Beyond what is remembered every file was.
    fn runs_written(&self, print: &Footprint) -> bool {
        let is_written = |path: &String| self.written.contains(path) || print.writes.contains(path);
        print.runs.iter().any(|path| self.written.len() >= WRITTEN || is_written(path))
    }

    /// The marked file that the call would run, and what it was written from.
    fn running(
        &self,
        print: &Footprint,
        read: &[(String, Mark)],
        carried: &Carried,
        ground: &Ground<'_>,
    ) -> Option<String> {
        let untrusted = |(_, mark): &&(String, Mark)| mark.touch() == Touch::Untrusted;
        let told = |(path, mark): &(String, Mark)| {
            format!("`{}`, which was written from {} (`{}`)", shown(path), mark.from, shown(&mark.what))
        };
        let direct = self.marks_of(&print.runs, ground);
        // What the agent wrote after a page that nobody saw is its own where it says and does nothing of note.
        let is_own = |path: &str, mark: &Mark| {
            !mark.whole
                && self.written.contains(path)
                && carried.plain.contains(path)
                && !self.repeats(path, ground)
        };
        // A build file that came in as a whole runs as a whole; one that the agent wrote after a page is its own.
        let mut builds = print.builds.clone();
        let active = |path: &str| carried.active.iter().any(|(active, _)| active == path);
        builds.extend(carried.active.iter().map(|(path, _)| path.clone()));
        let built = self.marks_of(&builds, ground);
        direct
            .iter()
            .filter(|(path, mark)| !is_own(path, mark))
            .find(untrusted)
            .or_else(|| built.iter().filter(|(path, mark)| mark.whole || active(path)).find(untrusted))
            .or_else(|| read.iter().filter(|_| print.interprets).find(untrusted))
            .map(told)
    }

    /// Whether the text of a file has a stretch in common with untrusted text.
    fn repeats(&self, path: &str, ground: &Ground<'_>) -> bool {
        let most = crate::classify::MAX_LOOK_BYTES;
        let text = ground.files.text(&ground.workspace.root, Path::new(path), most);
        text.is_none_or(|text| self.untrusted.shares(&text))
    }

    /// What may be in the files that the call writes.
    fn inflow(&self, print: &Footprint, read: &[(String, Mark)], compared: Compared) -> Vec<Mark> {
        let mut found: Vec<Mark> = Vec::new();
        let mut add = |mark: Mark| match found.iter_mut().find(|other| other.touch() == mark.touch()) {
            Some(other) if mark.whole && !other.whole => *other = mark,
            Some(_) => {}
            None => found.push(mark),
        };
        if print.writes.is_empty() && !print.spreads {
            return found;
        }
        for (kind, what) in &print.takes {
            // Packages and the repository's own history are not downloads of one file.
            if kind.touch() != Touch::Untrusted || kind.is_fresh() {
                add(Mark { from: *kind, what: shown(what).into(), whole: true });
            }
        }
        for (_, mark) in read {
            add(mark.clone());
        }
        if compared.secret
            && let Some(trace) = self.traces.iter().find(|trace| trace.kind.touch() == Touch::Secret)
        {
            add(Mark { from: trace.kind, what: trace.what.clone(), whole: false });
        }
        if let Some(mark) = self.unlooked(print, compared) {
            add(mark);
        }
        found
    }

    /// The mark of what the agent itself writes down: it repeats what came in, or nobody can say that it does not.
    fn unlooked(&self, print: &Footprint, compared: Compared) -> Option<Mark> {
        let named = |kind: SourceKind| {
            let trace = self.traces.iter().find(|trace| trace.kind == kind);
            Mark {
                from: kind,
                what: trace.map_or_else(|| "".into(), |trace| trace.what.clone()),
                whole: false,
            }
        };
        if compared.untrusted {
            let first = self.traces.iter().filter(|trace| trace.kind.touch() == Touch::Untrusted);
            let fresh = first.clone().find(|trace| trace.kind.is_fresh()).or_else(|| first.clone().next());
            return Some(named(fresh.map_or(SourceKind::Claimed, |trace| trace.kind)));
        }
        let waiting =
            self.awaited.values().filter_map(|awaited| awaited.untrusted).find(|kind| kind.is_fresh());
        let cut = (print.is_cut && self.taint.untrusted).then_some(SourceKind::Claimed);
        self.unseen.or(waiting).or(cut).map(named)
    }

    fn compare(&self, print: &Footprint) -> Compared {
        let writes = !print.writes.is_empty() || print.spreads;
        let texts = || print.texts.iter().chain(&print.command);
        Compared {
            untrusted: writes && texts().any(|text| self.untrusted.shares(text)),
            secret: texts().any(|text| self.secrets.shares(text)),
        }
    }

    fn first_untrusted(&self) -> Option<Arc<str>> {
        let untrusted = || self.traces.iter().filter(|trace| trace.kind.touch() == Touch::Untrusted);
        let trace = untrusted().find(|trace| trace.kind.is_fresh()).or_else(|| untrusted().next())?;
        Some(format!("untrusted input ({}, `{}`)", trace.kind, trace.what).into())
    }

    fn await_answer(&mut self, print: &Footprint, read: &[(String, Mark)]) {
        let taken = print.takes.iter().map(|(kind, _)| *kind).filter(|_| print.answers);
        let kinds: Vec<SourceKind> = taken.chain(read.iter().map(|(_, mark)| mark.from.as_mark())).collect();
        let of = |touch| kinds.iter().copied().filter(move |kind| kind.touch() == touch);
        let untrusted =
            of(Touch::Untrusted).find(|kind| kind.is_fresh()).or_else(|| of(Touch::Untrusted).next());
        let secret = of(Touch::Secret).next().is_some();
        if untrusted.is_none() && !secret {
            return;
        }
        if self.awaited.len() >= AWAITED
            && let Some((_, oldest)) = self.awaited.pop_first()
            && let Some(kind) = oldest.untrusted.filter(|kind| kind.is_fresh())
        {
            // Nobody will tell any more.
            self.unseen.get_or_insert(kind);
        }
        self.awaited.insert(print.call, Awaited { untrusted, secret });
    }
}

/// Whether a text says which program is to run it.
fn starts_itself(text: &str) -> bool {
    text.trim_start().starts_with("#!") || text.contains("\n#!/")
}

/// Whether a file can be started as it is: by its name, or because its text says so.
fn is_runnable(path: &str, starts_itself: bool) -> bool {
    const ENDINGS: &[&str] = &[
        "sh",
        "bash",
        "zsh",
        "fish",
        "py",
        "pyw",
        "rb",
        "pl",
        "php",
        "js",
        "mjs",
        "cjs",
        "ts",
        "mts",
        "lua",
        "ps1",
        "bat",
        "cmd",
        "exe",
        "run",
        "bin",
        "command",
        "mk",
        "jar",
        "awk",
        "tcl",
        "r",
        "jl",
        "groovy",
        "applescript",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    starts_itself || ending.is_none_or(|ending| ENDINGS.contains(&ending.as_str()))
}
