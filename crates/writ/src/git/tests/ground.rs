//! A client, the door behind a small proxy, and a server: all three with git's own programs.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use writ_gateway::git::{
    Advertisement, Encoding, Inflater, NewCommits, PushDoor, Received, Recognised, Report, ReportReader,
    Service, Step, UploadReader, recognise,
};
use writ_model::{Account, Push};
use writ_testkit::{GitServer, Head};

use super::super::{GitMirrors, Remote};

/// Answers a push: one reason per ref that is refused.
pub(super) type Decide = Box<dyn Fn(&Push) -> Vec<Option<String>> + Send + Sync>;

pub(super) struct Ground {
    pub(super) folder: tempfile::TempDir,
    pub(super) server: GitServer,
    pub(super) proxy: Arc<Proxy>,
    pub(super) repository: PathBuf,
}

pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    server: SocketAddr,
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) door: PushDoor<GitMirrors>,
    pub(super) decide: Mutex<Decide>,
    pub(super) seen: Mutex<Vec<Seen>>,
}

/// What became of one push.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) push: Option<Push>,
    pub(super) commits: NewCommits,
    pub(super) error: Option<String>,
    pub(super) report: Option<Report>,
}

// === impl Ground ===

impl Ground {
    pub(super) fn new() -> Self {
        Self::with("sha1", true)
    }

