//! The git door at the egress proxy: a push is taken apart, looked at and decided before a byte of it goes on.
//!
//! ```text
//! GET  …/info/refs?service=git-receive-pack   decided as reading refs; the server's answer is read while it passes
//! POST …/git-receive-pack                     laid on disk, inspected, decided as a `Push`; then sent, or refused in
//!                                             the form that git shows: `! [remote rejected] main -> main (reason)`
//! ```
//!
//! Fetches are ordinary requests: their repository is in their address.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderValue,
    TRANSFER_ENCODING,
};
use hyper::http::request;
use hyper::{HeaderMap, Response, StatusCode};
use tokio::sync::oneshot;
use writ_model::{Operation, Push, ReasonCode, Request};

use super::body::{BodyError, Flow};
use super::exchange::{Onward, accepted};
use super::head::VARYING;
use super::login::Login;
use super::port::{Divert, Pass, Prospect, Refusal, Wait};
use super::refuse::{No, Stop};
use crate::door::{Door, WayOut};
use crate::git::{
    AddressError, Advertisement, Encoding, Forward, Joined, Mirrors, Prepared, PushDoor, Received,
    Recognised, ReportReader, Service, Step, leads_to_git, recognise,
};
use crate::port::Office;

/// Pieces that wait between two sides.
const PIECES: usize = 4;
/// Remotes whose addresses are remembered.
const MAX_ADDRESSES: usize = 64;
/// Refs of one push that are each looked at by themselves. A push of more goes whole or not at all.
const MAX_ALONE: usize = 32;
/// Longest part of a refusal that stands beside a ref.
const MAX_REASON_CHARS: usize = 120;

/// Decides pushes by HTTP.
pub struct GitWay<O, M: Mirrors> {
    door: Arc<Door<O>>,
    way: Arc<WayOut>,
    pushes: PushDoor<M>,
    /// Names that the workspace has for remotes, with their addresses as [`Request::authority`] and path.
    names: Vec<(String, String)>,
    addresses: Addresses,
}

/// Where remotes were spoken to, by their names as the git door knows them, and how. Guarded for one look-up.
#[derive(Clone, Default)]
pub struct Addresses(Arc<Mutex<Vec<(String, Address)>>>);

/// Where one remote was spoken to.
#[derive(Clone, Debug)]
pub struct Address {
    /// Without a query.
    pub url: String,
    /// How the agent logged in there, where something is lent to it.
    pub login: Option<Login>,
}

// === impl Addresses ===

impl Addresses {
    /// The address of a remote.
    #[must_use]
    pub fn of(&self, remote: &str) -> Option<Address> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|(name, _)| name == remote).map(|(_, address)| address.clone())
    }

    fn learn(&self, remote: &str, address: Address) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(name, _)| name != remote);
        if all.len() >= MAX_ADDRESSES {
            all.remove(0);
        }
        all.push((remote.to_owned(), address));
    }
}

// === impl GitWay ===

impl<O: Office, M: Mirrors> GitWay<O, M> {
    /// `addresses` are shared with the mirrors, which fetch what a push builds on from there.
    pub fn new(
        door: Arc<Door<O>>,
        way: Arc<WayOut>,
        mirrors: M,
        names: Vec<(String, String)>,
        addresses: Addresses,
    ) -> Self {
        Self { door, way, pushes: PushDoor::new(mirrors), names, addresses }
    }

