//! Bodies on their way: counted, bounded in time, looked through where somebody asks for it, never collected.

mod ahead;
mod expected;

use std::collections::VecDeque;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::HeaderMap;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use writ_model::Label;

use super::crowd::{Hold, Stay};
use super::decode::MAX_PIECE_BYTES;
use super::find::Needles;
use super::running::{Direction, Running};
use expected::Expected;

/// How much of what was held is given to be sent at a time.
const SENT_BYTES: usize = 64 << 10;

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("a secret stands in what leaves")]
    Secret(Option<Label>),
    #[error("a placeholder stands in what leaves")]
    Placeholder(Label),
    #[error("a second method stands in what leaves with a credential")]
    SecondMethod,
    #[error("what comes back cannot be looked through")]
    Unreadable,
    #[error("nothing came for `{0:?}`")]
    Idle(Duration),
    #[error("the rest did not come, and others waited for the place")]
    Crowded,
    #[error("the other side broke off")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

/// Something that a body goes through, in pieces of at most [`MAX_PIECE_BYTES`]. What it holds back is bounded.
pub(crate) trait Stage: Send {
    fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError>;

    /// What is left at the end.
    fn finish(&mut self) -> Result<Bytes, BodyError>;

    /// How many bytes come out is how many go in.
    fn keeps_length(&self) -> bool;
}

/// A body on its way.
pub struct Flow {
    /// What was read before the decision.
    ahead: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    rest: Option<UnsyncBoxBody<Bytes, BodyError>>,
    stage: Option<Box<dyn Stage>>,
    idle: Option<Idle>,
    /// Fields behind the body end here: nobody decided about them (RFC 9110, section 6.5.1, lets them be dropped).
    drops_trailers: bool,
    /// A form in parts that is to be looked through for a second method while it passes.
    is_form: bool,
    /// What is taken out of fields behind the body.
    redactions: Option<Arc<Needles>>,
    running: Option<(Arc<Running>, Direction)>,
    /// What is done at a clean end, and only then.
    then: Option<Box<dyn FnOnce() + Send>>,
    /// Its place among those whose bodies are expected.
    stay: Option<Arc<Stay>>,
    /// Who is to read it.
    reader: Option<Reader>,
}

/// Who reads a body. Between a piece that was given and the next that is asked for it may be sent away; while it waits for us
/// it may not.
struct Reader {
    stay: Arc<Stay>,
    waits_for_us: Option<Hold>,
}

struct Idle {
    bound: Duration,
    sleep: Pin<Box<Sleep>>,
}

// === impl Flow ===

impl Flow {
    /// A body of our own.
    pub fn whole(body: UnsyncBoxBody<Bytes, BodyError>) -> Self {
        Self {
            ahead: VecDeque::new(),
            trailers: None,
            rest: Some(body),
            stage: None,
            idle: None,
            drops_trailers: false,
            is_form: false,
            redactions: None,
            running: None,
            then: None,
            stay: None,
            reader: None,
        }
    }

    pub(super) fn empty() -> Self {
        let mut flow = Self::whole(UnsyncBoxBody::default());
        flow.rest = None;
        flow
    }

