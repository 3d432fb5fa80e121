//! `writ serve`: the control plane of this user, and how a command finds or starts it.
//!
//! One at a time for a state directory. It needs nothing beside that directory: the ledger, the keys, the control
//! socket for people and supervisors, the hook socket for sessions that nobody supervises, and what is public on
//! loopback.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use writ_control::api::public;
use writ_control::api::server::{self, Control};
use writ_control::keys::{Keys, WhenMissing};
use writ_control::store::{LedgerKeys, Options, SqliteAudit, SqliteLedger};
use writ_control::{Equipment, Office, People, SystemBoot, SystemClock, SystemRandom};
use writ_gateway::port::Random as _;
use writ_ledger::Origin;
use writ_ledger::note::SigningSeed;
use writ_ledger::vault::MasterKey;

use super::Context;
use crate::config::{State, socket_path};
use crate::door;
use crate::failure::{Failure, Kind, Outcome};
use crate::organisation;
use crate::screen;

mod hooked;
mod peers;
mod start;

pub(super) use start::connect_or_start;

#[derive(clap::Args)]
#[command(after_help = "\
`writ run` starts it by itself when none runs. Under a service manager, run it in the foreground: it says one line on
standard output when it is ready, logs to standard error (WRIT_LOG=debug says more), and ends in order on SIGTERM.

Examples:
  writ serve
  writ serve --listen 127.0.0.1:8420     public pages at a fixed port")]
pub(super) struct Arguments {
    /// The ledger's folder, in place of the one in the state directory
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Loopback address of the public pages; a free port, unless said otherwise
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Leave the terminal that it was started from
    #[arg(long, hide = true)]
    background: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// The readiness line, as a program gets it.
#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    pid: u32,
    socket: &'a Path,
    public: Option<String>,
}

pub(super) fn main(context: &Context, arguments: Arguments) -> Outcome {
    let Arguments { ledger, listen, background, json } = arguments;
    if background {
        // Fails only for the leader of a process group, which a child that was just started is not.
        let _ = rustix::process::setsid();
    }
    log("info");
    let listen = listen.or(context.config.listen);
    if listen.is_some_and(|address| !address.ip().is_loopback()) {
        return Err(Failure::usage("only a loopback address can be listened on, as 127.0.0.1:8420"));
    }
    let instance = Instance::take(&context.state)?;
    let office = Arc::new(open(&context.state, ledger)?);
    refresh(context);
    let (engine, loaded) = super::run::loaded_engine(context)?;
    office.policy_loaded(engine.version(), Some(loaded.origin.label()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let port = listen.map_or(0, |address| address.port());
    let outcome = runtime.block_on(async {
        let agents = Arc::new(peers::Agents::default());
        let socket = socket_path(context.state.control_socket())?;
        let listener = server::bind(&socket)?;
        let hooks = door::bind(&socket_path(context.state.hook_socket())?)?;
        let pages = public::bind(port).await?;
        let address = pages.local_addr().map(|address| address.to_string()).ok();
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // The sender lives as long as this block, so the wait ends with its word.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let control = Arc::new(Control {
            office: Arc::clone(&office),
            peers: Arc::clone(&agents) as _,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            public_address: address.clone(),
        });
        let visitors = tokio::spawn(door::serve(hooks, Arc::new(hooked::door(context, engine, agents)?)));
        let pages = tokio::spawn(public::serve(pages, Arc::clone(&office), until(stopped.clone())));
        let people = tokio::spawn(control.serve(listener, until(stopped)));
        remove_dead_runs(&context.state);
        tell_ready(&Ready { ready: true, pid: std::process::id(), socket: &socket, public: address }, json)?;
        let mut people = people;
        let served = tokio::select! {
            ended = &mut people => ended?,
            () = told_to_end() => {
                stop.send_replace(true);
                people.await?
            }
        };
        visitors.abort();
        pages.abort();
        served?;
        Ok::<_, Failure>(())
    });
    for path in [context.state.control_socket(), context.state.hook_socket()] {
        let _ = std::fs::remove_file(path);
    }
    drop(runtime);
    drop(office);
    drop(instance);
    outcome.map(|()| ExitCode::SUCCESS)
}

fn tell_ready(ready: &Ready<'_>, json: bool) -> Result<(), Failure> {
    let Ready { pid, socket, public, .. } = ready;
    if json {
        screen::json(ready)?;
    } else {
        let public = public.as_deref().unwrap_or("nowhere");
        screen::line(format_args!(
            "writ serve: ready, process {pid}, socket {}, public http://{public}",
            socket.display()
        ))?;
    }
    Ok(std::io::stdout().flush()?)
}