    async fn advertise(
        &self,
        remote: &str,
        request: Request,
        mut head: request::Parts,
        body: Flow,
        onward: &Onward,
    ) -> Result<Response<Flow>, No> {
        let address = request.address();
        let url = address.strip_suffix("/info/refs").unwrap_or(&address).to_owned();
        let login = Login::of(&head, &request);
        let pass = self.leave(Operation::Request(Box::new(request))).await?;
        // What differs from sending to sending is not part of the decision, and git has no such header.
        for name in VARYING {
            head.headers.remove(*name);
        }
        for name in [ACCEPT_ENCODING, ACCEPT_LANGUAGE] {
            head.headers.remove(name);
        }
        let answer = onward.send(pass, hyper::Request::from_parts(head, body)).await;
        if !is_git(&answer, "advertisement") {
            return Ok(answer);
        }
        self.addresses.learn(remote, Address { url, login });
        let (mut head, mut from) = answer.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        // It is small beside a pack, and the client pushes only what it was told of: it is read to its end first, so
        // that the push that follows finds it known.
        let (mut advertisement, mut out) = (Advertisement::default(), Vec::new());
        while let Some(frame) = from.frame().await {
            let broken = |error: BodyError| Stop::UpstreamFailed.say(error.to_string());
            if let Ok(piece) = frame.map_err(broken)?.into_data() {
                let wrong =
                    |error| Stop::UpstreamFailed.say(format!("the server's refs cannot be read: {error}"));
                advertisement.take(&piece, &mut out).map_err(wrong)?;
            }
            if out.len() > MAX_ADVERTISED_BYTES {
                return Err(Stop::TooMuch.say("the repository has more refs than one push is told of"));
            }
        }
        self.pushes.advertised(remote, advertisement).map_err(|error| {
            Stop::UpstreamFailed.say(format!("the server's refs cannot be read: {error}"))
        })?;
        Ok(Response::from_parts(head, ours(out)))
    }

