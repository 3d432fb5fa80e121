//! An office in memory, with everything a test may want to break.

use std::collections::HashMap;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use writ_gateway::hook::{Frame, HookReply, Manner};
use writ_gateway::port::{
    Approvals, Ask, FileDigests, NewActivity, Payload, PortError, Random, Recalled, Record, Standing, Survey,
    Taints, Taken, TaskFacts, Tasks,
};
use writ_gateway::{Bench, Door, DoorPlan, Judge, NoJudge, PolicyBench, Ports};
use writ_ledger::{Durability, Receipt, Stream};
use writ_model::{
    ActivityEvent, AgentId, ApprovalId, ApprovalLevel, ApprovalState, AutonomyLevel, Bounds, CallId, Client,
    Clock, CloseCause, Digest, Fingerprint, Grant, GrantId, Human, Label, LifecycleState, Limits, SessionId,
    Supervision, Task, TaskId, TaskKind, TaskState, Timestamp, ToolCall,
};
use writ_policy::{
    Engine, Entry, Files, Grants, Ground, Judgement, KnownHosts, Marked, Moment, PolicySources, PrivateData,
    Risen, SourceFile, StepUp, Trace,
};

pub const NOW: i64 = 1_795_306_510_162;
pub const WORKSPACE: &str = "/home/dev/project";
/// The workspace's own remote.
pub const ORIGIN: &str = "forge.example/team/app";

/// How a port behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Works,
    Fails,
    Hangs,
    /// Records less durably than it was asked to.
    Lies,
}

#[derive(Default)]
pub struct Book {
    pub entries: Vec<(ActivityEvent, Vec<Payload>, Durability)>,
    pub approvals: Vec<(ApprovalId, Digest, ApprovalState, ApprovalLevel)>,
    pub shown: Vec<String>,
    pub closed: Vec<CloseCause>,
    pub seen: Vec<Fingerprint>,
    pub record: Mood,
    pub approving: Mood,
    pub tasks: Mood,
    pub taints: Mood,
    /// What was reported, by conversation.
    pub traces: Vec<(TaskId, Digest, Trace)>,
    pub marked: Vec<Marked>,
    pub judge_panics: bool,
    /// What the judge was told of each call's circumstances.
    pub moments: Vec<Moment>,
    pub ids: u64,
}

pub struct World {
    pub book: Mutex<Book>,
    pub standing: Mutex<Standing>,
    pub changed: watch::Sender<()>,
    pub facts: Mutex<TaskFacts>,
    pub now: AtomicI64,
    pub files: Mutex<HashMap<PathBuf, Digest>>,
    pub links: Mutex<HashMap<PathBuf, PathBuf>>,
    /// Nothing is there but the files and links; otherwise everything is.
    pub bare: AtomicBool,
    pub random: AtomicU64,
    /// How far the client acts by itself, from 0 to 3.
    pub autonomy: AtomicU8,
}

/// One shared world behind every port.
#[derive(Clone)]
pub struct Shared(pub Arc<World>);

pub struct Scene {
    pub world: Arc<World>,
    pub door: Arc<Door<Shared>>,
}

pub fn digest(byte: u8) -> Digest {
    Digest::new([byte; 32])
}

fn engine() -> Arc<Engine> {
    static ENGINE: std::sync::OnceLock<Arc<Engine>> = std::sync::OnceLock::new();
    Arc::clone(ENGINE.get_or_init(|| Arc::new(Engine::load(&PolicySources::shipped()).unwrap())))
}

// === impl Scene ===

impl Scene {
    pub fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    /// The supervisor dies and another one takes the task up. What was recorded is there, nothing else.
    pub fn restarted(&self) -> Self {
        let next = Self::new();
        let (mut old, mut new) = (self.book(), next.book());
        new.traces = std::mem::take(&mut old.traces);
        new.marked = std::mem::take(&mut old.marked);
        drop((old, new));
        next
    }

