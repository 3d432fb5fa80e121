//! Searching both logs, newest first.
//!
//! There is no index: a page reads backwards until it is full or has looked at so many entries, and says where the
//! next one goes on. What a filter names by agent or client is found by the tasks of that agent, which the control
//! log tells.

use std::collections::{HashMap, HashSet};

use writ_ledger::Stream;
use writ_model::{ActivityEvent, AgentId, ApprovalId, Client, ControlEntry, ControlEvent, TaskId};

use crate::api::message::{AuditPage, AuditSearch, EntryView};
use crate::identity;
use crate::office::{Office, OfficeError, each};

use super::commit::ByCommit;
use super::entry::{AnyEntry, EntryRef, view};
use super::{AuditError, show};

/// Most entries on a page.
const MAX_PAGE: u32 = 1_000;
const PAGE: u32 = 100;
/// Most entries that one page looks at.
pub(super) const MAX_LOOKED_AT: u64 = 200_000;
/// Most bytes of entries on a page.
const MAX_PAGE_BYTES: usize = 8 << 20;
/// Entries that are read at once.
const CHUNK: u64 = 512;

// === impl Office ===

impl Office {
    /// `audit.search`
    pub fn audit_search(&self, ask: &AuditSearch) -> Result<AuditPage, OfficeError> {
        let limit = ask.limit.unwrap_or(PAGE);
        if limit == 0 || limit > MAX_PAGE {
            return Err(AuditError::Limit(MAX_PAGE).into());
        }
        let filter = self.filter(ask)?;
        let mut commit = ask.commit.as_deref().map(ByCommit::new).transpose()?;
        let ledger = self.ledger();
        let (control, activity) = match &ask.cursor {
            Some(cursor) => parse_cursor(cursor)?,
            None => (ledger.tip(Stream::Control), ledger.tip(Stream::Activity)),
        };
        let mut control = Backwards::new(self, Stream::Control, control.min(ledger.tip(Stream::Control)));
        let mut activity = Backwards::new(self, Stream::Activity, activity.min(ledger.tip(Stream::Activity)));
        let mut entries: Vec<EntryView> = Vec::new();
        let (mut looked_at, mut bytes) = (0, 0);
        while entries.len() < limit as usize && looked_at < MAX_LOOKED_AT && bytes < MAX_PAGE_BYTES {
            let newer = match (control.peek()?, activity.peek()?) {
                (None, None) => {
                    control.finish();
                    activity.finish();
                    break;
                }
                (Some(_), None) => &mut control,
                (None, Some(_)) => &mut activity,
                (Some(c), Some(a)) => {
                    if c.entry.at() > a.entry.at() {
                        &mut control
                    } else {
                        &mut activity
                    }
                }
            };
            let log = newer.log;
            let Some(Found { index, entry, bytes: raw }) = newer.take() else { break };
            looked_at += 1;
            if ask.since.is_some_and(|since| entry.at() < since) {
                newer.finish();
                continue;
            }
            let fits = match &mut commit {
                Some(commit) => commit.takes(self, &entry, || filter.fits(&entry, ask)),
                None => filter.fits(&entry, ask),
            };
            if fits {
                bytes += raw.len();
                let mut shown = view(EntryRef { log, index }, &entry, &raw);
                // Without its path, the start of a program says nothing to anybody; nor does a push without its commits.
                if is_start(&entry) || commit.is_some() {
                    bytes += show::put_texts(self, &entry, &mut shown);
                }
                entries.push(shown);
            }
        }
        let cursor =
            (control.end > 0 || activity.end > 0).then(|| format!("{}-{}", control.end, activity.end));
        let unsure_pushes = commit.map_or(0, |commit| commit.finish(&mut entries));
        Ok(AuditPage { entries, cursor, unsure_pushes })
    }

