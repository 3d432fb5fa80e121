//! A small world for one case: a state directory with a key and a control socket, a run directory, a work directory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use writ_sandbox::{Danger, Ended, Plan, Profile, Running, Streams, start};

/// What must never be read inside.
pub const SECRET: &str = "the-key-of-the-house";
/// Longer than anything here takes; a case that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct World {
    pub root: PathBuf,
    pub listener: UnixListener,
    _dir: TempDir,
}

/// What a client said and how it ended.
#[derive(Debug)]
pub struct Outcome {
    pub ended: Ended,
    pub out: String,
}

// === impl World ===

impl World {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("yard-").tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        for name in ["home/state/run/mine/config", "home/state/run/other", "home/user-runtime", "work"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        for name in
            ["home/state/key", "home/state/run/other/writ", "home/user-runtime/bus", "home/docker.sock"]
        {
            fs::write(root.join(name), SECRET).unwrap();
        }
        fs::write(root.join("home/state/run/mine/config/settings"), "shipped").unwrap();
        fs::write(root.join("home/hooks.json"), "shipped").unwrap();
        let listener = UnixListener::bind(root.join("home/state/control.sock")).unwrap();
        Self { root, listener, _dir: dir }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.at("home/state")
    }

    /// A yard as `writ run` asks for it.
    pub fn profile(&self, command: &str, args: &[&str]) -> Profile {
        Profile {
            command: command.into(),
            args: args.iter().map(OsString::from).collect(),
            env: vec![
                ("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
                ("STATE".into(), self.state().into()),
                ("HOME".into(), self.at("home").into()),
                ("WORK".into(), self.at("work").into()),
            ],
            cwd: self.at("work"),
            hide: vec![self.state(), self.at("home/user-runtime"), self.at("home/docker.sock")],
            keep: vec![self.at("home/state/run/mine")],
            read_only: vec![self.at("home/hooks.json"), self.at("home/state/run/mine/config")],
            write: vec![self.root.clone()],
            run: vec!["/".into()],
            ..Profile::default()
        }
    }

    /// A yard around a shell script.
    pub fn script(&self, script: &str) -> Profile {
        self.profile("sh", &["-c", script])
    }

    /// A yard around this binary in one of its roles.
    pub fn role(&self, args: &[&str]) -> Profile {
        let own = own_path();
        let mut all = vec![crate::role::ROLE];
        all.extend(args);
        self.profile(own.to_str().unwrap(), &all)
    }

    /// Runs a script to its end and returns what it said.
    pub fn run(&self, script: &str) -> Outcome {
        run(self.script(script))
    }

    /// Runs a script that tries to get at the secret by any means, and expects that it did not: with every layer on,
    /// and by mounts and capabilities alone. What the second run said is returned.
    pub fn attack(&self, script: &str) -> Outcome {
        let whole = self.run(script);
        let bare = run(bare(self.script(script)));
        for outcome in [&whole, &bare] {
            assert!(!outcome.out.contains(SECRET), "the secret was read by:\n{script}\n{}", outcome.out);
        }
        bare
    }
}

/// The same without the layers that stop attacks before mounts and capabilities have to.
pub fn bare(profile: Profile) -> Profile {
    Profile { danger: [Danger::AllCalls, Danger::AllFiles].into(), ..profile }
}

/// Starts a yard whose output comes back on a pipe. The pipe ends when all that ever ran inside is dead.
pub fn begin(profile: Profile) -> (Running, File) {
    let plan = Plan::draw(profile).unwrap_or_else(|error| panic!("{error}"));
    let (reader, streams) = piped();
    let running = start(&plan, streams).unwrap_or_else(|error| panic!("{error}"));
    (running, reader)
}

/// Runs a yard to its end.
pub fn run(profile: Profile) -> Outcome {
    let (running, mut reader) = begin(profile);
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    let ended = running.wait_for(PATIENCE).expect("it ended");
    Outcome { ended, out: String::from_utf8_lossy(&out).into_owned() }
}

/// Output and errors on one pipe, no input.
pub fn piped() -> (File, Streams) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let stderr = writer.try_clone().unwrap();
    let stdin = OwnedFd::from(File::open("/dev/null").unwrap());
    (File::from(reader), Streams { stdin, stdout: writer, stderr })
}

/// Reads one line, byte by byte so that the rest stays for others.
pub fn line(mut reader: &File) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        assert_eq!(
            reader.read(&mut byte).unwrap(),
            1,
            "the output ended after `{}`",
            String::from_utf8_lossy(&line)
        );
        if byte[0] == b'\n' {
            break;
        }
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).into_owned()
}

pub fn own_path() -> PathBuf {
    fs::read_link("/proc/self/exe").unwrap()
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
