//! What a run is made of before anything starts: the judge, the environment, the client's hooks, the yard's plan.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use writ_gateway::hook::Manner;
use writ_gateway::port::Random as _;
use writ_gateway::setup::{self, HookCommand, Host, Injection, OwnSandbox, Private, Run};
use writ_gateway::{Door, DoorPlan, PolicyBench, Ports, WaysOut};
use writ_policy::{Engine, KnownHosts};
use writ_sandbox::{Danger, Plan, Profile};

use super::network::{Confirmed, Endpoint, Reach};
use super::yard::ground::{Ground, Terms};
use super::yard::login::Logins;
use super::yard::session::{Place, Sessions};
use super::yard::vigil::Vigil;
use super::yard::{self, Sight, repository};
use super::{Folder, Wish, git_settings, other_text};
use crate::cli::Context;
use crate::config::{socket_path, variable};
use crate::environment::{Scrubbed, Wanted, scrubbed};
use crate::failure::{Failure, Kind};
use crate::organisation::{self, Loaded};
use crate::wire::{Files, Held, Masked, Survey, SystemClock, SystemRandom, Wire};

/// How much earlier than the hook process the door gives up.
const MARGIN: Duration = Duration::from_secs(5);
/// Largest file of a client's configuration that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The judge, with the policies in force.
pub(super) fn engine(context: &Context) -> Result<Arc<Engine>, Failure> {
    Ok(loaded_engine(context)?.0)
}

/// The judge, and where its policies come from.
pub(in crate::cli) fn loaded_engine(context: &Context) -> Result<(Arc<Engine>, Loaded), Failure> {
    let (engine, loaded) = read_engine(context)?;
    organisation::accept(&context.config, &context.state, &loaded)?;
    Ok((engine, loaded))
}

/// The judge by itself: nothing is written down about the policies that were found.
pub(in crate::cli) fn quiet_engine(context: &Context) -> Result<Arc<Engine>, Failure> {
    Ok(read_engine(context)?.0)
}

fn read_engine(context: &Context) -> Result<(Arc<Engine>, Loaded), Failure> {
    let loaded = organisation::load(&context.config, &context.state)?;
    let engine = Engine::load(&loaded.sources).map_err(|error| {
        Failure::new(Kind::Broken, format_args!("{}: {error}", loaded.origin))
            .hint("`writ policy validate` shows what is wrong with the policies")
    })?;
    Ok((Arc::new(engine), loaded))
}

/// The user's environment without what the agent must not have.
pub(super) fn environment(context: &Context, wish: &Wish) -> Result<Scrubbed, Failure> {
    let login = with_host(wish, |host| setup::login(wish.program.client, host, &wish.arguments))?;
    let wanted = Wanted { login: &login.variables, named: &wish.env, danger: &context.config.danger_pass };
    let mut scrubbed = scrubbed(std::env::vars_os(), wanted);
    // A login on disk is in the agent's reach as well.
    let files = login.files.iter().filter(|file| file.exists());
    scrubbed.handed_over.extend(files.map(|file| format!("file:{}", file.display())));
    Ok(scrubbed)
}

/// What becomes of the client's own sandbox. Where ours is given up it is what is left, and where ours lets namespaces be
/// made it can start: there nothing of it is touched.
pub(super) fn own_sandbox(wish: &Wish) -> Result<OwnSandbox, Failure> {
    if wish.danger.contains(&Danger::NoNamespaces) || wish.danger.contains(&Danger::AllCalls) {
        return Ok(OwnSandbox::Untouched);
    }
    with_host(wish, |host| setup::own_sandbox(wish.program.client, host, &wish.arguments))
}

/// The same in words; nothing where there is nothing to say.
pub(super) fn told_of_sandbox(wish: &Wish, own_sandbox: &OwnSandbox) -> Option<String> {
    let client = wish.program.client;
    match own_sandbox {
        OwnSandbox::Untouched | OwnSandbox::Off { was_on: false, .. } => None,
        OwnSandbox::Off { by, was_on: true } => {
            Some(format!("the sandbox of {client} itself is off, by {by}: it cannot start inside this one"))
        }
        OwnSandbox::Kept { by } => Some(format!(
            "the sandbox of {client} itself is as `{by}` says; where that is on, it cannot start inside this one"
        )),
    }
}

