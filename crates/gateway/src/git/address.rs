//! Which part of git a request speaks to, by its method and path (gitprotocol-http).

/// Longest path of a repository, in bytes.
const MAX_PATH_BYTES: usize = 1_024;

/// A service of a git server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Takes pushes.
    ReceivePack,
    /// Gives clones and fetches.
    UploadPack,
}

/// What of a service is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// `GET …/info/refs?service=…`
    Advertise,
    /// `POST …/git-upload-pack`, `POST …/git-receive-pack`
    Call,
}

/// A request to a git server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitCall {
    pub service: Service,
    pub step: Step,
    /// Host with a port that is not the usual one, and path without `.git`: `forge.example/team/app`.
    pub remote: String,
}

/// What a request is to the git door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// Nothing of git.
    Other,
    Git(GitCall),
    /// Large files (git-lfs) of this repository: an ordinary request with JSON, and transfers to where the answer says.
    Lfs {
        remote: String,
    },
    /// Git, but not for this door.
    Refused(AddressError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("git's old way to fetch file by file is not passed on; the server must speak smart HTTP")]
    Dumb,
    #[error("`git archive --remote` is not passed on; clone the repository")]
    Archive,
    #[error("the service is none of git's")]
    Service,
    #[error("the method is not the one that git uses here")]
    Method,
    #[error("the address of the repository is not in its plain form")]
    Path,
    #[error("files of a repository are not written one by one: push with git")]
    Written,
}

// === impl Service ===

impl Service {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReceivePack => "git-receive-pack",
            Self::UploadPack => "git-upload-pack",
        }
    }

    fn of(name: &str) -> Result<Self, AddressError> {
        match name {
            "git-receive-pack" => Ok(Self::ReceivePack),
            "git-upload-pack" => Ok(Self::UploadPack),
            "git-upload-archive" => Err(AddressError::Archive),
            _ => Err(AddressError::Service),
        }
    }

    /// The media type of an advertisement, of a request and of its answer.
    #[must_use]
    pub fn media_type(self, part: &str) -> String {
        format!("application/x-{}-{part}", self.name())
    }
}

// === impl GitCall ===

/// Says what a request is to the git door. `authority` is host and port as policies call a host; `path` as sent,
/// without the query; `query` without the question mark.
#[must_use]
pub fn recognise(authority: &str, method: &str, path: &str, query: Option<&str>) -> Recognised {
    // The encoding is taken off once, before anything is compared: what is encoded twice is no plain name.
    let plain = decoded(path);
    let seen = plain.as_deref().unwrap_or(path);
    match asked(method, seen, query.unwrap_or_default()) {
        None if writes(method) && is_inside(seen) => Recognised::Refused(AddressError::Written),
        None => Recognised::Other,
        Some(Err(error)) => Recognised::Refused(error),
        Some(Ok((what, repository))) => {
            let Some(remote) = plain.as_deref().and_then(|_| canonical(authority, repository)) else {
                return Recognised::Refused(AddressError::Path);
            };
            match what {
                Some((service, step)) => Recognised::Git(GitCall { service, step, remote }),
                None => Recognised::Lfs { remote },
            }
        }
    }
}

/// Whether an address that a header names, as where something is moved to, is one of git's.
#[must_use]
pub fn leads_to_git(url: &str) -> bool {
    let rest = url.trim().split_once("://").map_or(url.trim(), |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    let path = path.split(['?', '#']).next().unwrap_or_default();
    recognise("", "PUT", path, None) != Recognised::Other
}

/// Methods that put something at an address (RFC 4918, section 9; RFC 5842, section 4), as git itself did before it had a way
/// of its own.
fn writes(method: &str) -> bool {
    ["BIND", "COPY", "LOCK", "MKCOL", "MOVE", "PROPPATCH", "PUT", "REBIND"]
        .iter()
        .any(|known| method.eq_ignore_ascii_case(known))
}

/// Whether a path looks like one of a repository's own files, whatever its folder is called (gitrepository-layout).
fn is_inside(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_ref = |two: &[&str]| match two {
        ["refs", kind] => matches!(*kind, "heads" | "notes" | "remotes" | "tags"),
        ["objects", kind] => matches!(*kind, "info" | "pack"),
        _ => false,
    };
    let is_loose = |three: &[&str]| match three {
        ["objects", pair, rest] => is_pair(pair) && rest.len() >= 38 && rest.is_ascii(),
        _ => false,
    };
    parts.windows(2).any(is_ref)
        || parts.windows(3).any(is_loose)
        || matches!(parts.last(), Some(&("HEAD" | "packed-refs")))
}

/// The path in front of git's own part of an address, and what that part asks for; nothing for large files.
#[expect(clippy::type_complexity, reason = "three answers of one private function")]
fn asked<'p>(
    method: &str,
    path: &'p str,
    query: &str,
) -> Option<Result<(Option<(Service, Step)>, &'p str), AddressError>> {
    if let Some(repository) = path.strip_suffix("/info/refs") {
        let services: Vec<&str> = query.split('&').filter_map(|part| part.strip_prefix("service=")).collect();
        return Some(match services.as_slice() {
            [] => Err(AddressError::Dumb),
            [name] if query.starts_with("service=") && !query.contains('&') => match method {
                "GET" => Service::of(name).map(|service| (Some((service, Step::Advertise)), repository)),
                _ => Err(AddressError::Method),
            },
            _ => Err(AddressError::Service),
        });
    }
    if let Some((repository, name)) = path.rsplit_once('/')
        && is_service(&folded(name))
    {
        // What only some servers read as a service is none here.
        if !is_service(name) {
            return Some(Err(AddressError::Path));
        }
        return Some(match (method, query) {
            ("POST", "") => Service::of(name).map(|service| (Some((service, Step::Call)), repository)),
            ("POST", _) => Err(AddressError::Path),
            _ => Err(AddressError::Method),
        });
    }
    if let Some((repository, _)) = path.split_once("/info/lfs/") {
        return Some(Ok((None, repository)));
    }
    // Files of a repository itself, as the old way fetches them.
    let (_, inside) = path.split_once(".git/")?;
    let is_file =
        matches!(inside, "HEAD" | "packed-refs" | "config" | "description" | "index" | "info/exclude")
            || ["objects/", "refs/", "hooks/", "logs/", "info/packs"]
                .iter()
                .any(|start| inside.starts_with(start));
    is_file.then_some(Err(AddressError::Dumb))
}

fn is_service(name: &str) -> bool {
    matches!(name, "git-receive-pack" | "git-upload-pack" | "git-upload-archive")
}

/// The last part of a path as servers that are not strict have it: in small letters, without parameters and what is no letter.
fn folded(name: &str) -> String {
    let name = name.split(';').next().unwrap_or_default();
    name.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '.').to_ascii_lowercase()
}

/// Takes percent-encoding off once. `None` when it is broken, or hides what is no letter of a path.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut plain = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = u8::try_from(digit()? * 16 + digit()?).ok()?;
        // A slash or a per cent sign that is hidden would be read in two ways.
        if matches!(value, b'/' | b'\\' | b'%') || value.is_ascii_control() {
            return None;
        }
        plain.push(value);
    }
    String::from_utf8(plain).ok()
}

fn canonical(authority: &str, repository: &str) -> Option<String> {
    let rest = repository.strip_prefix('/')?;
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let fits = rest.len() <= MAX_PATH_BYTES
        && rest.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part != ".git")
        && !rest.chars().any(|c| c.is_control() || matches!(c, '\\' | '?' | '#' | ';' | '%'));
    fits.then(|| format!("{authority}/{rest}"))
}
