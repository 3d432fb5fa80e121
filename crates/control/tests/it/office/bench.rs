//! An office on a bench: a clock that is moved by hand, a ledger that fails on demand.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use writ_control::api::message::*;
use writ_control::api::{ApiError, Bytes, ErrorCode};
use writ_control::keys::{Keys, WhenMissing};
use writ_control::store::{LedgerKeys, MemoryLedger, Options, SqliteLedger};
use writ_control::{BootTime, Equipment, Office, OfficeError, People, Random, RandomFailed};
use writ_ledger::storage::{AppendError, PayloadError, ReadError, Sizes, StoreSnapshotError};
use writ_ledger::vault::{Opened, Salt};
use writ_ledger::{
    Append, Commitment, Durability, Expected, Head, Payload as Sealed, Receipt, Snapshot, Storage, Stream,
    SubjectId,
};
use writ_model::*;

pub(crate) const START: i64 = 1_795_306_510_000;
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Wall clock and boot time, moved by hand.
pub(crate) struct Hands {
    wall: AtomicI64,
    boot: AtomicI64,
}

impl Hands {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { wall: AtomicI64::new(START), boot: AtomicI64::new(5_000) })
    }

    /// Time passes, for everybody.
    pub(crate) fn pass(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        self.wall.fetch_add(millis, Ordering::Relaxed);
        self.boot.fetch_add(millis, Ordering::Relaxed);
    }

    /// Somebody sets the clock back.
    pub(crate) fn set_back(&self, span: Duration) {
        self.wall.fetch_sub(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::Relaxed))
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.wall()
    }
}

impl BootTime for Hands {
    fn since_boot(&self) -> Duration {
        Duration::from_millis(self.boot.load(Ordering::Relaxed).unsigned_abs())
    }
}

/// Counts up: every id and salt differs, and every run is the same.
#[derive(Default)]
pub(crate) struct Counting(Mutex<u64>);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailed> {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        bytes.fill(0);
        for (byte, new) in bytes.iter_mut().zip(count.to_be_bytes()) {
            *byte = new;
        }
        Ok(())
    }
}

/// What goes wrong with the next appends.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    None,
    /// Nothing is written, and the caller is told.
    Before,
    /// It is written, and the caller is told that it failed.
    After,
    /// As a full disk: nothing is written, not even revocations.
    Full,
}

/// A ledger in memory that fails on demand.
pub(crate) struct Failing {
    inner: Arc<dyn Storage>,
    fault: AtomicU8,
}

impl Failing {
    pub(crate) fn new(inner: Arc<dyn Storage>) -> Arc<Self> {
        Arc::new(Self { inner, fault: AtomicU8::new(Fault::None as u8) })
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::Relaxed);
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault.load(Ordering::Relaxed) == fault as u8
    }
}

fn broken() -> AppendError {
    AppendError::Engine(Arc::new(std::io::Error::other("the disk is gone")))
}

impl Storage for Failing {
    fn append(
        &self,
        batch: Vec<Append>,
        expected: Option<Expected>,
        durability: Durability,
    ) -> Result<Vec<Receipt>, AppendError> {
        if self.is(Fault::Before) {
            return Err(broken());
        }
        if self.is(Fault::Full) {
            return Err(AppendError::DiskFull);
        }
        let receipts = self.inner.append(batch, expected, durability)?;
        if self.is(Fault::After) { Err(broken()) } else { Ok(receipts) }
    }

    fn append_revocation(&self, batch: Vec<Append>) -> Result<Vec<Receipt>, AppendError> {
        if self.is(Fault::Full) || self.is(Fault::Before) {
            return Err(AppendError::DiskFull);
        }
        self.inner.append_revocation(batch)
    }

    fn head(&self, stream: Stream) -> Head {
        self.inner.head(stream)
    }

    fn tip(&self, stream: Stream) -> u64 {
        self.inner.tip(stream)
    }

    fn read(&self, stream: Stream, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
        self.inner.read(stream, from, max)
    }

    fn tile(&self, stream: Stream, id: writ_ledger::tile::TileId, width: u16) -> Result<Vec<u8>, ReadError> {
        self.inner.tile(stream, id, width)
    }

    fn bundle(&self, stream: Stream, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        self.inner.bundle(stream, index, width)
    }

    fn put_snapshot(&self, version: u32, sizes: Sizes, body: Vec<u8>) -> Result<(), StoreSnapshotError> {
        self.inner.put_snapshot(version, sizes, body)
    }