    pub fn with(task: impl FnOnce(&mut Task), plan: impl FnOnce(&mut DoorPlan)) -> Self {
        Self::under(engine(), None, task, plan)
    }

    /// With the organisation's own policy, in a task whose requester named these hosts.
    pub fn of_organisation(policy: &str, hosts: &[&str], plan: impl FnOnce(&mut DoorPlan)) -> Self {
        let file = SourceFile { name: "own.cedar".to_owned(), text: policy.to_owned() };
        let engine = Engine::load(&PolicySources::shipped().with_organisation([file])).unwrap();
        let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let bounds = Bounds { hosts: Some(hosts), ..Bounds::default() };
        Self::under(Arc::new(engine), Some(bounds), |_| {}, plan)
    }

    fn under(
        engine: Arc<Engine>,
        bounds: Option<Bounds>,
        task: impl FnOnce(&mut Task),
        plan: impl FnOnce(&mut DoorPlan),
    ) -> Self {
        let at = Timestamp::from_millis(NOW);
        let owner = Human("uid:1000".parse().unwrap());
        let mut own = Task {
            id: TaskId::new(at, [1; 10]),
            agent: AgentId::new(at, [2; 10]),
            client: Client::ClaudeCode,
            kind: TaskKind::Feature,
            requester: owner.clone(),
            intent: digest(3),
            workspace: digest(4),
            branch_prefix: "writ/".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            supervision: Supervision::Governed,
            limits: Limits::default(),
            bounds: None,
            opened_at: at,
        };
        task(&mut own);
        let id = own.id;
        let facts = TaskFacts {
            task: own,
            agent_name: "claude".parse().unwrap(),
            agent_owner: owner,
            agent_environment: "dev".parse().unwrap(),
            workspace: WORKSPACE.into(),
            intent: "add a button".to_owned(),
            bounds,
        };
        let standing = Standing {
            agent_state: LifecycleState::Active,
            task_state: TaskState::Open,
            writ_expires_at: Timestamp::from_millis(NOW + 86_400_000),
            revoked: false,
            fingerprint_changed: false,
            control_size: 7,
            connected: true,
            grants: [].into(),
            givable: ApprovalLevel::RISING.into(),
        };
        let world = Arc::new(World {
            book: Mutex::default(),
            standing: Mutex::new(standing),
            changed: watch::channel(()).0,
            facts: Mutex::new(facts),
            now: AtomicI64::new(NOW),
            files: Mutex::default(),
            links: Mutex::default(),
            bare: AtomicBool::new(false),
            random: AtomicU64::new(0),
            autonomy: AtomicU8::new(0),
        });
        let shared = Shared(Arc::clone(&world));
        let bench = PolicyBench {
            engine,
            files: Arc::new(shared.clone()),
            home: Some("/home/dev".into()),
            scratch: vec!["/tmp".into()],
            own: vec!["/home/dev/.local/state/writ".into()],
            private: PrivateData::default(),
            known: KnownHosts { origin: Some(ORIGIN.to_owned()), ..KnownHosts::default() },
        };
        let ports = Ports {
            office: shared.clone(),
            bench: Arc::new(Nervous { bench, world: Arc::clone(&world) }),
            files: Arc::new(shared.clone()),
            survey: Arc::new(shared.clone()),
            clock: Arc::new(shared.clone()),
            random: Arc::new(shared),
        };
        let mut own = DoorPlan {
            task: Some(id),
            manner: Manner::Decide,
            hold: Duration::from_secs(580),
            deadline: Duration::from_secs(588),
            ways_out: None,
            greeting: None,
            empty: Vec::new(),
        };
        plan(&mut own);
        Self { world, door: Arc::new(Door::new(ports, own)) }
    }

