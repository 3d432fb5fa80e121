//! One request: read, decided, sent, answered.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Request, Response, Version};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use writ_model::{Account, Body};
use writ_policy::Zone;

use super::Limits;
use super::account::{holds_credential, is_credential_header, is_foreign};
use super::authority::Authority;
use super::body::Flow;
use super::crowd::{Crowd, Stay, places};
use super::cut::Cut;
use super::head::{self, Asked, Place};
use super::identity::Identity;
use super::lend::{self, Elsewhere, Known, Plan};
use super::lent::LentValues;
use super::port::{Divert, Ended, Incident, IncidentKind, Outside, Pass, Tripwire, Wait};
use super::refuse::{No, Stop};
use super::running::{Report, Running, Turn};
use super::shelf::Shelf;
use super::upstream::{Upstream, elsewhere};
use crate::aside;

mod holding;
mod sending;

pub(super) use sending::redact;

/// How long a request waits for its place.
const TURN: Duration = Duration::from_secs(2);
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
    pub(super) shelf: Option<Shelf>,
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
    /// Who is to read an answer.
    readers: Crowd,
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
            readers: Crowd::of_readers(),
        }
    }

    /// A place for one request: of a client whose body does not come, or that does not read, where there is no other.
    async fn turn(&self, seat: &Arc<Stay>) -> Result<Arc<Turn>, No> {
        let too_much = || Stop::TooMuch.say("too many requests at once; try again");
        let seat = seat.hold().ok_or_else(too_much)?;
        let place =
            places(&self.requests, 1, TURN, || self.expected.send_one_away() || self.readers.send_one_away())
                .await;
        let place = place.ok_or_else(too_much)?;
        Ok(Arc::new(Turn { _place: Some(place), seat, readers: Some(self.readers.clone()) }))
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
        let lent = plan.puts.first().and_then(|put| self.known.all.get(put.index));
        let is_by_method = self.known.is_by_method(&plan, &request) && lend::may_obey(&head.headers);
        let read = self.hold(place, &mut request, body, is_by_method).await?;
        if let Some(placeholder) = lent.filter(|_| is_by_method)
            && let Some((bytes, is_all)) = &read
            && let Some(why) = aside::OTHERS
                .look(lend::most_unpacked(&head.headers, bytes), || {
                    lend::closed(&head.headers, bytes, *is_all)
                })
                .await
        {
            // What is read so far names none, or the next look refuses it.
            if *is_all || !lend::passes_in_parts(&head.headers) {
                return Err(doubtful(&placeholder.name, why));
            }
            body.mark_form();
        }
        if let Some(placeholder) = lent
            && let Some((bytes, _)) = &read
            && aside::OTHERS.look(bytes.len(), || lend::overrides(bytes)).await
        {
            return Err(doubtful(&placeholder.name, "its body names another method"));
        }
        if let Body::Whole(bytes) | Body::Start(bytes) = &request.body {
            let is_ours = |value: &str| self.known.is_whole(value);
            let looked =
                || holds_credential(&kinds(&head.headers), &lend::readable(&head.headers, bytes), &is_ours);
            if aside::OTHERS.look(lend::most_unpacked(&head.headers, bytes), looked).await {
                request.account = Account::Foreign;
            }
        }
        if matches!(request.body, Body::Start(_)) {
            // Apart, so that requests without a long body have not to carry it.
            Box::pin(self.keep(&head.headers, &mut request, body)).await?;
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
            return Err(sending::secret_leaving("a header", Some(&name)));
        }
        let Some(needles) = self.lent.redactions() else { return Ok(()) };
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let mut all = head.headers.values().map(HeaderValue::as_bytes).chain([target.as_bytes()]);
        if all.any(|text| needles.find(text).is_some()) || needles.cut(&head.headers).next().is_some() {
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

    /// A service of this machine keeps what it is told; what a door of its own sends on, it has looked at itself.
    fn tripwire_for(&self, place: &Place) -> Option<Arc<dyn Tripwire>> {
        let to = &place.authority;
        self.tripwire.clone().filter(|_| Zone::of(to.host()) != Zone::Loopback && self.outside.is_watched(to))
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

/// The media types that a request has, in small letters.
fn kinds(headers: &HeaderMap) -> String {
    let all = headers.get_all(CONTENT_TYPE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    all.collect::<Vec<_>>().join(",").to_ascii_lowercase()
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