    /// What comes off the wire, with a bound on how long it may stay silent.
    pub(super) fn incoming(body: Incoming, idle: Duration) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let mut flow = Self::whole(body.map_err(|error| BodyError::Broken(error.into())).boxed_unsync());
        flow.idle = Some(Idle { bound: idle, sleep: Box::pin(sleep(idle)) });
        flow
    }

    /// What comes from a client, which has to come while others wait for its place.
    pub(super) fn expected(body: Incoming, idle: Duration, stay: Arc<Stay>) -> Self {
        let mut flow = Self::incoming(body, idle);
        flow.rest = flow.rest.map(|rest| Expected::new(rest, Arc::clone(&stay)).boxed_unsync());
        flow.stay = flow.rest.is_some().then_some(stay);
        flow
    }

    /// Returns when others need its place; never where nothing more is expected.
    pub(super) fn crowded_out(&self) -> impl Future<Output = ()> + Send + 'static {
        let left = self.stay.as_ref().map(|stay| stay.left());
        async move {
            match left {
                Some(left) => left.await,
                None => std::future::pending().await,
            }
        }
    }

    /// A reason why it is not sent away: its client waits for us.
    pub(super) fn waits_for_us(&self) -> Option<Hold> {
        self.stay.as_ref().and_then(Stay::hold)
    }

    pub(super) fn without_trailers(mut self) -> Self {
        self.drops_trailers = true;
        self
    }

    /// A form in parts, with a credential that is for one method.
    pub(super) const fn mark_form(&mut self) {
        self.is_form = true;
    }

    pub(super) const fn is_form(&self) -> bool {
        self.is_form
    }

    pub(super) fn redacting_trailers(mut self, needles: Arc<Needles>) -> Self {
        self.redactions = Some(needles);
        self
    }

    pub(super) fn staged(mut self, stage: Option<Box<dyn Stage>>) -> Self {
        self.stage = stage;
        self
    }

    /// Counts what comes through. At the clean end of what comes back, `then` is done.
    pub(super) fn counted(
        mut self,
        running: Arc<Running>,
        direction: Direction,
        then: Option<Box<dyn FnOnce() + Send>>,
    ) -> Self {
        self.reader = match direction {
            Direction::Up => None,
            Direction::Down => running.reader().map(|stay| Reader { waits_for_us: stay.hold(), stay }),
        };
        self.running = Some((running, direction));
        self.then = then;
        self.check_end();
        self
    }

    pub(super) fn is_over(&self) -> bool {
        self.ahead.is_empty()
            && self.stage.is_none()
            && self.trailers.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    /// The next piece, before it goes through the stage.
    fn poll_raw(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(mut piece) = self.ahead.pop_front() {
            if piece.len() > SENT_BYTES {
                self.ahead.push_front(piece.split_off(SENT_BYTES));
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
        };
        match Pin::new(rest).poll_frame(cx) {
            Poll::Ready(found) => {
                let is_dropped =
                    self.drops_trailers && matches!(&found, Some(Ok(frame)) if frame.is_trailers());
                let found = found.filter(|_| !is_dropped).map(|frame| frame.map(|frame| self.cleaned(frame)));
                let rest = &mut self.rest;
                if found.is_none() {
                    *rest = None;
                }
                if let Some(idle) = &mut self.idle {
                    idle.sleep.as_mut().reset(Instant::now() + idle.bound);
                }
                Poll::Ready(found)
            }
            Poll::Pending => {
                let Some(idle) = &mut self.idle else { return Poll::Pending };
                ready!(idle.sleep.as_mut().poll(cx));
                Poll::Ready(Some(Err(BodyError::Idle(idle.bound))))
            }
        }
    }

    /// A reader that knows the length asks no more after the last byte.
    fn check_end(&mut self) {
        if self.is_over() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.rest = None;
        self.reader = None;
        if let Some((running, direction)) = self.running.take() {
            running.end(direction);
        }
        if let Some(then) = self.then.take() {
            then();
        }
    }
}

impl Body for Flow {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(reader) = &mut self.reader
            && reader.waits_for_us.is_none()
        {
            let Some(hold) = reader.stay.hold() else {
                return Poll::Ready(Some(Err(BodyError::Crowded)));
            };
            reader.waits_for_us = Some(hold);
        }
        let next = self.poll_staged(cx);
        if next.is_ready()
            && let Some(reader) = &mut self.reader
        {
            reader.waits_for_us = None;
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        if self.stage.as_ref().is_some_and(|stage| !stage.keeps_length()) {
            return SizeHint::default();
        }
        let ahead =
            self.ahead.iter().map(|piece| u64::try_from(piece.len()).unwrap_or(u64::MAX)).sum::<u64>();
        let mut hint = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let upper = hint.upper().and_then(|upper| upper.checked_add(ahead));
        hint = match upper {
            Some(upper) if self.stage.is_none() && hint.exact().is_some() => SizeHint::with_exact(upper),
            Some(_) | None => SizeHint::default(),
        };
        hint
    }
}

impl Flow {
    /// The next piece, after it went through the stage.
    fn poll_staged(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let frame = match ready!(self.poll_raw(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let Some(mut stage) = self.stage.take() else {
                        self.end();
                        return Poll::Ready(None);
                    };
                    let left = self.minded(stage.finish())?;
                    if left.is_empty() {
                        continue;
                    }
                    self.count(&left);
                    self.check_end();
                    return Poll::Ready(Some(Ok(Frame::data(left))));
                }
            };
            match frame.into_data() {
                Ok(mut piece) => {
                    if self.stage.is_some() && piece.len() > MAX_PIECE_BYTES {
                        let rest = piece.split_off(MAX_PIECE_BYTES);
                        self.ahead.push_front(rest);
                    }
                    let piece = match &mut self.stage {
                        Some(stage) => {
                            let pushed = stage.push(piece);
                            self.minded(pushed)?
                        }
                        None => piece,
                    };
                    if piece.is_empty() {
                        continue;
                    }
                    self.count(&piece);
                    self.check_end();
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
                Err(frame) => match (self.stage.take(), frame.into_trailers()) {
                    (Some(mut stage), Ok(trailers)) => {
                        let left = self.minded(stage.finish())?;
                        self.rest = None;
                        self.trailers = Some(trailers);
                        if !left.is_empty() {
                            self.count(&left);
                            return Poll::Ready(Some(Ok(Frame::data(left))));
                        }
                    }
                    (None, Ok(trailers)) => {
                        self.check_end();
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    (_, Err(_)) => {}
                },
            }
        }
    }

    fn cleaned(&self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let Some(needles) = &self.redactions else { return frame };
        match frame.into_trailers() {
            Ok(mut trailers) => {
                let found = needles.clean(&mut trailers);
                if let Some((running, _)) = &self.running {
                    running.redacted(found);
                }
                Frame::trailers(trailers)
            }
            Err(frame) => frame,
        }
    }

    /// What a stage stopped is kept in mind: the transport tells its user only that something broke.
    fn minded(&self, out: Result<Bytes, BodyError>) -> Result<Bytes, BodyError> {
        if let (Err(error), Some((running, _))) = (&out, &self.running) {
            running.stopped(error);
        }
        out
    }

    fn count(&self, piece: &Bytes) {
        if let Some((running, direction)) = &self.running {
            running.count(*direction, piece.len());
        }
    }
}