/// What answers the hooks of this run.
pub(super) fn door(
    context: &Context,
    wish: &Wish,
    engine: Arc<Engine>,
    held: &Held,
    wire: Wire,
    reach: &Reach,
    (greeting, empty): (String, Vec<PathBuf>),
) -> Result<Door<Wire>, Failure> {
    let remotes = repository::remotes_by_http(&wish.workspace);
    let origin = remotes.iter().find(|(name, _)| name == "origin").map(|(_, address)| address.clone());
    let lent = reach.lent().iter().map(Endpoint::short).collect();
    let known = KnownHosts { origin, lent, ..KnownHosts::default() };
    let ports = Ports {
        office: wire,
        bench: Arc::new(PolicyBench {
            known,
            // What is empty inside gives nothing away, whatever reads it among others.
            files: Arc::new(Masked(empty.iter().cloned().collect())),
            ..bench(context, engine)?
        }),
        files: Arc::new(Files),
        survey: Arc::new(survey(wish)),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let deadline = setup::patience(wish.program.client) - MARGIN;
    let ways_out = wish.has_way_out().then(|| WaysOut {
        remotes: remotes.iter().map(|(name, _)| name.clone()).collect(),
        publishing: true,
        model: reach.of_client().iter().map(Endpoint::short).collect(),
    });
    Ok(Door::new(
        ports,
        DoorPlan {
            task: Some(held.id()),
            manner: Manner::Decide,
            hold: wish.hold,
            deadline,
            ways_out,
            greeting: Some(greeting),
            empty,
        },
    ))
}

/// The bench of this host: the policies, and what the judge measures places from.
pub(in crate::cli) fn bench(context: &Context, engine: Arc<Engine>) -> Result<PolicyBench, Failure> {
    let mut own = vec![context.state.root().to_owned(), std::env::current_exe()?];
    own.extend(context.config.path.iter().filter_map(|path| path.parent()).map(Path::to_owned));
    own.extend(context.config.policies().map(Path::to_owned));
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    Ok(PolicyBench {
        engine,
        files: Arc::new(Files),
        home: home().map(real),
        scratch: [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()].into_iter().map(real).collect(),
        own: own.into_iter().map(real).collect(),
        private: context.config.private.clone(),
        known: KnownHosts::default(),
    })
}

/// How the client of this run is looked at, before it starts and when its session does.
pub(super) fn survey(wish: &Wish) -> Survey {
    Survey { home: home(), program: Some(wish.program.path.clone()), arguments: wish.arguments.clone() }
}

/// What the task may do in which workspace, for looking at that.
pub(super) fn terms<'a>(wish: &'a Wish, home: Option<&'a Path>) -> Terms<'a> {
    Terms { workspace: &wish.workspace, home, kind: wish.kind, bounds: wish.bounds.as_ref() }
}

pub(super) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

/// The hook socket of the run.
pub(super) fn socket(folder: &Folder) -> Result<PathBuf, Failure> {
    Ok(socket_path(folder.0.join("hook.sock"))?)
}

/// The client's hooks, for this run only. Its files are written into the run's folder.
pub(super) fn injection(
    wish: &Wish,
    folder: &Folder,
    own_sandbox: &OwnSandbox,
) -> Result<Injection, Failure> {
    let command = HookCommand {
        program: std::env::current_exe()?,
        socket: socket(folder)?,
        deadline: setup::patience(wish.program.client),
    };
    let mut nonce = [0; 16];
    SystemRandom.fill(&mut nonce);
    let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    let private = folder.private();
    let run = Run {
        command: &command,
        folder: &folder.0,
        private: &private,
        cwd: &wish.cwd,
        nonce: &nonce,
        own_sandbox,
        arguments: &wish.arguments,
    };
    let injection = with_host(wish, |host| setup::inject(wish.program.client, host, &run))?
        .map_err(|error| Failure::new(Kind::Denied, error))?;
    for (name, text) in &injection.files {
        let path = folder.0.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    if let Some(wanted) = &injection.private {
        furnish(&private, wanted)?;
    }
    Ok(injection)
}

/// Makes the client's private folder: our files, and links to whatever else the user has.
fn furnish(private: &Path, wanted: &Private) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    let Private { name, mirrors, files } = wanted;
    let folder = private.join(name);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    let entries = match std::fs::read_dir(mirrors) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let name = entry?.file_name();
        if !files.iter().any(|(ours, _)| ours.starts_with(&name)) {
            std::os::unix::fs::symlink(mirrors.join(&name), folder.join(&name))?;
        }
    }
    Ok(())
}

/// Where the certificates lie that programs inside trust.
pub(super) fn bundle(folder: &Folder) -> PathBuf {
    folder.0.join("trusted.pem")
}

/// The exact steps of the yard.
pub(super) struct Drawn {
    pub(super) plan: Plan,
    /// Who watches what it keeps.
    pub(super) vigil: Vigil,
    /// What the agent is told of it.
    pub(super) kept: String,
    /// What of the workspace is empty inside.
    pub(super) empty: Vec<PathBuf>,
}