    fn filter(&self, ask: &AuditSearch) -> Result<Filter, OfficeError> {
        let agent = match &ask.agent {
            Some(text) => Some(identity::find(&self.state(), text)?.id),
            None => None,
        };
        if ask.task.is_none() && agent.is_none() && ask.client.is_none() {
            return Ok(Filter::default());
        }
        let mut who = Who { agent, ..Who::default() };
        each(self.ledger(), Stream::Control, 0, |_, bytes| {
            who.learn(&ControlEntry::from_bytes(bytes)?, ask.client, ask.task);
            Ok::<_, OfficeError>(())
        })?;
        Ok(Filter { who: Some(who) })
    }
}

/// What the filters by task, agent and client come to.
#[derive(Default)]
struct Filter {
    who: Option<Who>,
}

#[derive(Default)]
struct Who {
    agent: Option<AgentId>,
    clients: HashMap<AgentId, Client>,
    agents: HashSet<AgentId>,
    tasks: HashSet<TaskId>,
    approvals: HashSet<ApprovalId>,
}

// === impl Who ===

impl Who {
    fn learn(&mut self, entry: &ControlEntry, client: Option<Client>, task: Option<TaskId>) {
        match &entry.event {
            ControlEvent::AgentRegistered { agent, registration } => {
                self.clients.insert(*agent, registration.client);
                let fits = self.agent.is_none_or(|wanted| wanted == *agent)
                    && client.is_none_or(|wanted| wanted == registration.client);
                // An entry of the agent's own belongs to no task.
                if fits && task.is_none() {
                    self.agents.insert(*agent);
                }
            }
            ControlEvent::TaskOpened { task: opened } => {
                let fits = self.agent.is_none_or(|wanted| wanted == opened.agent)
                    && client.is_none_or(|wanted| wanted == opened.client)
                    && task.is_none_or(|wanted| wanted == opened.id);
                if fits {
                    self.tasks.insert(opened.id);
                }
            }
            ControlEvent::ApprovalRequested { approval, task, .. } if self.tasks.contains(task) => {
                self.approvals.insert(*approval);
            }
            _ => {}
        }
    }

    fn concerns(&self, entry: &AnyEntry) -> bool {
        match entry {
            AnyEntry::Activity(entry) => self.tasks.contains(&entry.task),
            AnyEntry::Control(entry) => match &entry.event {
                ControlEvent::AgentRegistered { agent, .. }
                | ControlEvent::AgentMoved { agent, .. }
                | ControlEvent::AgentReviewed { agent, .. }
                | ControlEvent::OwnerGone { agent, .. }
                | ControlEvent::AgentTakenOver { agent, .. }
                | ControlEvent::FingerprintAccepted { agent, .. }
                | ControlEvent::FingerprintSeen { agent, .. }
                | ControlEvent::AgentRevoked { agent } => self.agents.contains(agent),
                ControlEvent::TaskOpened { task } => self.tasks.contains(&task.id),
                ControlEvent::TaskAttached { task, .. }
                | ControlEvent::TaskMoved { task, .. }
                | ControlEvent::TaskClosed { task, .. }
                | ControlEvent::CredentialHandedOver { task, .. }
                | ControlEvent::CredentialLent { task, .. }
                | ControlEvent::SafetyWeakened { task, .. }
                | ControlEvent::ClientSandboxOff { task, .. }
                | ControlEvent::WritIssued { task, .. }
                | ControlEvent::ApprovalRequested { task, .. }
                | ControlEvent::GrantGiven { task, .. }
                | ControlEvent::GrantEnded { task, .. }
                | ControlEvent::TaintRaised { task, .. }
                | ControlEvent::FileMarked { task, .. }
                | ControlEvent::TaskRevoked { task } => self.tasks.contains(task),
                ControlEvent::ApprovalGiven { approval, .. }
                | ControlEvent::ApprovalRefused { approval, .. }
                | ControlEvent::ApprovalConsumed { approval, .. }
                | ControlEvent::ApprovalExpired { approval } => self.approvals.contains(approval),
                ControlEvent::PayloadsErased { subject } => {
                    subject.as_str().parse().is_ok_and(|task: TaskId| self.tasks.contains(&task))
                }
                ControlEvent::FileCleared { .. }
                | ControlEvent::OwnerRevoked { .. }
                | ControlEvent::PolicyLoaded { .. }
                | ControlEvent::SecretAdded { .. }
                | ControlEvent::SecretRotated { .. }
                | ControlEvent::SecretRemoved { .. } => false,
            },
        }
    }
}

