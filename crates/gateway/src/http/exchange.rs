//! One request: read, decided, sent, answered.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use writ_model::{Account, Body, Secret};
use writ_policy::Zone;

use super::account::{holds_credential, is_credential_header, is_foreign};
use super::authority::Authority;
use super::body::{BodyError, Flow, Stage};
use super::crowd::{Crowd, Stay, places};
use super::cut::Cut;
use super::decode::Coding;
use super::find::Needles;
use super::head::{self, Asked, Place};
use super::identity::Identity;
use super::lend::{self, Elsewhere, Known, Plan, Spot};
use super::lent::LentValues;
use super::port::{BodyWish, Divert, Ended, Incident, IncidentKind, Lent, Outside, Pass, Tripwire, Wait};
use super::refuse::{No, Stop};
use super::running::{Direction, Halt, Report, Running, Turn};
use super::sigv4::{self, For, Key, Payload};
use super::upstream::{Upstream, elsewhere};
use super::watch::{Outgoing, Redaction};
use super::{Limits, MAX_HELD_BYTES, socket};

/// How long a request waits for its place.
const TURN: Duration = Duration::from_secs(2);
/// How long a body that a decision needs may take.
const HOLD: Duration = Duration::from_secs(30);
/// What of a refused request is still read, so that its sender gets to hear the answer.
const MAX_DRAINED_BYTES: usize = 4 << 20;
const DRAIN: Duration = Duration::from_secs(5);

/// Everything behind the front.
pub(super) struct Engine<P> {
    pub(super) outside: Arc<P>,
    pub(super) identity: Identity,
    pub(super) upstream: Upstream,
    pub(super) known: Known,
    pub(super) lent: LentValues,
    pub(super) tripwire: Option<Arc<dyn Tripwire>>,
    pub(super) diverts: Vec<Arc<dyn Divert>>,
    pub(super) limits: Limits,
    /// For what stands in the record of headers that are not shown.
    pub(super) key: hmac::Key,
    /// What goes to the client's own model, and everything else: neither takes the other's places.
    pub(super) model: Places,
    pub(super) others: Places,
}

/// Places for requests, and for bodies that are read ahead.
pub(super) struct Places {
    requests: Arc<Semaphore>,
    /// In KiB.
    room: Arc<Semaphore>,
    /// Whose bodies are expected.
    pub(super) expected: Crowd,
}

/// Sends what a door of its own admitted, to the place that the request came for and nowhere else.
#[derive(Clone)]
pub struct Onward(Arc<dyn Forward>);

trait Forward: Send + Sync {
    fn forward(&self, pass: Pass, request: Request<Flow>) -> Wait<'static, Response<Flow>>;
}

/// The place that a diverted request came for.
struct Way<P> {
    engine: Arc<Engine<P>>,
    place: Arc<Place>,
    cut: Cut,
    turn: Arc<Turn>,
}

/// What goes on a request beside its head.
#[derive(Default)]
struct PutOn {
    in_body: Vec<(usize, Secret)>,
    signing: Option<Signing>,
}

struct Signing {
    /// Which placeholder.
    index: usize,
    access_key: String,
    secret_key: Secret,
    session_token: Option<Secret>,
}

/// A refused request with what is left of its body.
struct Refused {
    no: No,
    body: Option<Flow>,
}

impl From<No> for Refused {
    fn from(no: No) -> Self {
        Self { no, body: None }
    }
}

// === impl Places ===

impl Places {
    pub(super) fn new(requests: usize, room_kib: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            room: Arc::new(Semaphore::new(room_kib)),
            expected: Crowd::default(),
        }
    }

    /// A place for one request, of a client whose body does not come where there is no other.
    async fn turn(&self, seat: &Arc<Stay>) -> Result<Arc<Turn>, No> {
        let too_much = || Stop::TooMuch.say("too many requests at once; try again");
        let seat = seat.hold().ok_or_else(too_much)?;
        let place = places(&self.requests, 1, TURN, || self.expected.send_one_away()).await;
        let place = place.ok_or_else(too_much)?;
        Ok(Arc::new(Turn { _place: Some(place), _seat: seat }))
    }
}

// === impl Onward ===