/// What of the workspace is empty inside; nothing where nothing is mounted.
pub(super) fn empty(wish: &Wish, ground: &Ground) -> Vec<PathBuf> {
    let Some(looked) = ground.looked().ok().filter(|_| !wish.danger.contains(&Danger::NoNamespaces)) else {
        return Vec::new();
    };
    yard::empty(looked, &wish.workspace, wish.bounds.as_ref()).into_iter().collect()
}

/// Draws the plan of a run, which is applied as it is or not at all.
pub(super) fn plan(
    context: &Context,
    wish: &Wish,
    folder: &Folder,
    reach: &Reach,
    (ground, sessions): (&Ground, &Sessions),
    mut scrubbed: Scrubbed,
    injection: Injection,
) -> Result<Drawn, Failure> {
    let Injection { files: _, private, set, unset, arguments } = injection;
    for name in unset {
        scrubbed.unset(name);
    }
    for (name, value) in set {
        scrubbed.set(&name, value);
    }
    scrubbed.set(variable::HOOK_SOCKET, socket(folder)?);
    let exe = std::env::current_exe()?;
    if wish.has_way_out() {
        for (name, value) in reach.variables(&bundle(folder)) {
            scrubbed.set(name, value);
        }
    }
    let home = home().ok_or_else(no_home)?;
    if ground.is_all_hooks(&terms(wish, Some(&home))) {
        let told =
            "`core.hooksPath` leads to the workspace itself: git outside would run what a task writes there";
        return Err(Failure::new(Kind::Denied, told).hint("give hooks a folder of their own"));
    }
    let looked = ground.looked().map_err(|error| {
        Failure::new(Kind::Denied, error)
            .hint("work in a clone of its own, or move what is built and fetched out of the workspace")
    })?;
    let mut empty = empty(wish, ground);
    let passed_over = other_text::passed_over(wish, folder, &home, ground, &empty)?;
    if let Some(list) = &passed_over.for_all {
        git_settings::also(&mut scrubbed, "core.excludesFile", list);
    }
    let tracked = other_text::as_tracked(wish, folder, ground, &empty)?;
    let mut replace = other_text::without_credentials(wish, folder, &home, looked)?;
    replace.extend(tracked.iter().cloned());
    let tracked: Vec<PathBuf> = tracked.into_iter().map(|(path, _)| path).collect();
    empty.retain(|path| !tracked.contains(path));
    if wish.has_way_out() {
        replace.extend(other_text::own_names(folder, reach)?);
    }
    let copy_as = other_text::own_memory(wish, folder, &home, ground)?;
    let mut read_only = vec![folder.0.clone(), exe.clone()];
    read_only.extend(context.config.path.iter().filter_map(|path| path.parent()).map(Path::to_owned));
    read_only.extend(context.config.policies().map(Path::to_owned));
    let kept = std::iter::once(folder.0.clone()).chain(private.map(|_| folder.private()));
    let mut profile = Profile {
        command: wish.program.path.clone().into_os_string(),
        args: arguments.into_iter().map(OsString::from).collect(),
        env: scrubbed.passed,
        cwd: wish.cwd.clone(),
        hide: vec![context.state.root().to_owned()],
        hide_if_present: other_hands(|name| std::env::var_os(name)),
        keep: kept.collect(),
        show: read_only.clone(),
        write: vec![folder.private()],
        // With its folder, because an update puts another file in its place while a task goes on.
        run: exe.parent().map(Path::to_owned).into_iter().chain([exe.clone(), folder.private()]).collect(),
        read_only,
        replace,
        copy_as,
        listen: reach.ports(),
        hear: reach.names_ports(),
        danger: wish.danger.clone(),
        recorded: true,
        ..Profile::default()
    };
    Sight {
        client: wish.program.client,
        program: &wish.program.path,
        workspace: &wish.workspace,
        home: &home,
        kind: wish.kind,
        bounds: wish.bounds.as_ref(),
        ground,
        sessions,
        looked,
        tracked: &tracked,
        variable: &|name| std::env::var_os(name),
    }
    .into_profile(&mut profile)?;
    let told = yard::kept::told(&wish.workspace, &profile.read_only, &empty, &tracked);
    let kept = [&profile.read_only, &profile.links, &profile.hide_if_present].into_iter().flatten();
    let kept: Vec<PathBuf> = kept.chain(profile.replace.iter().map(|(path, _)| path)).cloned().collect();
    // Who changes one of these outside takes nothing away from what is kept.
    profile.replace.extend(passed_over.lists);
    let vigil = if wish.danger.contains(&Danger::NoNamespaces) {
        // Nothing is mounted that could go.
        Vigil::default()
    } else {
        Vigil::of(&ground.shared(&terms(wish, Some(&home))), &kept)
    };
    let plan = Plan::draw(profile)
        .map_err(|error| Failure::from(error).hint("`writ doctor` tells what this machine can enforce"))?;
    Ok(Drawn { plan, vigil, kept: told, empty })
}