    /// With a hash function, and with or without a way to fetch what is there.
    pub(super) fn with(format: &str, is_reachable: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("g").tempdir().unwrap();
        let root = folder.path().join("server");
        std::fs::create_dir(&root).unwrap();
        let server = GitServer::start(&root).unwrap();
        let repository = server.create("team/app.git", format).unwrap();
        let base = server.url("");
        let mirrors = GitMirrors::new(
            &folder.path().join("mirrors"),
            Box::new(move |remote| {
                let path = remote.strip_prefix("forge.example/").filter(|_| is_reachable);
                let remote = path.map(|path| Remote {
                    url: format!("{base}{path}.git"),
                    headers: vec![writ_model::Secret::new("X-Lent: made-up".to_owned())],
                });
                Box::pin(std::future::ready(remote))
            }),
        );
        let proxy = Proxy::start(server.address(), PushDoor::new(mirrors));
        let ground = Self { folder, server, proxy, repository };
        let work = ground.work();
        std::fs::create_dir(&work).unwrap();
        ground.git(&["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")]);
        ground.git(&["remote", "add", "origin", &ground.url()]);
        ground
    }

    /// With two commits on the server's main branch, one on another branch, and a tag.
    pub(super) fn filled() -> Self {
        let ground = Self::new();
        ground.put("README.md", &"a line of text\n".repeat(200));
        ground.put("src/main.rs", "fn main() {}\n");
        ground.commit("Start");
        ground.put("src/lib.rs", "//! Something.\n");
        ground.commit("More");
        ground.push(&["origin", "main"]);
        ground.proxy.seen.lock().unwrap().clear();
        ground
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/team/app.git", self.proxy.address)
    }

    pub(super) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(super) fn put(&self, name: &str, text: &str) {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(super) fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "protocol.version=2"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .current_dir(folder);
        command
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.work(), arguments)
    }

    pub(super) fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.command(folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Pushes, and expects that it went through.
    pub(super) fn push(&self, arguments: &[&str]) -> Seen {
        let output = self.try_push(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        self.last()
    }

    /// Pushes, expects that it did not, and gives what git said.
    pub(super) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.try_push(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?} went through: {said}");
        self.nothing_is_left();
        said
    }

    fn try_push(&self, arguments: &[&str]) -> Output {
        self.command(&self.work()).arg("push").args(arguments).output().unwrap()
    }

    pub(super) fn last(&self) -> Seen {
        self.proxy.seen.lock().unwrap().last().cloned().expect("a push came to the door")
    }

    pub(super) fn decide(&self, decide: impl Fn(&Push) -> Vec<Option<String>> + Send + Sync + 'static) {
        *self.proxy.decide.lock().unwrap() = Box::new(decide);
    }

    /// The commit of a ref on the server.
    pub(super) fn on_server(&self, name: &str) -> Option<String> {
        let output =
            self.command(&self.repository).args(["rev-parse", "--quiet", "--verify", name]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    pub(super) fn mirror(&self) -> PathBuf {
        let folders = std::fs::read_dir(self.folder.path().join("mirrors")).unwrap();
        folders.map(|entry| entry.unwrap().path()).next().expect("a mirror")
    }

    /// What lies beside the mirrors: one folder for each push that is under way.
    pub(super) fn rooms(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.folder.path().join("mirrors")).into_iter().flatten();
        let entries = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        let is_room = |path: &PathBuf| !path.ends_with("lock") && !path.ends_with("mirror.git");
        entries.map(|entry| entry.unwrap().path()).filter(is_room).collect()
    }

    /// No push left anything behind.
    pub(super) fn nothing_is_left(&self) {
        assert_eq!(self.rooms(), [] as [PathBuf; 0]);
    }

    /// Whether a repository has an object.
    pub(super) fn has(&self, repository: &Path, oid: &str) -> bool {
        self.command(repository).args(["cat-file", "-e", oid]).output().unwrap().status.success()
    }
}

// === impl Proxy ===

impl Proxy {
    fn start(server: SocketAddr, door: PushDoor<GitMirrors>) -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let proxy = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            server,
            runtime,
            door,
            decide: Mutex::new(Box::new(|_| Vec::new())),
            seen: Mutex::default(),
        });
        let weak = Arc::downgrade(&proxy);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(proxy) = weak.upgrade() else { return };
                std::thread::spawn(move || drop(proxy.serve(&stream)));
            }
        });
        proxy
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let Some(head) = Head::read(&mut reader)? else { return Ok(()) };
        let mut words = head.first.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let call = match recognise("forge.example", method, path, query) {
            Recognised::Git(call) => call,
            other => return respond(stream, "403 Forbidden", "text/plain", format!("{other:?}").as_bytes()),
        };
        match (call.service, call.step) {
            (Service::UploadPack, step) => {
                let mut body = Vec::new();
                head.body(&mut reader).read_to_end(&mut body)?;
                if step == Step::Call {
                    let mut check = UploadReader::default();
                    let (mut bytes, mut piece) = (body.as_slice(), Vec::new());
                    if head.header("content-encoding") == Some("gzip") {
                        let mut inflater = Inflater::default();
                        while inflater.next(&mut bytes, &mut piece).unwrap() {
                            check.take(&piece).unwrap();
                        }
                        inflater.finish().unwrap();
                    } else {
                        check.take(bytes).unwrap();
                    }
                    check.finish().unwrap();
                }
                let length = u64::try_from(body.len()).unwrap();
                let (status, answer, kind) =
                    self.upstream(&head, target, length, |stream| stream.write_all(&body))?;
                respond(stream, &status, &kind, &answer)
            }
            (Service::ReceivePack, Step::Advertise) => {
                let (status, answer, kind) = self.upstream(&head, target, 0, |_| Ok(()))?;
                let mut advertisement = Advertisement::default();
                let mut out = Vec::new();
                for piece in answer.chunks(50) {
                    advertisement.take(piece, &mut out).unwrap();
                }
                self.door.advertised(&call.remote, advertisement).unwrap();
                respond(stream, &status, &kind, &out)
            }
            (Service::ReceivePack, Step::Call) => self.push(stream, &head, &mut reader, target, &call.remote),
        }
    }

    fn push(
        &self,
        stream: &TcpStream,
        head: &Head,
        reader: &mut BufReader<&TcpStream>,
        target: &str,
        remote: &str,
    ) -> std::io::Result<()> {
        let encoding =
            if head.header("content-encoding") == Some("gzip") { Encoding::Gzip } else { Encoding::Plain };
        let mut intake = self.door.receive(remote, Account::Nobody, encoding);
        let mut body = head.body(reader);
        let mut piece = vec![0; 32 << 10];
        loop {
            let count = body.read(&mut piece)?;
            if count == 0 {
                break;
            }
            self.runtime.block_on(intake.take(&piece[..count])).unwrap();
        }
        let kind = Service::ReceivePack.media_type("result");
        let prepared = match self.runtime.block_on(intake.finish()) {
            Received::Probe => return respond(stream, "200 OK", &kind, b""),
            Received::Refused(refused) => {
                self.seen.lock().unwrap().push(Seen {
                    push: None,
                    commits: NewCommits::default(),
                    error: Some(refused.error.to_string()),
                    report: None,
                });
                return match refused.body {
                    Some(body) => respond(stream, "200 OK", &kind, &body),
                    None => {
                        respond(stream, "403 Forbidden", "text/plain", refused.error.to_string().as_bytes())
                    }
                };
            }
            Received::Push(prepared) => prepared,
        };
        let mut seen = Seen {
            push: Some(prepared.push().clone()),
            commits: prepared.commits().clone(),
            error: None,
            report: None,
        };
        let reasons = (self.decide.lock().unwrap())(prepared.push());
        if reasons.iter().any(Option::is_some) {
            self.seen.lock().unwrap().push(seen);
            let says = ["ask for it with `writ approvals`".to_owned()];
            return respond(stream, "200 OK", &kind, &prepared.refuse(&reasons, &says));
        }
        let mut report = ReportReader::new(prepared.commands());
        let mut forward = self.runtime.block_on(prepared.forward()).unwrap();
        let (status, answer, kind) = self.upstream(head, target, forward.length(), |stream| {
            while let Some(piece) = self.runtime.block_on(forward.next()).unwrap() {
                stream.write_all(&piece)?;
            }
            Ok(())
        })?;
        for piece in answer.chunks(7) {
            report.take(piece).unwrap();
        }
        let report = report.finish().unwrap();
        self.runtime.block_on(forward.finish(&report));
        seen.report = Some(report);
        self.seen.lock().unwrap().push(seen);
        respond(stream, &status, &kind, &answer)
    }

    /// Asks the server the same with another body. Gives status, body and media type.
    fn upstream(
        &self,
        head: &Head,
        target: &str,
        length: u64,
        write: impl FnOnce(&mut TcpStream) -> std::io::Result<()>,
    ) -> std::io::Result<(String, Vec<u8>, String)> {
        let mut stream = TcpStream::connect(self.server)?;
        let method = head.first.split(' ').next().unwrap();
        write!(stream, "{method} {target} HTTP/1.1\r\nContent-Length: {length}\r\n")?;
        let receives = target.contains("git-receive-pack");
        for (name, value) in &head.headers {
            if matches!(name.as_str(), "content-type" | "git-protocol")
                || (name == "content-encoding" && !receives)
            {
                write!(stream, "{name}: {value}\r\n")?;
            }
        }
        stream.write_all(b"\r\n")?;
        write(&mut stream)?;
        let mut reader = BufReader::new(stream);
        let head = Head::read(&mut reader)?.unwrap();
        let mut body = Vec::new();
        head.body(&mut reader).read_to_end(&mut body)?;
        let status = head.first.split_once(' ').unwrap().1.to_owned();
        Ok((status, body, head.header("content-type").unwrap_or_default().to_owned()))
    }
}

fn respond(mut stream: &TcpStream, status: &str, kind: &str, body: &[u8]) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)
}