    async fn push(
        &self,
        remote: &str,
        request: Request,
        head: request::Parts,
        mut body: Flow,
        onward: &Onward,
    ) -> Result<Response<Flow>, No> {
        let encoding = match head.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Encoding::Plain,
            Some(b"gzip" | b"x-gzip") => Encoding::Gzip,
            Some(_) => return Err(Stop::RequestMalformed.say("git does not encode pushes like this")),
        };
        let mut intake = self.pushes.receive(remote, request.account, encoding);
        while let Some(frame) = body.frame().await {
            let broken = |error: BodyError| Stop::RequestMalformed.say(error.to_string());
            if let Ok(piece) = frame.map_err(broken)?.into_data() {
                let wrong = |error| Stop::TooMuch.say(format!("{error}"));
                intake.take(&piece).await.map_err(wrong)?;
            }
        }
        match intake.finish().await {
            Received::Probe => Ok(result(Vec::new())),
            Received::Refused(refused) => match refused.body {
                Some(body) => Ok(result(body)),
                None => Err(Stop::RequestMalformed.say(refused.error.to_string())),
            },
            Received::Push(prepared) => self.decided(*prepared, head, onward).await,
        }
    }

    async fn decided(
        &self,
        mut prepared: Prepared<M::Room>,
        head: request::Parts,
        onward: &Onward,
    ) -> Result<Response<Flow>, No> {
        let push = self.push_of(&prepared);
        let alone = self.alone(&push).await;
        let Refusal { reason, text } = match self.leave(Operation::Push(Box::new(push))).await {
            Ok(pass) => return self.forward(prepared, pass, head, onward, None).await,
            Err(refusal) => refusal,
        };
        let (beside, says) = (beside(reason, &text), text.lines().map(str::to_owned).collect::<Vec<_>>());
        // Each ref on its own: what policy lets through by itself goes, where it can go without the rest. A person's no is to
        // the whole push that they saw.
        let is_mixed =
            reason != ReasonCode::ApprovalRefused && alone.contains(&true) && alone.contains(&false);
        if is_mixed && prepared.narrow(&alone).await {
            let part = self.push_of(&prepared);
            return match self.leave(Operation::Push(Box::new(part))).await {
                Ok(pass) => {
                    let joined = Joined::new(prepared.commands(), prepared.left(), &beside, &says);
                    self.forward(prepared, pass, head, onward, Some(joined)).await
                }
                Err(_) => {
                    let all = prepared.commands().list.len() + prepared.left().len();
                    Ok(result(prepared.refuse(&vec![Some(beside); all], &says)))
                }
            };
        }
        let updates = prepared.commands().list.len();
        let own = |at: usize| is_mixed && alone.get(at).copied().unwrap_or(false);
        let reasons: Vec<Option<String>> =
            (0..updates).map(|at| (!own(at)).then(|| beside.clone())).collect();
        Ok(result(prepared.refuse(&reasons, &says)))
    }

    /// What is decided on: the remote by the name that the workspace has for it.
    fn push_of(&self, prepared: &Prepared<M::Room>) -> Push {
        let mut push = prepared.push().clone();
        push.commits = prepared.commits().list.iter().map(|commit| commit.oid.to_string()).collect();
        // Where they could not be listed, there are none.
        push.more_commits = prepared.commits().is_cut || (push.commits.is_empty() && push.is_cut);
        if let Some((name, _)) = self.names.iter().find(|(_, at)| at.eq_ignore_ascii_case(&push.remote)) {
            name.clone_into(&mut push.remote);
        }
        push
    }

    /// Of each ref, whether policy would let it move with nobody asked, if it came with all that the push carries. Empty for
    /// a push of one, and for one of too many.
    async fn alone(&self, push: &Push) -> Vec<bool> {
        let mut alone = Vec::new();
        if (2..=MAX_ALONE).contains(&push.updates.len()) {
            for update in &push.updates {
                let one = Push { updates: vec![update.clone()], ..push.clone() };
                let prospect = self.door.prospect(&self.way, Operation::Push(Box::new(one))).await;
                alone.push(prospect == Prospect::Admitted);
            }
        }
        alone
    }

    async fn forward(
        &self,
        prepared: Prepared<M::Room>,
        pass: Pass,
        mut head: request::Parts,
        onward: &Onward,
        mut joined: Option<Joined>,
    ) -> Result<Response<Flow>, No> {
        let mut reader = ReportReader::new(prepared.commands());
        let forward = prepared.forward().await.map_err(|error| Stop::TooMuch.say(error.to_string()))?;
        for name in [ACCEPT_ENCODING, CONTENT_ENCODING, EXPECT, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(forward.length()));
        let (sender, body) = Channel::new(PIECES);
        let (done, sent) = oneshot::channel();
        tokio::spawn(send_on(forward, sender, done));
        let body = Flow::whole(body.boxed_unsync());
        let answer = onward.send(pass, hyper::Request::from_parts(head, body)).await;
        if !is_git(&answer, "result") {
            return Ok(answer);
        }
        let (mut head, mut from) = answer.into_parts();
        if joined.is_some() {
            head.headers.remove(CONTENT_LENGTH);
        }
        let (mut sender, body) = Channel::<Bytes, BodyError>::new(PIECES);
        tokio::spawn(async move {
            let mut is_read = true;
            while let Some(frame) = from.frame().await {
                let piece = match frame {
                    Ok(frame) => frame.into_data().unwrap_or_default(),
                    Err(error) => return sender.abort(error),
                };
                // What cannot be read goes on all the same: the server has done by now what it did.
                is_read = is_read && reader.take(&piece).is_ok();
                let mut with = Vec::new();
                let piece = match joined.as_mut().map(|joined| joined.take(&piece, &mut with)) {
                    None => piece,
                    Some(Ok(())) => with.into(),
                    Some(Err(error)) => return sender.abort(BodyError::Broken(error.into())),
                };
                if sender.send_data(piece).await.is_err() {
                    break;
                }
            }
            // Git has its answer; what the mirror keeps of it is our own business.
            drop(sender);
            if let (true, Ok(report), Ok(forward)) = (is_read, reader.finish(), sent.await) {
                forward.finish(&report).await;
            }
        });
        Ok(Response::from_parts(head, Flow::whole(body.boxed_unsync())))
    }

    async fn leave(&self, operation: Operation) -> Result<Pass, Refusal> {
        Ok(Pass::new(self.door.leave(&self.way, operation).await?))
    }
}

/// Most bytes of what a server tells of its refs.
const MAX_ADVERTISED_BYTES: usize = 16 << 20;

