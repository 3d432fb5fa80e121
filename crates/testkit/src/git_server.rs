//! A git server on loopback: the real `git http-backend` behind a small HTTP server of threads, so that a push goes
//! through the bytes that git's own programs write and read.
//!
//! Requests stream in and answers stream out, chunked or not. Every request is remembered by its first line.
//!
//! Below `/api/` it is the rest of a forge, as far as refusals need one: it knows nothing, says yes to everything that
//! would change something, and remembers it.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

mod forge;
mod wire;

pub use wire::{Head, Incoming};

/// Longest time that one read or write of a connection may take.
const WITHIN: Duration = Duration::from_secs(60);

/// The running server. Dropping it closes the port.
pub struct GitServer {
    address: SocketAddr,
    root: PathBuf,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    /// `METHOD PATH?QUERY`, in order. Guarded for one push or clone.
    requests: Mutex<Vec<String>>,
    /// The word without which nobody gets in. Guarded for one look.
    password: Mutex<Option<String>>,
    /// `METHOD PATH` of what would have changed something below `/api/`. Guarded for one push or clone.
    writes: Mutex<Vec<String>>,
}

// === impl GitServer ===

impl GitServer {
    /// Serves every bare repository below `root`, pushes included.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(root: &Path) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let (at, of_thread) = (root.to_owned(), Arc::clone(&shared));
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if of_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (root, shared) = (at.clone(), Arc::clone(&of_thread));
                // A client that goes away in the middle is no failure of the server.
                std::thread::spawn(move || drop(serve(&stream, &root, &shared)));
            }
        });
        Ok(Self { address, root: root.to_owned(), shared, accepting: Some(accepting) })
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a repository, as `http://127.0.0.1:PORT/team/app.git`.
    #[must_use]
    pub fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address)
    }

    /// Makes an empty bare repository that takes pushes with options, as forges do.
    ///
    /// # Errors
    /// When git does not run or refuses.
    pub fn create(&self, repository: &str, object_format: &str) -> std::io::Result<PathBuf> {
        let folder = self.root.join(repository);
        let format = format!("--object-format={object_format}");
        let mut commands = vec![vec!["init", "--quiet", "--bare", "--initial-branch=main", &format]];
        for setting in [
            ["http.receivepack", "true"],
            ["receive.advertisePushOptions", "true"],
            ["uploadpack.allowFilter", "true"],
            ["receive.certNonceSeed", "seed"],
            ["receive.denyDeleteCurrent", "ignore"],
        ] {
            commands.push(vec!["config", setting[0], setting[1]]);
        }
        std::fs::create_dir_all(&folder)?;
        for arguments in commands {
            let output = git(&folder).args(arguments).output()?;
            if !output.status.success() {
                return Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
        }
        Ok(folder)
    }

    /// From now on whoever comes must know this word, whatever name they give (`Basic`, RFC 7617).
    pub fn guard(&self, password: &str) {
        *self.shared.password.lock().unwrap_or_else(PoisonError::into_inner) = Some(password.to_owned());
    }

    /// What was changed below `/api/`, as `METHOD PATH`.
    #[must_use]
    pub fn writes(&self) -> Vec<String> {
        self.shared.writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first lines of all requests so far, without the version of HTTP.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests().clone()
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

// === impl Shared ===

impl Shared {
    fn lets_in(&self, head: &Head) -> bool {
        let password = self.password.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(password) = password.as_deref() else { return true };
        let given = head.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let given = given.and_then(|value| BASE64_STANDARD.decode(value).ok());
        given.is_some_and(|given| given.ends_with(format!(":{password}").as_bytes()))
    }

    fn requests(&self) -> MutexGuard<'_, Vec<String>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Git without the configuration of whoever runs the test.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .current_dir(folder);
    command
}

/// Serves one connection: one request, then it is closed.
fn serve(stream: &TcpStream, root: &Path, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    let mut reader = BufReader::new(stream);
    let Some(head) = Head::read(&mut reader)? else { return Ok(()) };
    shared.requests().push(head.first.rsplit_once(' ').map_or("", |(line, _)| line).to_owned());
    let mut words = head.first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path.starts_with("/api/") {
        std::io::copy(&mut head.body(&mut reader), &mut std::io::sink())?;
        return forge::answer(stream, method, path, &shared.writes);
    }
    if !shared.lets_in(&head) {
        let mut stream = stream;
        std::io::copy(&mut head.body(&mut reader), &mut std::io::sink())?;
        return stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"forge\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    let mut command = git(root);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REMOTE_USER", "tester")
        .env("CONTENT_TYPE", head.header("content-type").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (variable, header) in
        [("HTTP_CONTENT_ENCODING", "content-encoding"), ("GIT_PROTOCOL", "git-protocol")]
    {
        if let Some(value) = head.header(header) {
            command.env(variable, value);
        }
    }
    let mut child = command.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let ended = std::thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            let mut body = head.body(&mut reader);
            scope.spawn(move || drop(std::io::copy(&mut body, &mut stdin)));
        }
        match stdout {
            Some(stdout) => answer(BufReader::new(stdout), stream),
            None => Ok(()),
        }
    });
    let _ = child.kill();
    let _ = child.wait();
    ended
}

/// Turns what the program says (RFC 3875) into an answer of HTTP, in chunks.
fn answer(mut from: BufReader<impl Read>, mut stream: &TcpStream) -> std::io::Result<()> {
    let mut status = "200 OK".to_owned();
    let mut headers = String::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            status = "500 Internal Server Error".to_owned();
            break;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        match line.strip_prefix("Status: ") {
            Some(other) => status = other.to_owned(),
            None => headers.push_str(&format!("{line}\r\n")),
        }
    }
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let mut piece = vec![0; 32 << 10];
    loop {
        let count = from.read(&mut piece)?;
        write!(stream, "{count:x}\r\n")?;
        stream.write_all(piece.get(..count).unwrap_or_default())?;
        stream.write_all(b"\r\n")?;
        if count == 0 {
            return stream.flush();
        }
    }
}