impl Onward {
    /// Sends a request with an origin target: placeholders are put on as for any other. Always gives an answer; ours,
    /// where the other side gave none.
    pub async fn send(&self, pass: Pass, request: Request<Flow>) -> Response<Flow> {
        self.0.forward(pass, request).await
    }
}

// === impl Engine ===

impl<P: Outside> Engine<P> {
    /// Answers one request that came for a place.
    pub(super) async fn answer(
        self: Arc<Self>,
        place: Arc<Place>,
        (cut, seat): (Cut, &Arc<Stay>),
        request: Request<Incoming>,
    ) -> Response<Flow> {
        let asked = accepted(request.headers());
        // In the second version nobody waits for that word, and a body that is not read is taken for a failure.
        let expects =
            request.headers().contains_key(hyper::header::EXPECT) && request.version() == Version::HTTP_11;
        let turn = match self.places(&place).turn(seat).await {
            Ok(turn) => turn,
            Err(no) => return no.respond(&asked),
        };
        match self.exchange(place, (cut, turn), request).await {
            Ok(response) => response,
            Err(Refused { no, body }) => {
                // Who waits to hear whether the body is wanted has heard it now.
                if let Some(body) = body.filter(|body| !expects && !body.is_over()) {
                    tokio::spawn(drain(body));
                }
                no.respond(&asked)
            }
        }
    }

    async fn exchange(
        self: Arc<Self>,
        place: Arc<Place>,
        (cut, turn): (Cut, Arc<Turn>),
        mut request: Request<Incoming>,
    ) -> Result<Response<Flow>, Refused> {
        let upgrade = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let (parts, incoming) = request.into_parts();
        let stay = self.places(&place).expected.enter();
        let mut body = Flow::expected(incoming, self.limits.silent_client, stay).without_trailers();
        match self.decide(&place, parts, &mut body).await {
            Ok(Decided::Admitted(pass, head, is_web_socket)) => {
                let upgrade = upgrade.filter(|_| is_web_socket);
                let tripwire = self.tripwire_for(&place);
                Ok(self.send((pass, turn), &place, head, body, (upgrade, tripwire), &cut).await?)
            }
            Ok(Decided::Diverted(divert, request, head)) => {
                Ok(divert.handle(request, head, body, self.onward(place, cut, turn)).await)
            }
            Err(no) => Err(Refused { no, body: Some(body) }),
        }
    }

    async fn decide(&self, place: &Place, parts: Parts, body: &mut Flow) -> Result<Decided, No> {
        let read = head::read(parts, place, &self.key);
        if let Err(no) = &read
            && no.code == Stop::HostMismatch.name()
        {
            self.incident(IncidentKind::HostMismatch, place, None).await;
        }
        let Asked { mut request, head, is_web_socket } = read?;
        let plan = match self.known.plan(&head, &request, !body.is_over()) {
            Ok(plan) => plan,
            Err(Elsewhere(name)) => {
                self.incident(IncidentKind::PlaceholderElsewhere, place, Some(name.clone())).await;
                return Err(elsewhere(&name));
            }
        };
        self.check_head(place, &head).await?;
        if let Some((name, why)) = self.known.doubt(&plan, &head, &request, !body.is_over()) {
            return Err(doubtful(name, why));
        }
        request.account = account(&head, &request, &plan, &self.known);
        request.body = if body.is_over() { Body::None } else { Body::Unread };
        if let Some(divert) = self.diverts.iter().find(|divert| divert.takes(&request)) {
            return Ok(Decided::Diverted(Arc::clone(divert), request, head));
        }
        self.hold(place, &mut request, body).await?;
        if let Body::Whole(bytes) | Body::Start(bytes) = &request.body {
            let is_ours = |value: &str| self.known.is_whole(value);
            if let Some(placeholder) = plan.puts.first().and_then(|put| self.known.all.get(put.index))
                && lend::overrides(bytes)
            {
                return Err(doubtful(&placeholder.name, "its body names another method"));
            }
            if holds_credential(bytes, &is_ours) {
                request.account = Account::Foreign;
            }
        }
        let is_foreign = request.account == Account::Foreign;
        match self.outside.admit(request).await {
            Ok(pass) => Ok(Decided::Admitted(pass, head, is_web_socket)),
            Err(refusal) => {
                if is_foreign {
                    self.incident(IncidentKind::ForeignCredential, place, None).await;
                }
                Err(refusal.into())
            }
        }
    }