// === impl Filter ===

impl Filter {
    fn fits(&self, entry: &AnyEntry, ask: &AuditSearch) -> bool {
        if ask.until.is_some_and(|until| entry.at() > until) {
            return false;
        }
        if self.who.as_ref().is_some_and(|who| !who.concerns(entry)) {
            return false;
        }
        if ask.verdict.is_some() || ask.effect.is_some() {
            let AnyEntry::Activity(entry) = entry else { return false };
            let ActivityEvent::CallDecided { decision, effects, .. } = &entry.event else { return false };
            let verdict = ask.verdict.is_none_or(|wanted| decision.verdict == wanted);
            if !verdict || ask.effect.is_some_and(|wanted| !effects.contains(&wanted)) {
                return false;
            }
        }
        match &ask.event {
            Some(wanted) => event_type(entry).as_deref() == Some(wanted.as_str()),
            // One build starts hundreds of programs: who wants those asks for them.
            None => !is_start(entry),
        }
    }
}

/// Whether it is about the start of programs.
fn is_start(entry: &AnyEntry) -> bool {
    let AnyEntry::Activity(entry) = entry else { return false };
    matches!(entry.event, ActivityEvent::ProgramStarted { .. } | ActivityEvent::ProgramsUnlisted { .. })
}

/// The event's type as it stands in the entry.
fn event_type(entry: &AnyEntry) -> Option<String> {
    let event = match entry {
        AnyEntry::Activity(entry) => serde_json::to_value(&entry.event),
        AnyEntry::Control(entry) => serde_json::to_value(&entry.event),
    };
    event.ok()?.get("type")?.as_str().map(str::to_owned)
}

fn parse_cursor(text: &str) -> Result<(u64, u64), AuditError> {
    let (control, activity) = text.split_once('-').ok_or(AuditError::Cursor)?;
    let number = |text: &str| text.parse().map_err(|_| AuditError::Cursor);
    Ok((number(control)?, number(activity)?))
}

/// One log, read from its end.
pub(super) struct Backwards<'a> {
    office: &'a Office,
    log: Stream,
    /// Entries below this are still to be looked at.
    end: u64,
    /// Read and not looked at yet; the newest is last.
    read: Vec<(u64, Vec<u8>)>,
    next: Option<Found>,
}

pub(super) struct Found {
    index: u64,
    pub(super) entry: AnyEntry,
    bytes: Vec<u8>,
}

// === impl Backwards ===

impl<'a> Backwards<'a> {
    pub(super) const fn new(office: &'a Office, log: Stream, end: u64) -> Self {
        Self { office, log, end, read: Vec::new(), next: None }
    }

    pub(super) fn peek(&mut self) -> Result<Option<&Found>, OfficeError> {
        if self.next.is_none() && self.end > 0 {
            if self.read.is_empty() {
                self.fill()?;
            }
            if let Some((index, bytes)) = self.read.pop() {
                self.next = Some(Found { index, entry: AnyEntry::read(self.log, &bytes)?, bytes });
            }
        }
        Ok(self.next.as_ref())
    }

    pub(super) fn take(&mut self) -> Option<Found> {
        let taken = self.next.take()?;
        self.end = taken.index;
        Some(taken)
    }

    /// Nothing further down is of interest.
    fn finish(&mut self) {
        (self.end, self.next) = (0, None);
        self.read.clear();
    }

    /// Reads the last entries below `end`.
    fn fill(&mut self) -> Result<(), OfficeError> {
        let mut from = self.end.saturating_sub(CHUNK);
        while from < self.end {
            let wanted = usize::try_from(self.end - from).unwrap_or(usize::MAX);
            let read = self.office.ledger().read(self.log, from, wanted)?;
            let Some((last, _)) = read.last() else { break };
            from = last + 1;
            self.read.extend(read.into_iter().filter(|(index, _)| *index < self.end));
        }
        Ok(())
    }
}
