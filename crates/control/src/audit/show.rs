//! One entry, or everything that was recorded about a session, task, call, approval or grant, with its texts.

use std::collections::BTreeSet;

use writ_ledger::Stream;
use writ_model::{ActivityEvent, AgentId, ApprovalId, CallId, ControlEvent, GrantId, SessionId, TaskId};

use crate::api::message::{AuditShow, AuditStory, EntryView, TextView};
use crate::office::{Office, OfficeError, each};

use super::AuditError;
use super::entry::{AnyEntry, EntryRef, view};

/// Most entries of a story.
const MAX_ENTRIES: usize = 5_000;
/// Longest text that is shown.
const MAX_TEXT_BYTES: usize = 64 << 10;
/// Most bytes of texts and entries in a story.
const MAX_STORY_BYTES: usize = 8 << 20;

/// Fields of an entry that hold ids. Labels are not among them: an agent could put an id there.
const ID_FIELDS: [&str; 8] = ["agent", "approval", "call", "grant", "grants", "id", "session", "task"];

// === impl Office ===

impl Office {
    /// `audit.show`
    pub fn audit_show(&self, ask: &AuditShow) -> Result<AuditStory, OfficeError> {
        let mut story = Story::default();
        if ask.what.contains(':') {
            let at: EntryRef = ask.what.parse()?;
            let none = || AuditError::NoEntry(at.to_string());
            if at.index >= self.ledger().tip(at.log) {
                return Err(none().into());
            }
            let (_, bytes) = self.ledger().read(at.log, at.index, 1)?.pop().ok_or_else(none)?;
            story.tell(self, at, &bytes)?;
        } else {
            self.tell_about(&ask.what, &mut story)?;
        }
        Ok(story.finish())
    }

    fn tell_about(&self, id: &str, story: &mut Story) -> Result<(), OfficeError> {
        let known = id.parse::<AgentId>().is_ok()
            || id.parse::<ApprovalId>().is_ok()
            || id.parse::<CallId>().is_ok()
            || id.parse::<GrantId>().is_ok()
            || id.parse::<SessionId>().is_ok()
            || id.parse::<TaskId>().is_ok();
        if !known {
            return Err(AuditError::NoReference(id.chars().take(80).collect()).into());
        }
        // What happens to an approval is told by its own id only.
        let mut ids = BTreeSet::from([id.to_owned()]);
        each(self.ledger(), Stream::Control, 0, |index, bytes| {
            if mentions(bytes, &ids) && story.has_room() {
                if let AnyEntry::Control(entry) = AnyEntry::read(Stream::Control, bytes)?
                    && let ControlEvent::ApprovalRequested { approval, .. } = entry.event
                {
                    ids.insert(approval.to_string());
                }
                story.tell(self, EntryRef { log: Stream::Control, index }, bytes)?;
            }
            Ok::<_, OfficeError>(())
        })?;
        each(self.ledger(), Stream::Activity, 0, |index, bytes| {
            if mentions(bytes, &ids) && !story.counts(bytes)? && story.has_room() {
                story.tell(self, EntryRef { log: Stream::Activity, index }, bytes)?;
            }
            Ok::<_, OfficeError>(())
        })?;
        if story.entries.is_empty() {
            return Err(AuditError::NothingMentions(id.to_owned()).into());
        }
        Ok(())
    }
}

#[derive(Default)]
struct Story {
    entries: Vec<EntryView>,
    bytes: usize,
    more: bool,
    programs: u64,
}

// === impl Story ===

impl Story {
    fn has_room(&mut self) -> bool {
        let room = self.entries.len() < MAX_ENTRIES && self.bytes < MAX_STORY_BYTES;
        self.more |= !room;
        room
    }

    /// Counts what is too many to be told one by one.
    fn counts(&mut self, bytes: &[u8]) -> Result<bool, OfficeError> {
        let AnyEntry::Activity(entry) = AnyEntry::read(Stream::Activity, bytes)? else { return Ok(false) };
        match entry.event {
            ActivityEvent::ProgramStarted { .. } => self.programs += 1,
            ActivityEvent::ProgramsUnlisted { count } => self.programs = self.programs.saturating_add(count),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn tell(&mut self, office: &Office, at: EntryRef, bytes: &[u8]) -> Result<(), OfficeError> {
        let entry = AnyEntry::read(at.log, bytes)?;
        let mut shown = view(at, &entry, bytes);
        self.bytes += put_texts(office, &entry, &mut shown) + bytes.len();
        self.entries.push(shown);
        Ok(())
    }

    fn finish(mut self) -> AuditStory {
        // Both logs in one order; at the same moment the control log first, as it was decided on.
        self.entries.sort_by_key(|entry| entry.at);
        AuditStory { entries: self.entries, more: self.more, programs: self.programs }
    }
}

/// Puts the texts of an entry beside it, and says how many bytes they have.
pub(super) fn put_texts(office: &Office, entry: &AnyEntry, shown: &mut EntryView) -> usize {
    let mut bytes = 0;
    for (field, commitment) in entry.commitments() {
        let mut text = office.text(commitment);
        let cut = text.as_mut().is_some_and(cut);
        bytes += text.as_ref().map_or(0, String::len);
        shown.texts.push(TextView { field: field.to_owned(), commitment, text, cut });
    }
    bytes
}

/// Cuts a text to what is shown. True if there was more.
fn cut(text: &mut String) -> bool {
    if text.len() <= MAX_TEXT_BYTES {
        return false;
    }
    let end = (0..=MAX_TEXT_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    true
}

/// Whether an entry speaks of one of these ids.
fn mentions(bytes: &[u8], ids: &BTreeSet<String>) -> bool {
    let text = String::from_utf8_lossy(bytes);
    // The cheap look first: nearly every entry is of something else.
    if !ids.iter().any(|id| text.contains(id.as_str())) {
        return false;
    }
    serde_json::from_slice(bytes).is_ok_and(|value| holds(&value, ids))
}

fn holds(value: &serde_json::Value, ids: &BTreeSet<String>) -> bool {
    let serde_json::Value::Object(fields) = value else { return false };
    let is_one = |name: &String, value: &serde_json::Value| {
        value.as_str().is_some_and(|text| ID_FIELDS.contains(&name.as_str()) && ids.contains(text))
    };
    fields.iter().any(|(name, value)| match value {
        serde_json::Value::Array(items) => items.iter().any(|item| is_one(name, item)),
        value => is_one(name, value) || holds(value, ids),
    })
}