    /// No value that was lent stands in a head, wherever it goes.
    async fn check_head(&self, place: &Place, head: &Parts) -> Result<(), No> {
        if let Some(tripwire) = self.tripwire_for(place)
            && let Some(name) = head
                .headers
                .iter()
                .filter(|(name, _)| !is_credential_header(name.as_str()))
                .find_map(|(_, value)| tripwire.find(value.as_bytes()))
        {
            self.incident(IncidentKind::SecretLeaving, place, Some(name.clone())).await;
            return Err(
                Stop::SecretLeaving.say(format!("a header holds `{name}`. Take it out and send again"))
            );
        }
        let Some(needles) = self.lent.redactions() else { return Ok(()) };
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let mut all = head.headers.values().map(HeaderValue::as_bytes).chain([target.as_bytes()]);
        if all.any(|text| needles.find(text).is_some()) {
            self.incident(IncidentKind::SecretLeaving, place, None).await;
            return Err(
                Stop::SecretLeaving.say("the request holds the value of a credential that is lent here")
            );
        }
        Ok(())
    }

    fn places(&self, place: &Place) -> &Places {
        if self.outside.is_watched(&place.authority) { &self.others } else { &self.model }
    }

    /// Reads as much of the body as the decision needs.
    async fn hold(
        &self,
        place: &Place,
        request: &mut writ_model::Request,
        body: &mut Flow,
    ) -> Result<(), No> {
        let (bound, wants_all) = match self.outside.wants(request) {
            BodyWish::None => return Ok(()),
            BodyWish::Start(bound) => (bound.min(MAX_HELD_BYTES), false),
            BodyWish::Whole(bound) => (bound.min(MAX_HELD_BYTES), true),
        };
        if request.body == Body::None || bound == 0 {
            return Ok(());
        }
        let (bytes, is_all) = self.held(place, body, bound, wants_all).await?;
        request.body = if is_all { Body::Whole(bytes) } else { Body::Start(bytes) };
        Ok(())
    }

    /// Reads ahead, in time and where there is room.
    async fn held(
        &self,
        place: &Place,
        body: &mut Flow,
        bound: usize,
        wants_all: bool,
    ) -> Result<(Vec<u8>, bool), No> {
        let full = || Stop::TooMuch.say("too many bodies are read at once; try again");
        let kib = u32::try_from(bound.div_ceil(1024)).unwrap_or(u32::MAX);
        let Places { room, expected, .. } = self.places(place);
        let room = tokio::select! {
            room = places(room, kib, HOLD, || expected.send_one_away()) => room.ok_or_else(full)?,
            () = body.crowded_out() => return Err(full()),
        };
        let broken = |error: BodyError| match error {
            BodyError::Crowded => full(),
            BodyError::Secret(_)
            | BodyError::Placeholder(_)
            | BodyError::Unreadable
            | BodyError::Idle(_)
            | BodyError::Broken(_) => Stop::RequestMalformed.say("the body broke off"),
        };
        let slow = |_| Stop::RequestMalformed.say("the body did not come in time");
        timeout(HOLD, body.hold(bound, wants_all, room)).await.map_err(slow)?.map_err(broken)
    }