    fn latest_snapshot(&self, version: u32) -> Result<Option<Snapshot>, StoreSnapshotError> {
        self.inner.latest_snapshot(version)
    }

    fn seal(&self, subject: &SubjectId, salt: &Salt, bytes: &[u8]) -> Result<Sealed, PayloadError> {
        self.inner.seal(subject, salt, bytes)
    }

    fn payload(&self, commitment: &Commitment) -> Result<Option<Opened>, PayloadError> {
        self.inner.payload(commitment)
    }

    fn erase(&self, subject: &SubjectId) -> Result<u64, PayloadError> {
        self.inner.erase(subject)
    }
}

/// An office and everything around it.
pub(crate) struct Bench {
    pub(crate) office: Arc<Office>,
    pub(crate) hands: Arc<Hands>,
    pub(crate) ledger: Arc<Failing>,
    random: Arc<Counting>,
    home: tempfile::TempDir,
}

pub(crate) fn human(n: u32) -> Human {
    Human(Label::lossy(&format!("uid:{n}")))
}

pub(crate) fn label(text: &str) -> Label {
    text.parse().unwrap()
}

pub(crate) fn digest(n: u8) -> Digest {
    Digest::new([n; 32])
}

/// Whom the bench's tasks are asked for by.
pub(crate) fn me() -> Human {
    human(1000)
}

pub(crate) fn keys(home: &Path) -> (Keys, LedgerKeys) {
    let keys = Keys::open(&home.join("keys"), WhenMissing::Make).unwrap();
    let ledger = keys.ledger_keys(keys.origin().unwrap());
    (keys, ledger)
}

impl Bench {
    /// On a ledger in memory.
    pub(crate) fn new() -> Self {
        Self::on(|_, keys| Arc::new(MemoryLedger::new(keys).unwrap()))
    }

    /// On a ledger on disk.
    pub(crate) fn stored() -> Self {
        Self::on(|home, keys| {
            Arc::new(SqliteLedger::open(&home.join("ledger"), keys.clone(), Options::default()).unwrap())
        })
    }

    fn on(ledger: impl FnOnce(&Path, &LedgerKeys) -> Arc<dyn Storage>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (keys, ledger_keys) = keys(home.path());
        let ledger = Failing::new(ledger(home.path(), &ledger_keys));
        let (hands, random) = (Hands::new(), Arc::new(Counting::default()));
        let office = open(&hands, &ledger, &random, &keys, &ledger_keys);
        Self { office, hands, ledger, random, home }
    }