    /// Answers the oldest request that waits with a grant of what it offers, and tells how much that is.
    pub fn grant(&self) -> Grant {
        let id = self.answer(ApprovalState::Approved);
        let book = self.book();
        let at = book.approvals.iter().position(|(asked, ..)| *asked == id).unwrap();
        let (level, shown) = (book.approvals[at].3, book.shown[at].clone());
        drop(book);
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let facts = self.world.facts.lock().unwrap().clone();
        let now = Timestamp::from_millis(self.world.now.load(Ordering::SeqCst));
        let grant = Grant {
            id: GrantId::new(now, [u8::try_from(at).unwrap(); 10]),
            task: facts.task.id,
            approval: id,
            level,
            terms: serde_json::from_value(shown["grant"].clone()).unwrap(),
            by: facts.task.requester,
            own: true,
            given_at: now,
            expires_at: now.after(Duration::from_secs(3_600)),
        };
        self.stand(|standing| {
            standing.grants = standing.grants.iter().cloned().chain([grant.clone()]).collect()
        });
        grant
    }

    pub async fn say(&self, client: Client, message: &serde_json::Value) -> HookReply {
        self.say_text(client, None, &message.to_string()).await
    }

    pub async fn say_text(&self, client: Client, event: Option<&str>, text: &str) -> HookReply {
        self.door.handle(Frame { client, event: event.map(Into::into), payload: text.into() }, Some(42)).await
    }

    /// Says a message of Claude Code to which a person says yes.
    pub async fn approved(&self, message: &serde_json::Value) {
        let before = self.book().approvals.len();
        let (door, text) = (Arc::clone(&self.door), message.to_string());
        let client = Client::ClaudeCode;
        let frame = writ_gateway::hook::Frame { client, event: None, payload: text.into() };
        let asked = tokio::spawn(async move { door.handle(frame, None).await });
        self.asked(before + 1).await;
        self.answer(ApprovalState::Approved);
        assert!(crate::say::runs(client, &asked.await.unwrap()));
    }

    pub fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.world.book.lock().unwrap()
    }

    pub fn events(&self) -> Vec<ActivityEvent> {
        self.book().entries.iter().map(|(event, ..)| event.clone()).collect()
    }

    /// The answers that were recorded, as words: `allow written`, `deny written guardrail` …
    pub fn decisions(&self) -> Vec<String> {
        let word = |(event, _, durability): &(ActivityEvent, Vec<Payload>, Durability)| match event {
            ActivityEvent::CallDecided { decision, .. } => {
                Some(format!("{} {} {durability:?}", decision.verdict, decision.reason).to_lowercase())
            }
            _ => None,
        };
        self.book().entries.iter().filter_map(word).collect()
    }

    pub fn stand(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.world.standing.lock().unwrap());
    }

    /// Answers the oldest request that waits.
    pub fn answer(&self, state: ApprovalState) -> ApprovalId {
        let waits = |(_, _, state, _): &(_, _, ApprovalState, _)| *state == ApprovalState::Pending;
        let at = self.book().approvals.iter().position(waits).unwrap();
        self.answer_at(at, state)
    }

    /// Answers one request, by its place.
    pub fn answer_at(&self, at: usize, state: ApprovalState) -> ApprovalId {
        let mut book = self.book();
        book.approvals[at].2 = state;
        let id = book.approvals[at].0;
        drop(book);
        self.world.changed.send_replace(());
        id
    }

    /// Waits until that many requests wait for a person.
    pub async fn asked(&self, count: usize) {
        let mut changed = self.world.changed.subscribe();
        while self.book().approvals.len() < count {
            changed.changed().await.unwrap();
        }
    }
}

// === ports ===

impl Shared {
    async fn mood(&self, mood: impl Fn(&Book) -> Mood) -> Result<Mood, PortError> {
        let mood = mood(&self.0.book.lock().unwrap());
        match mood {
            Mood::Works | Mood::Lies => Ok(mood),
            Mood::Fails => Err(PortError::Unreachable("broken".into())),
            Mood::Hangs => pending().await,
        }
    }
}