    /// Sends what was admitted.
    async fn send(
        self: &Arc<Self>,
        (pass, turn): (Pass, Arc<Turn>),
        place: &Arc<Place>,
        head: Parts,
        mut body: Flow,
        (upgrade, tripwire): (Option<OnUpgrade>, Option<Arc<dyn Tripwire>>),
        cut: &Cut,
    ) -> Result<Response<Flow>, No> {
        if tripwire.is_some() && !body.is_over() && Coding::of(&head.headers) == Coding::Other {
            return Err(Stop::RequestMalformed.say(
                "the body is packed in a way that is not looked through here. Send it as it is, or with gzip or deflate",
            ));
        }
        let running = Arc::new(self.running(pass, place, turn));
        let asked = outline(&head, place);
        let plan = match self.known.plan(&head, &asked, !body.is_over()) {
            Ok(plan) => plan,
            Err(Elsewhere(name)) => {
                self.incident(IncidentKind::PlaceholderElsewhere, place, Some(name.clone())).await;
                return Err(elsewhere(&name));
            }
        };
        let is_web_socket = upgrade.is_some();
        let (mut head, on) = self.put_on(head, &plan, &running).await?;
        let redactions = self.known.concern(&asked).then(|| self.lent.redactions()).flatten();
        if redactions.is_some() {
            head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if is_web_socket {
            socket::ask(&mut head.headers);
        }
        if let Some(signing) = &on.signing {
            self.sign(&mut head, &mut body, place, &plan, signing).await?;
        }
        let is_head = head.method == Method::HEAD;
        let stage = self.outgoing(&mut head, &body, &on.in_body, tripwire.clone());
        let body = body.staged(stage).counted(Arc::clone(&running), Direction::Up, None);
        let request = Request::from_parts(head, body);
        let mut sent = pin!(self.upstream.send(place, &*self.outside, request, is_web_socket, cut));
        let mut moved = running.moved();
        let mut answered = loop {
            match timeout(self.limits.silent_host, &mut sent).await {
                Ok(Ok(answered)) => break answered,
                Ok(Err(no)) => return Err(self.told(place, no, &running).await),
                // A long body that still moves is no silence.
                Err(_) if running.moved() > moved => moved = running.moved(),
                Err(_) => {
                    return Err(Stop::UpstreamFailed.say(format!("`{}` did not answer", place.authority)));
                }
            }
        };
        running.answered(answered.response.status().as_u16());
        // Free text of the other side, which nobody needs (RFC 9112, section 4).
        answered.response.extensions_mut().remove::<hyper::ext::ReasonPhrase>();
        if answered.response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(upgrade) = upgrade else {
                return Err(
                    Stop::UpstreamFailed.say("the other side changes to a protocol that nobody asked for")
                );
            };
            let seen = self.lent.watch(&self.known.all, &[], tripwire);
            return Ok(socket::join(
                self,
                place,
                upgrade,
                answered.response,
                running,
                (seen, redactions),
                cut,
            ));
        }
        let limit = self.limits.silent_host;
        respond(answered.response, answered.keep, redactions, is_head, running, limit)
    }

    /// Puts on what is lent; gives what belongs into the body, and what is signed with last.
    async fn put_on(&self, mut head: Parts, plan: &Plan, running: &Running) -> Result<(Parts, PutOn), No> {
        let mut on = PutOn::default();
        for put in &plan.puts {
            let (Some(placeholder), Some(pass)) = (self.known.all.get(put.index), running.pass()) else {
                return Err(Stop::CredentialUnavailable.say("a placeholder that nobody knows"));
            };
            let name = &placeholder.name;
            let unavailable =
                || Stop::CredentialUnavailable.say(format!("the credential `{name}` cannot be put on"));
            let lent = self.outside.lend(name, pass).await.map_err(|_| unavailable())?;
            match (&put.spot, lent) {
                (Spot::SigV4 { .. }, Lent::Aws { access_key, secret_key, session_token }) => {
                    self.lent.remember(name, &placeholder.text, &secret_key);
                    if let Some(token) = &session_token {
                        self.lent.remember(name, &placeholder.text, token);
                    }
                    on.signing = Some(Signing { index: put.index, access_key, secret_key, session_token });
                }
                (Spot::Body, Lent::Text(value)) => {
                    self.lent.remember(name, &placeholder.text, &value);
                    on.in_body.push((put.index, value));
                }
                (Spot::Header(_) | Spot::Basic | Spot::Query(_), lent) => {
                    lend::put(&mut head, put, &placeholder.text, &lent).map_err(|_| unavailable())?;
                    if let Lent::Text(value) = &lent {
                        self.lent.remember(name, &placeholder.text, value);
                    }
                }
                (Spot::SigV4 { .. }, Lent::Text(_)) | (Spot::Body, Lent::Aws { .. }) => {
                    return Err(unavailable());
                }
            }
        }
        Ok((head, on))
    }

