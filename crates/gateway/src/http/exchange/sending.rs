//! The sending of a request that was admitted: what is lent is put on, what leaves and what comes back is looked through.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::time::timeout;
use writ_model::{Account, Body, Label, Secret};

use super::Engine;
use crate::http::body::{Flow, Stage};
use crate::http::cut::Cut;
use crate::http::decode::Coding;
use crate::http::find::Needles;
use crate::http::head::Place;
use crate::http::lend::{self, Elsewhere, Plan, Spot};
use crate::http::port::{IncidentKind, Lent, Outside, Pass, Tripwire};
use crate::http::refuse::{No, Stop};
use crate::http::running::{Direction, Halt, Running, Turn};
use crate::http::sigv4::{self, For, Key, Payload};
use crate::http::upstream::elsewhere;
use crate::http::watch::{Outgoing, Redaction};
use crate::http::{MAX_HELD_BYTES, socket};

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

// === impl Engine ===

impl<P: Outside> Engine<P> {
    /// Sends what was admitted.
    pub(super) async fn send(
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
        let is_large = body.size_hint().lower() > u64::try_from(MAX_HELD_BYTES).unwrap_or(u64::MAX);
        let held = match sigv4::needs_body(head) && !body.is_over() {
            false => (Bytes::new(), true),
            // It takes no room for what is too long anyway.
            true if is_large => (Bytes::new(), false),
            true => self.held(place, body, MAX_HELD_BYTES, true).await?,
        };
        let payload = match &held {
            (bytes, true) => Payload::Whole(bytes),
            (_, false) => Payload::Large,
        };
        let host = place.authority.short(place.scheme);
        let to = For { scheme: place.scheme, host: &host, regions, services };
        let key = Key { access_key, secret_key, session_token: session_token.as_ref() };
        sigv4::sign(head, &to, &key, payload)
            .map_err(|why| Stop::CredentialUnavailable.say(format!("the request cannot be signed: {why}")))
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
        let seen = if body.is_form() { seen.of_form() } else { seen };
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
                (_, name) => secret_leaving("the body", name.as_ref()),
            };
        }
        if running.is_doubtful() {
            return Stop::CredentialUnavailable.say(
                "the form was not sent to its end, because a part names another method, or has a name that is too long, beside \
                 a credential that is for some methods. Send it plainly, with the method that is meant",
            );
        }
        if no.code == Stop::AddressForbidden.name() {
            self.incident(IncidentKind::AddressForbidden, place, None).await;
        }
        no
    }
}

/// Why a request was stopped that carries what reads as a credential, and what to do.
pub(in crate::http) fn secret_leaving(place: &str, name: Option<&Label>) -> No {
    let what = name.map_or_else(|| "a secret".to_owned(), |name| format!("a secret (`{name}`)"));
    Stop::SecretLeaving.say(format!(
        "{place} holds {what}, so the request was not sent to its end. Take it out and send again; a credential that the \
         host needs is put on outside: a person can seal it with `writ secret add`"
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
pub(in crate::http) fn redact(headers: &mut HeaderMap, needles: &Arc<Needles>, running: &Running) {
    running.redacted(needles.clean(headers));
}