impl Record for Shared {
    async fn record(
        &self,
        _task: TaskId,
        activity: Vec<NewActivity>,
        durability: Durability,
    ) -> Result<Vec<Receipt>, PortError> {
        let mood = self.mood(|book| book.record).await?;
        let told = if mood == Mood::Lies { Durability::Written } else { durability };
        let mut book = self.0.book.lock().unwrap();
        Ok(activity
            .into_iter()
            .map(|NewActivity { event, payloads }| {
                let index = book.entries.len() as u64;
                book.entries.push((event, payloads, durability));
                Receipt::from_control_plane(told, Stream::Activity, index, index + 1)
            })
            .collect())
    }
}

impl Approvals for Shared {
    async fn take(&self, _task: TaskId, action: Digest, _call: CallId) -> Result<Option<Taken>, PortError> {
        self.mood(|book| book.approving).await?;
        let mut book = self.0.book.lock().unwrap();
        let found = book
            .approvals
            .iter_mut()
            .find(|(_, for_action, state, _)| *for_action == action && *state == ApprovalState::Approved);
        Ok(found.map(|(approval, _, state, level)| {
            *state = ApprovalState::Consumed;
            let receipt = Receipt::from_control_plane(Durability::Synced, Stream::Control, 0, 1);
            Taken { approval: *approval, level: *level, receipt }
        }))
    }

    async fn ask(&self, ask: Ask) -> Result<ApprovalId, PortError> {
        self.mood(|book| book.approving).await?;
        let mut book = self.0.book.lock().unwrap();
        let waiting = book
            .approvals
            .iter()
            .find(|(_, action, state, _)| *action == ask.action && *state == ApprovalState::Pending)
            .map(|(id, ..)| *id);
        if let Some(id) = waiting {
            return Ok(id);
        }
        if book.approvals.iter().filter(|(_, _, state, _)| *state == ApprovalState::Pending).count() >= 5 {
            return Err(PortError::ApprovalsFull);
        }
        book.ids += 1;
        let id = ApprovalId::new(Timestamp::from_millis(NOW), [u8::try_from(book.ids).unwrap(); 10]);
        book.approvals.push((id, ask.action, ApprovalState::Pending, ask.level));
        book.shown.push(String::from_utf8(ask.shown.bytes).unwrap());
        drop(book);
        self.0.changed.send_replace(());
        Ok(id)
    }

    async fn wait(&self, approval: ApprovalId, patience: Duration) -> Result<ApprovalState, PortError> {
        self.mood(|book| book.approving).await?;
        let state = || {
            let book = self.0.book.lock().unwrap();
            book.approvals.iter().find(|(id, ..)| *id == approval).unwrap().2
        };
        let mut changed = self.0.changed.subscribe();
        let resolved = async {
            while state() == ApprovalState::Pending {
                changed.changed().await.unwrap();
            }
        };
        let _ = tokio::time::timeout(patience, resolved).await;
        Ok(state())
    }
}

impl Tasks for Shared {
    async fn task_of_session(
        &self,
        _client: Client,
        _session: SessionId,
        _cwd: PathBuf,
        _peer_pid: Option<u32>,
    ) -> Result<TaskFacts, PortError> {
        self.mood(|book| book.tasks).await?;
        Ok(self.0.facts.lock().unwrap().clone())
    }

    fn standing(&self, _task: TaskId) -> Option<Standing> {
        Some(self.0.standing.lock().unwrap().clone())
    }

    async fn fingerprint_seen(
        &self,
        _task: TaskId,
        _agent: AgentId,
        seen: Fingerprint,
    ) -> Result<Standing, PortError> {
        self.mood(|book| book.tasks).await?;
        self.0.book.lock().unwrap().seen.push(seen);
        Ok(self.0.standing.lock().unwrap().clone())
    }

    async fn close(&self, _task: TaskId, cause: CloseCause) -> Result<(), PortError> {
        self.mood(|book| book.tasks).await?;
        self.0.book.lock().unwrap().closed.push(cause);
        Ok(())
    }
}