    /// Signs anew, last of all: nothing that is signed changes after it.
    async fn sign(
        &self,
        head: &mut Parts,
        body: &mut Flow,
        place: &Place,
        plan: &Plan,
        signing: &Signing,
    ) -> Result<(), No> {
        let Signing { index, access_key, secret_key, session_token } = signing;
        let spot = plan.puts.iter().filter(|put| put.index == *index).find_map(|put| match &put.spot {
            Spot::SigV4 { regions, services } => Some((regions, services)),
            Spot::Header(_) | Spot::Basic | Spot::Query(_) | Spot::Body => None,
        });
        let (regions, services) =
            spot.ok_or_else(|| Stop::CredentialUnavailable.say("the key is not for signing"))?;
        let held = if sigv4::needs_body(head) && !body.is_over() {
            Some(self.held(place, body, MAX_HELD_BYTES, true).await?)
        } else {
            None
        };
        let payload = match &held {
            None => Payload::Empty,
            Some((bytes, true)) => Payload::Whole(bytes),
            Some((_, false)) => Payload::Large,
        };
        let host = place.authority.short(place.scheme);
        let to = For { scheme: place.scheme, host: &host, regions, services };
        let key = Key { access_key, secret_key, session_token: session_token.as_ref() };
        sigv4::sign(head, &to, &key, payload)
            .map_err(|why| Stop::CredentialUnavailable.say(format!("the request cannot be signed: {why}")))
    }

    /// A service of this machine keeps what it is told; what a door of its own sends on, it has looked at itself.
    fn tripwire_for(&self, place: &Place) -> Option<Arc<dyn Tripwire>> {
        let to = &place.authority;
        self.tripwire.clone().filter(|_| Zone::of(to.host()) != Zone::Loopback && self.outside.is_watched(to))
    }

    fn outgoing(
        &self,
        head: &mut Parts,
        body: &Flow,
        puts: &[(usize, Secret)],
        tripwire: Option<Arc<dyn Tripwire>>,
    ) -> Option<Box<dyn Stage>> {
        if body.is_over() {
            return None;
        }
        let coding = Coding::of(&head.headers);
        // Nothing is put into what would have to be coded again: a placeholder in there stands elsewhere.
        let puts = if coding == Coding::Plain { puts } else { &[] };
        let seen = self.lent.watch(&self.known.all, puts, tripwire);
        let changes = !puts.is_empty();
        if changes {
            head.headers.remove(CONTENT_LENGTH);
        }
        Some(Box::new(Outgoing::new(seen, coding, changes)))
    }

    /// What stopped a request on its way is an incident too, and says more than that something broke.
    async fn told(&self, place: &Place, no: No, running: &Running) -> No {
        if let Some(Halt { kind, name }) = running.take_halt() {
            self.incident(kind, place, name.clone()).await;
            return match (kind, name) {
                (IncidentKind::PlaceholderElsewhere, Some(name)) => elsewhere(&name),
                (_, name) => {
                    let name = name.map_or_else(|| "a secret".to_owned(), |name| format!("`{name}`"));
                    Stop::SecretLeaving.say(format!("the body holds {name}. Take it out and send again"))
                }
            };
        }
        if no.code == Stop::AddressForbidden.name() {
            self.incident(IncidentKind::AddressForbidden, place, None).await;
        }
        no
    }

    pub(super) async fn incident(&self, kind: IncidentKind, place: &Place, name: Option<writ_model::Label>) {
        let host = place.authority.short(place.scheme);
        self.outside.incident(Incident { kind, host, name }).await;
    }

    /// What reports on a request that was admitted, when the last of it is gone.
    pub(super) fn running(&self, pass: Pass, place: &Place, turn: Arc<Turn>) -> Running {
        let host = place.authority.short(place.scheme);
        Running::new(pass, host, Box::new(Reporter { outside: Arc::clone(&self.outside) }), turn)
    }

    /// The place of a request that nobody looks into.
    pub(super) async fn turn(&self, to: &Authority, seat: &Arc<Stay>) -> Result<Arc<Turn>, No> {
        let places = if self.outside.is_watched(to) { &self.others } else { &self.model };
        places.turn(seat).await
    }

    fn onward(self: &Arc<Self>, place: Arc<Place>, cut: Cut, turn: Arc<Turn>) -> Onward {
        Onward(Arc::new(Way { engine: Arc::clone(self), place, cut, turn }))
    }
}

// === impl Way ===

impl<P: Outside> Forward for Way<P> {
    fn forward(&self, pass: Pass, request: Request<Flow>) -> Wait<'static, Response<Flow>> {
        let (engine, place, cut) = (Arc::clone(&self.engine), Arc::clone(&self.place), self.cut.clone());
        let turn = Arc::clone(&self.turn);
        Box::pin(async move {
            let asked = accepted(request.headers());
            let (head, body) = request.into_parts();
            match engine.send((pass, turn), &place, head, body, (None, None), &cut).await {
                Ok(response) => response,
                Err(no) => no.respond(&asked),
            }
        })
    }
}

