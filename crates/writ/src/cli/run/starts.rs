//! The record of what programs start inside: each with the digest of its file, its path and arguments in the vault.
//!
//! The kernel stops a program until it was handed over here, and what was handed over is recorded within moments. When it
//! cannot be recorded, nobody takes starts any more, and then no program starts any more.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::runtime::Handle;
use writ_gateway::port::{NewActivity, Payload, PortError, Record as _};
use writ_ledger::Durability;
use writ_model::{ActivityEvent, Digest, TaskId};
use writ_sandbox::{Found, Recorder, Started};

use crate::wire::{SystemRandom, Wire};

/// Most starts that are recorded together.
const FEW: usize = 64;
/// Between two tries while the control plane is away.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
/// Most bytes of arguments that are kept of one start. Their number is kept always.
const MAX_ARGUMENT_BYTES: usize = 2048;
/// What one listed start takes of the record beside its arguments, at the most.
const ENTRY_BYTES: u64 = 1024;
/// Largest program that is digested.
const MAX_PROGRAM_BYTES: u64 = 2 << 30;
/// Programs whose digests are remembered.
const MAX_KNOWN: usize = 4096;
/// Of what a task may record, the part that starts may take: one in so many. Beyond it they are counted.
const SHARE: u64 = 4;

/// What makes a file the same as one that was digested before.
#[derive(PartialEq, Eq, Hash)]
struct FileState {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Records starts until the sandbox ends.
struct Clerk {
    wire: Wire,
    task: TaskId,
    /// Bytes that may still be listed.
    left: u64,
    known: HashMap<FileState, Digest>,
}

/// What is recorded of one start, or of many.
enum Listed {
    Start {
        program: Option<Digest>,
        /// What the vault keeps.
        what: Vec<u8>,
    },
    Count(u64),
}

/// Begins on a thread of its own, which ends with the sandbox.
///
/// # Errors
/// When there are no more threads.
pub(super) fn record(
    recorder: Recorder,
    wire: Wire,
    task: TaskId,
    recorded_bytes: u64,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = Handle::current();
    let mut clerk = Clerk { wire, task, left: recorded_bytes / SHARE, known: HashMap::new() };
    std::thread::Builder::new().name("starts".to_owned()).spawn(move || {
        loop {
            let few = recorder.next_few(FEW);
            if few.is_empty() {
                return;
            }
            if let Err(error) = runtime.block_on(clerk.record(few)) {
                // Dropping the recorder is what stops the programs.
                tracing::error!(%error, "starts of programs cannot be recorded");
                return;
            }
        }
    })
}

// === impl Listed ===

impl Listed {
    fn activity(&self) -> NewActivity {
        match self {
            Self::Start { program, what } => {
                let what = Payload::salted(&SystemRandom, what.clone());
                let event = ActivityEvent::ProgramStarted { program: *program, what: what.commitment };
                NewActivity { event, payloads: vec![what] }
            }
            Self::Count(count) => {
                NewActivity { event: ActivityEvent::ProgramsUnlisted { count: *count }, payloads: Vec::new() }
            }
        }
    }
}

// === impl Clerk ===

impl Clerk {
    /// Records starts. While the control plane is away it is asked again; the queue fills, and then programs wait.
    ///
    /// # Errors
    /// When the control plane says no: the task is over.
    async fn record(&mut self, few: Vec<Started>) -> Result<(), PortError> {
        let listed = self.list(few);
        loop {
            let activity = listed.iter().map(Listed::activity).collect();
            match self.wire.record(self.task, activity, Durability::Written).await {
                Ok(_) => return Ok(()),
                Err(PortError::Unreachable(_)) => tokio::time::sleep(PAUSE).await,
                Err(error @ (PortError::Refused(_) | PortError::ApprovalsFull)) => return Err(error),
            }
        }
    }

    fn list(&mut self, few: Vec<Started>) -> Vec<Listed> {
        let mut unlisted = 0;
        let mut listed = Vec::with_capacity(few.len());
        for started in few {
            let what = told(&started);
            let size = u64::try_from(what.len()).unwrap_or(u64::MAX).saturating_add(ENTRY_BYTES);
            if size > self.left {
                unlisted += 1;
                continue;
            }
            self.left -= size;
            let program = started.file.and_then(|file| self.digest(file));
            listed.push(Listed::Start { program, what });
        }
        if unlisted > 0 {
            listed.push(Listed::Count(unlisted));
        }
        listed
    }

    fn digest(&mut self, file: File) -> Option<Digest> {
        let found = file.metadata().ok()?;
        let state = FileState {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        };
        if let Some(known) = self.known.get(&state) {
            return Some(*known);
        }
        let digest = digest(file)?;
        if self.known.len() < MAX_KNOWN {
            self.known.insert(state, digest);
        }
        Some(digest)
    }
}

/// What the vault keeps of a start.
fn told(started: &Started) -> Vec<u8> {
    let Started { pid, path, file: _, found, arguments } = started;
    let mut left = MAX_ARGUMENT_BYTES;
    let kept: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy())
        .map_while(|argument| {
            left = left.checked_sub(argument.len())?;
            Some(argument.into_owned())
        })
        .collect();
    let value = serde_json::json!({
        "path": path.to_string_lossy(),
        "file": match found {
            Found::Missing => "missing",
            Found::Named => "named",
            Found::Unnamed => "unnamed",
            Found::Unread => "unread",
        },
        "arguments": kept,
        "count": arguments.len(),
        "pid": pid,
    });
    value.to_string().into_bytes()
}

fn digest(file: File) -> Option<Digest> {
    let mut context = Context::new(&SHA256);
    let mut piece = vec![0; 256 << 10];
    let mut file = file.take(MAX_PROGRAM_BYTES);
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => context.update(piece.get(..count)?),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    // Larger ones have no digest, rather than one of a part.
    (file.limit() > 0).then_some(())?;
    <[u8; 32]>::try_from(context.finish().as_ref()).ok().map(Digest::new)
}