impl<O: Office, M: Mirrors> Divert for GitWay<O, M> {
    fn takes(&self, request: &Request) -> bool {
        match found(request) {
            Recognised::Git(call) => call.service == Service::ReceivePack,
            // Writing beside git's own way (WebDAV, older servers) would move refs past this door.
            Recognised::Refused(_) => !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS"),
            Recognised::Lfs { .. } | Recognised::Other => false,
        }
    }

    fn handle(
        &self,
        request: Request,
        head: request::Parts,
        body: Flow,
        onward: Onward,
    ) -> Wait<'_, Response<Flow>> {
        Box::pin(async move {
            let asked = accepted(&head.headers);
            let answer = match found(&request) {
                Recognised::Git(call) => match call.step {
                    Step::Advertise => self.advertise(&call.remote, request, head, body, &onward).await,
                    Step::Call => self.push(&call.remote, request, head, body, &onward).await,
                },
                Recognised::Refused(error) => {
                    Err(Refusal { reason: ReasonCode::Unknown, text: error.to_string() }.into())
                }
                Recognised::Other | Recognised::Lfs { .. } => {
                    Err(Stop::RequestMalformed.say("this is no push"))
                }
            };
            answer.unwrap_or_else(|no| no.respond(&asked))
        })
    }
}

/// What a request is to git, by its address and by those that its headers name.
fn found(request: &Request) -> Recognised {
    let by_path = recognise(&request.authority(), &request.method, &request.path, request.query.as_deref());
    let names =
        |name: &str| matches!(name, "destination" | "x-forwarded-uri" | "x-original-url" | "x-rewrite-url");
    let is_read = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let leads = || request.headers.iter().any(|(name, value)| names(name) && leads_to_git(value));
    // Whatever the server takes the address for, by that type it is a push.
    let is_push = || {
        let says = |(name, value): &(String, String)| {
            name == CONTENT_TYPE.as_str() && value.to_ascii_lowercase().contains(Service::ReceivePack.name())
        };
        request.headers.iter().any(says)
    };
    match by_path {
        Recognised::Other | Recognised::Lfs { .. } if !is_read && leads() => {
            Recognised::Refused(AddressError::Written)
        }
        Recognised::Other | Recognised::Lfs { .. } if !is_read && is_push() => {
            Recognised::Refused(AddressError::Path)
        }
        found => found,
    }
}

/// Sends a push from the disk, and hands it back when all of it was sent.
async fn send_on<R: crate::git::Room>(
    mut forward: Forward<R>,
    mut sender: Sender<Bytes, BodyError>,
    done: oneshot::Sender<Forward<R>>,
) {
    loop {
        match forward.next().await {
            Ok(Some(piece)) => {
                if sender.send_data(piece.into()).await.is_err() {
                    return;
                }
            }
            Ok(None) => break,
            Err(error) => return sender.abort(BodyError::Broken(error.into())),
        }
    }
    drop(sender);
    // Nobody waits for it where the server broke off.
    let _ = done.send(forward);
}

/// Whether it is git's own answer, of this sort.
fn is_git(answer: &Response<Flow>, part: &str) -> bool {
    let kind = Service::ReceivePack.media_type(part);
    let headers: &HeaderMap = answer.headers();
    answer.status() == StatusCode::OK
        && headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes() == kind.as_bytes())
        && !headers.contains_key(CONTENT_ENCODING)
}

/// An answer of receive-pack.
fn result(body: Vec<u8>) -> Response<Flow> {
    let mut response = Response::new(ours(body));
    if let Ok(kind) = HeaderValue::from_str(&Service::ReceivePack.media_type("result")) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

fn ours(body: Vec<u8>) -> Flow {
    Flow::whole(
        Full::new(body.into()).map_err(|never: std::convert::Infallible| match never {}).boxed_unsync(),
    )
}

/// What stands beside a ref: the beginning of the first sentence.
fn beside(reason: ReasonCode, text: &str) -> String {
    let first: String = text.lines().next().unwrap_or_default().chars().take(MAX_REASON_CHARS).collect();
    format!("writ: {}: {first}", reason.name())
}