/// Tells the outside, from wherever the last of a request went.
struct Reporter<P> {
    outside: Arc<P>,
}

impl<P: Outside> Report for Reporter<P> {
    fn ended(self: Box<Self>, pass: Pass, ended: Ended, incident: Option<Incident>) {
        let outside = self.outside;
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Some(incident) = incident {
                    outside.incident(incident).await;
                }
                outside.ended(pass, ended).await;
            });
        }
    }
}

enum Decided {
    /// With the head as it came, and whether a web socket is asked for.
    Admitted(Pass, Parts, bool),
    Diverted(Arc<dyn Divert>, writ_model::Request, Parts),
}

fn doubtful(name: &writ_model::Label, why: &str) -> No {
    Stop::CredentialUnavailable.say(format!(
        "the credential `{name}` is not put on this request: {why}. Send it plainly, with the method and the path that are meant"
    ))
}

/// The request again, as far as lending needs it.
fn outline(head: &Parts, place: &Place) -> writ_model::Request {
    writ_model::Request {
        method: head.method.to_string(),
        scheme: place.scheme,
        host: place.authority.host().to_owned(),
        port: place.authority.port(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: Vec::new(),
        body: Body::Unread,
        account: Account::Nobody,
    }
}

fn account(head: &Parts, request: &writ_model::Request, plan: &Plan, known: &Known) -> Account {
    if is_foreign(&head.headers, request.query.as_deref(), &plan.headers(), &plan.keys()) {
        return Account::Foreign;
    }
    let mut names = plan.puts.iter().filter_map(|put| known.all.get(put.index)).map(|one| &one.name);
    match (names.next(), names.next()) {
        (None, _) => Account::Nobody,
        (Some(first), None) => Account::Lent(first.clone()),
        (Some(first), Some(second)) if first == second => Account::Lent(first.clone()),
        // In two names at once: nobody could say in whose.
        (Some(_), Some(_)) => Account::Foreign,
    }
}

/// The answer, on its way back.
fn respond(
    response: Response<Incoming>,
    keep: Option<Box<dyn FnOnce() + Send>>,
    redactions: Option<Arc<Needles>>,
    is_head: bool,
    running: Arc<Running>,
    limit: Duration,
) -> Result<Response<Flow>, No> {
    let (mut head, incoming) = response.into_parts();
    head.version = Version::HTTP_11;
    head.extensions.remove::<OnUpgrade>();
    super::head::strip(&mut head.headers);
    let mut body = Flow::incoming(incoming, limit);
    let mut stage: Option<Box<dyn Stage>> = None;
    if let Some(needles) = redactions {
        redact(&mut head.headers, &needles, &running);
        body = body.redacting_trailers(Arc::clone(&needles));
        if !(is_head || body.is_over()) {
            let coding = Coding::of(&head.headers);
            if coding == Coding::Other {
                return Err(Stop::AnswerUnreadable
                    .say("the answer is coded in a way that cannot be looked through for credentials"));
            }
            head.headers.remove(CONTENT_ENCODING);
            head.headers.remove(CONTENT_LENGTH);
            stage = Some(Box::new(Redaction::new(needles, coding, Arc::clone(&running))));
        }
    }
    Ok(Response::from_parts(head, body.staged(stage).counted(running, Direction::Down, keep)))
}

/// Takes values that were lent out of the headers.
pub(super) fn redact(headers: &mut HeaderMap, needles: &Arc<Needles>, running: &Running) {
    running.redacted(needles.clean(headers));
}

/// What an answer of ours needs to know of the question.
pub(super) fn accepted(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for value in headers.get_all(hyper::header::ACCEPT) {
        kept.append(hyper::header::ACCEPT, value.clone());
    }
    kept
}

/// Reads what is left of a refused request, within bounds.
pub(super) async fn drain(mut body: Flow) {
    let mut left = MAX_DRAINED_BYTES;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let taken = frame.data_ref().map_or(0, |data| data.len());
            match left.checked_sub(taken) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = timeout(DRAIN, reading).await;
}