async fn told_to_end() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Opens keys, ledger and office. New ones are made only where there is no ledger yet.
fn open(state: &State, ledger: Option<PathBuf>) -> Result<Office, Failure> {
    let folder = ledger.unwrap_or_else(|| state.ledger());
    let known = SqliteAudit::open(&folder).and_then(|ledger| ledger.claimed_origin()).ok();
    let when_missing = if known.is_some() { WhenMissing::Refuse } else { WhenMissing::Make };
    let keys = Keys::open(&state.keys(), when_missing)?;
    let origin = Origin::new(&known.unwrap_or_else(new_origin))?;
    let ledger_keys = LedgerKeys {
        origin: origin.clone(),
        signer: SigningSeed::from_bytes(keys.checkpoint_seed()),
        vault_master: MasterKey::from_bytes(keys.vault_key()),
    };
    let ledger = Arc::new(SqliteLedger::open(&folder, ledger_keys, Options::default())?);
    let equipment = Equipment {
        ledger,
        origin,
        clock: Arc::new(SystemClock),
        boot: Arc::new(SystemBoot),
        random: Arc::new(SystemRandom),
        // The socket answers nobody else.
        people: People::OnlyThisUser,
    };
    Ok(Office::open(equipment, &keys)?)
}

/// Takes the organisation's newest policies, where they come from a repository that can be reached. Where it cannot,
/// those that were in force stay so; newer ones that are not valid are refused when they are loaded.
fn refresh(context: &Context) {
    match organisation::refresh(&context.config, &context.state) {
        Ok(None) => {}
        Ok(Some(loaded)) => match super::policy::accepted(context, &loaded) {
            Ok(engine) => {
                tracing::info!(origin = %loaded.origin, version = %engine.version(), "policies fetched")
            }
            Err(failure) => _ = failure.report(),
        },
        Err(error) => tracing::warn!(
            error = %format!("{:#}", anyhow::Error::from(error)),
            "the newest policies could not be fetched; those in force stay so"
        ),
    }
}

/// A name that no other ledger has.
fn new_origin() -> String {
    let mut random = [0; 8];
    crate::wire::SystemRandom.fill(&mut random);
    format!("writ.local/{}", random.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Logs to standard error: WRIT_LOG's words, else this.
pub(super) fn log(usual: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WRIT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    // A second subscriber is refused; the first one stays.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// Folders of runs whose supervisor was killed before it could take them away.
fn remove_dead_runs(state: &State) {
    let Ok(entries) = std::fs::read_dir(state.runs()) else { return };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let socket = folder.join("hook.sock");
        if let Err(error) = std::os::unix::net::UnixStream::connect(&socket)
            && error.kind() == std::io::ErrorKind::ConnectionRefused
        {
            let _ = std::fs::remove_dir_all(&folder);
            let _ = std::fs::remove_dir_all(folder.with_extension("home"));
        }
    }
}

/// The right to be the control plane of a state directory. The system frees it however the process ends.
struct Instance {
    _lock: File,
    pid: PathBuf,
}

// === impl Instance ===

impl Instance {
    fn take(state: &State) -> Result<Self, Failure> {
        let root = state.root();
        let failed = |error: std::io::Error| {
            Failure::new(
                Kind::Broken,
                format_args!("could not use `{}` for Writ's state: {error}", root.display()),
            )
            .hint("WRIT_STATE_DIR chooses another folder")
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(failed)?;
        check_private(root)?;
        let path = root.join("serve.lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let pid = std::fs::read_to_string(root.join("serve.pid")).unwrap_or_default();
            return Err(Failure::new(
                Kind::Broken,
                format_args!(
                    "a control plane runs already for `{}` (process {})",
                    root.display(),
                    pid.trim()
                ),
            ));
        }
        let pid = root.join("serve.pid");
        std::fs::write(&pid, format!("{}\n", std::process::id())).map_err(failed)?;
        Ok(Self { _lock: lock, pid })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.pid);
    }
}

fn check_private(root: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(root)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Failure::new(Kind::Broken, format_args!("`{}` belongs to another user", root.display())));
    }
    if found.mode() & 0o077 != 0 {
        return Err(Failure::new(Kind::Broken, format_args!("`{}` is open to others", root.display()))
            .hint(format!("if nobody used that: chmod 700 {}", root.display())));
    }
    Ok(())
}