    /// The control plane ends without a word, and another one starts on the same ledger.
    pub(crate) fn restart(&mut self) {
        let (keys, ledger_keys) = keys(self.home.path());
        self.office = open(&self.hands, &self.ledger, &self.random, &keys, &ledger_keys);
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Everything is closed; what is left lies in the home.
    pub(crate) fn leave(self) -> tempfile::TempDir {
        self.home
    }

    pub(crate) fn review_by(&self) -> Timestamp {
        self.hands.wall().after(90 * DAY)
    }

    pub(crate) fn registration(&self, name: &str) -> AgentRegister {
        AgentRegister {
            name: label(name),
            client: Client::ClaudeCode,
            owner: Some(me()),
            deputy: None,
            purpose: Some("writes code".into()),
            environment: label("local"),
            function: label("coding"),
            review_by: Some(self.review_by()),
            expires_at: None,
        }
    }

    /// An active agent.
    pub(crate) fn agent(&self, name: &str) -> AgentView {
        self.office.agent_register(&me(), self.registration(name)).unwrap();
        self.office.agent_approve(&me(), &AgentApprove { agent: name.into() }).unwrap()
    }

    pub(crate) fn opening(&self, agent: &str) -> TaskOpen {
        TaskOpen {
            agent: agent.into(),
            client: Client::ClaudeCode,
            kind: TaskKind::Bugfix,
            intent: "mend the fence".into(),
            workspace: "/home/me/fence".into(),
            limits: None,
            handed_over: vec![label("ANTHROPIC_API_KEY")],
            weakened: Vec::new(),
            client_sandbox_off: None,
            bounds: None,
        }
    }

    /// An active agent's open task.
    pub(crate) fn task(&self) -> TaskOpened {
        if self.office.agent_show(&AgentShow { agent: "claude".into(), at: None }).is_err() {
            self.agent("claude");
        }
        self.office.task_open(&me(), self.opening("claude")).unwrap()
    }

    pub(crate) fn with_limits(&self, limits: Limits) -> TaskOpened {
        self.agent("claude");
        let opening = TaskOpen { limits: Some(limits), ..self.opening("claude") };
        self.office.task_open(&me(), opening).unwrap()
    }

    pub(crate) fn show_task(&self, task: &TaskOpened) -> TaskView {
        self.office.task_show(&TaskShow { task: task.task.id, at: None }).unwrap()
    }

    pub(crate) fn call(&self, n: u8) -> CallId {
        CallId::new(self.hands.wall(), [n; 10])
    }

    pub(crate) fn ask(&self, task: &TaskOpened, action: u8, level: ApprovalLevel) -> ApprovalId {
        self.try_ask(task, action, level).unwrap()
    }

    pub(crate) fn try_ask(
        &self,
        task: &TaskOpened,
        action: u8,
        level: ApprovalLevel,
    ) -> Result<ApprovalId, OfficeError> {
        let ask = ApprovalAsk {
            writ: task.writ.clone(),
            call: self.call(action),
            action: digest(action),
            level,
            shown: payload(format!("{{\"n\":{action}}}").as_bytes()),
        };
        self.office.approval_ask(ask).map(|asked| asked.approval)
    }

    pub(crate) fn approve(
        &self,
        by: u32,
        approval: ApprovalId,
        action: u8,
    ) -> Result<ApprovalView, OfficeError> {
        self.office.approve(&human(by), &Approve { approval, action: digest(action), as_grant: None })
    }

    pub(crate) fn take(&self, task: &TaskOpened, action: u8) -> Result<Option<Taken>, OfficeError> {
        let ask = ApprovalTake { writ: task.writ.clone(), call: self.call(action), action: digest(action) };
        self.office.approval_take(&ask).map(|answer| answer.taken)
    }

    pub(crate) fn record(
        &self,
        task: &TaskOpened,
        activity: Vec<NewActivity>,
    ) -> Result<Recorded, OfficeError> {
        let writ = task.writ.clone();
        self.office.record(Record { writ, activity, durability: Keep::Written, control_size: None })
    }

    pub(crate) fn allow(&self, task: &TaskOpened) -> Result<Recorded, OfficeError> {
        self.record(task, vec![self.decided(Verdict::Allow, &[EffectClass::Read])])
    }

    pub(crate) fn decided(&self, verdict: Verdict, effects: &[EffectClass]) -> NewActivity {
        let event = ActivityEvent::CallDecided {
            session: session(),
            call: self.call(1),
            tool: label("Bash"),
            operation: label("shell"),
            effects: effects.to_vec(),
            subagent: None,
            decision: Decision {
                verdict,
                reason: ReasonCode::Allowed,
                approval: None,
                policies: Vec::new(),
                grants: Vec::new(),
                observed: None,
                policy_version: digest(1),
            },
            approval: None,
            action: digest(1),
            arguments: payload(b"rm -rf /").commitment,
        };
        NewActivity { event, payloads: Vec::new() }
    }
}

fn open(
    hands: &Arc<Hands>,
    ledger: &Arc<Failing>,
    random: &Arc<Counting>,
    keys: &Keys,
    ledger_keys: &LedgerKeys,
) -> Arc<Office> {
    let equipment = Equipment {
        ledger: ledger.clone(),
        origin: ledger_keys.origin.clone(),
        clock: hands.clone(),
        boot: hands.clone(),
        random: random.clone(),
        people: People::Several,
    };
    Arc::new(Office::open(equipment, keys).unwrap())
}

pub(crate) fn session() -> SessionId {
    SessionId::new(Timestamp::from_millis(START), [1; 10])
}

/// A text with a salt of its own.
pub(crate) fn payload(bytes: &[u8]) -> Payload {
    let salt = [7; 32];
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    digest.update(&salt);
    digest.update(bytes);
    let commitment: [u8; 32] = digest.finish().as_ref().try_into().unwrap();
    Payload { commitment: Digest::new(commitment), salt: Bytes(salt.to_vec()), bytes: Bytes(bytes.to_vec()) }
}

/// Says that an operation was refused, and how.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, OfficeError>, code: ErrorCode) -> ApiError {
    let error = ApiError::from(result.expect_err("it should have been refused"));
    assert_eq!(error.code, code, "{error:?}");
    let text = &error.message;
    assert!(text.starts_with(|c: char| c.is_lowercase() || c == '`'), "{text}");
    assert!(!text.ends_with('.'), "{text}");
    error
}