impl Taints for Shared {
    async fn recall_taint(&self, task: TaskId, client_session: Digest) -> Result<Recalled, PortError> {
        self.mood(|book| book.taints).await?;
        let book = self.0.book.lock().unwrap();
        let own =
            |(of, conversation, _): &&(TaskId, Digest, Trace)| *of == task || *conversation == client_session;
        Ok(Recalled {
            path_key: [8; 32],
            traces: book.traces.iter().filter(own).map(|(_, _, trace)| trace.clone()).collect(),
            marked: book.marked.clone(),
            crowded: false,
        })
    }

    async fn report_taint(
        &self,
        task: TaskId,
        _session: SessionId,
        client_session: Digest,
        risen: Risen,
    ) -> Result<(), PortError> {
        self.mood(|book| book.taints).await?;
        let mut book = self.0.book.lock().unwrap();
        book.traces.extend(risen.traces.into_iter().map(|trace| (task, client_session, trace)));
        book.marked.retain(|marked| !risen.gone.contains(&marked.file));
        book.marked.extend(risen.marked);
        Ok(())
    }
}

impl Files for Shared {
    fn entry(&self, path: &Path) -> Entry {
        let files = self.0.files.lock().unwrap();
        match self.0.links.lock().unwrap().get(path) {
            Some(target) => Entry::Link(target.clone()),
            None if !self.0.bare.load(Ordering::SeqCst) || files.contains_key(path) => Entry::Plain,
            None => Entry::Missing,
        }
    }
}

impl FileDigests for Shared {
    fn digest(&self, path: &Path) -> Option<Digest> {
        self.0.files.lock().unwrap().get(path).copied()
    }
}

impl Survey for Shared {
    fn fingerprint(&self, _client: Client, _workspace: &Path) -> Fingerprint {
        let version = Some(Label::lossy("2.1.330"));
        Fingerprint {
            client_version: version,
            instructions: Some(digest(5)),
            model: None,
            tools: Some(digest(6)),
        }
    }

    fn autonomy(&self, _client: Client, _workspace: &Path, _hook: Option<u32>) -> AutonomyLevel {
        AutonomyLevel::of(self.0.autonomy.load(Ordering::SeqCst))
    }
}

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now.load(Ordering::SeqCst))
    }
}

impl Random for Shared {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.random.fetch_add(1, Ordering::SeqCst);
        for (slot, byte) in bytes.iter_mut().zip(count.to_be_bytes().into_iter().cycle()) {
            *slot = byte;
        }
    }
}

/// A bench whose judges panic on demand.
struct Nervous {
    bench: PolicyBench,
    world: Arc<World>,
}

struct NervousJudge {
    judge: Arc<dyn Judge>,
    world: Arc<World>,
}

impl Bench for Nervous {
    fn judge_of(&self, facts: &TaskFacts) -> Result<Arc<dyn Judge>, NoJudge> {
        Ok(Arc::new(NervousJudge { judge: self.bench.judge_of(facts)?, world: Arc::clone(&self.world) }))
    }
}

impl NervousJudge {
    fn note(&self, moment: &Moment) {
        let mut book = self.world.book.lock().unwrap();
        book.moments.push(moment.clone());
        let panics = book.judge_panics;
        drop(book);
        assert!(!panics, "as the test asked for");
    }
}

impl Judge for NervousJudge {
    fn judge(&self, call: ToolCall, moment: &Moment, grants: &dyn Grants) -> Judgement {
        self.note(moment);
        self.judge.judge(call, moment, grants)
    }

    fn judge_again(
        &self,
        held: StepUp,
        level: ApprovalLevel,
        moment: &Moment,
        grants: &dyn Grants,
    ) -> Judgement {
        self.note(moment);
        self.judge.judge_again(held, level, moment, grants)
    }

    fn ground(&self) -> Ground<'_> {
        self.judge.ground()
    }

    fn version(&self) -> Digest {
        self.judge.version()
    }
}