/// The logins of the client that are handed over as they are.
pub(super) fn logins(context: &Context, wish: &Wish) -> Result<Logins, Failure> {
    let home = home().ok_or_else(no_home)?;
    let files = yard::logins(wish.program.client, &home, &|name| std::env::var_os(name));
    Ok(Logins::of(&context.state.runs(), files)?)
}

/// What the client remembers of its sessions, and what of it concerns this task.
pub(super) fn sessions(wish: &Wish) -> Result<Sessions, Failure> {
    let home = home().ok_or_else(no_home)?;
    Ok(Sessions::of(&Place {
        client: wish.program.client,
        home: &home,
        workspace: &wish.workspace,
        cwd: &wish.cwd,
        variable: &|name| std::env::var_os(name),
        now: crate::wire::now(),
    }))
}

/// What the client of a run has to reach.
pub(super) fn reach(context: &Context, wish: &Wish) -> Result<Reach, Failure> {
    let home = home().ok_or_else(no_home)?;
    let variable = |name: &str| std::env::var_os(name);
    let client = wish.program.client;
    Ok(Reach::of(client, &home, &variable, &wish.arguments, wish.bounds.as_ref(), &confirmed(context, wish)))
}

/// Hosts that were confirmed for the client of a run.
pub(super) fn confirmed(context: &Context, wish: &Wish) -> Confirmed {
    let list = context.state.root().join("hosts").join(format!("{}.json", wish.program.client));
    let named = wish.bounds.iter().flat_map(|bounds| bounds.hosts.iter().flatten()).cloned();
    Confirmed::read(list, named.collect())
}

fn no_home() -> Failure {
    Failure::usage("HOME is not set, and the client needs it").hint("set it to the user's home folder")
}

/// The user's runtime folder, session bus, multiplexers, display and agents: wherever a process outside takes orders.
pub(in crate::cli) fn other_hands(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let uid = rustix::process::getuid().as_raw();
    let mut hidden = writ_sandbox::ways_out(uid);
    let named = ["XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "XAUTHORITY"].into_iter().filter_map(&variable);
    hidden.extend(named.map(PathBuf::from));
    hidden.extend(variable("HOME").map(|home| Path::new(&home).join(".Xauthority")));
    hidden.extend(
        variable("TMUX")
            .and_then(|value| value.to_str().and_then(|value| value.split(',').next()).map(PathBuf::from)),
    );
    hidden.extend(variable("DBUS_SESSION_BUS_ADDRESS").into_iter().flat_map(|address| {
        let address = address.to_string_lossy().into_owned();
        address
            .split([';', ',', ':'])
            .filter_map(|part| part.strip_prefix("path="))
            .map(PathBuf::from)
            .collect::<Vec<_>>()
    }));
    hidden.retain(|path| path.is_absolute() && path.parent().is_some());
    hidden
}

/// Hands the host's variables and files to a setup, which reads nothing else.
fn with_host<T>(wish: &Wish, look: impl FnOnce(&Host<'_>) -> T) -> Result<T, Failure> {
    let home = home().ok_or_else(no_home)?;
    let variable = |name: &str| std::env::var(name).ok();
    let read = |path: &Path| crate::config::read_text(path, MAX_FILE_BYTES);
    Ok(look(&Host { home: &home, workspace: &wish.workspace, variable: &variable, read: &read }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_act_outside_is_hidden() {
        let found = other_hands(|name| match name {
            "XDG_RUNTIME_DIR" => Some("/run/user/7".into()),
            "DBUS_SESSION_BUS_ADDRESS" => Some("unix:path=/tmp/dbus-x,guid=0;unix:abstract=/y".into()),
            "SSH_AUTH_SOCK" => Some("/tmp/ssh-1/agent.2".into()),
            "TMUX" => Some("/tmp/other/default,12,0".into()),
            "HOME" => Some("/home/dev".into()),
            "XAUTHORITY" => Some("relative".into()),
            _ => None,
        });
        for path in [
            "/run/user/7",
            "/tmp/dbus-x",
            "/tmp/ssh-1/agent.2",
            "/tmp/other/default",
            "/home/dev/.Xauthority",
            "/run/docker.sock",
        ] {
            assert!(found.contains(&PathBuf::from(path)), "{path}");
        }
        assert!(found.iter().all(|path| path.is_absolute()));
    }
}
