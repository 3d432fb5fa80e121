//! Bodies that are read before their request is decided: as much as the decision asks for, and to their end on the disk where a
//! person has to say yes to all of it.

use std::time::Duration;

use hyper::body::{Body as _, Bytes};
use hyper::header::HeaderMap;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use writ_model::{Body, Digest};

use super::{Engine, Places};
use crate::http::body::{BodyError, Flow};
use crate::http::crowd::places;
use crate::http::head::Place;
use crate::http::port::{BodyWish, Outside, Prospect};
use crate::http::refuse::{No, Stop};
use crate::http::shelf::{Extent, NotKept};
use crate::http::{MAX_HELD_BYTES, lend};

/// How long a body that a decision needs may take.
const HOLD: Duration = Duration::from_secs(30);
/// How long one that waits for room does not give way to others. Longer than uploads next to each other take; shorter than a
/// body may, so that a crowd that waits for nothing goes before anybody else has waited too long.
const STAYS: Duration = Duration::from_secs(10);
/// How long one may take that a person is asked about.
const LAY: Duration = Duration::from_secs(600);

// === impl Engine ===

impl<P: Outside> Engine<P> {
    /// Reads as much of the body as the decision needs, and what a credential for some methods does: returns what was read,
    /// and whether it is all.
    pub(super) async fn hold(
        &self,
        place: &Place,
        request: &mut writ_model::Request,
        body: &mut Flow,
        is_by_method: bool,
    ) -> Result<Option<(Bytes, bool)>, No> {
        let (wanted, wants_all) = match self.outside.wants(request) {
            BodyWish::None => (0, false),
            BodyWish::Start(bound) => (bound.min(MAX_HELD_BYTES), false),
            BodyWish::Whole(bound) => (bound.min(MAX_HELD_BYTES), true),
        };
        let bound = if is_by_method { wanted.max(lend::MAX_OBEYED_BYTES) } else { wanted };
        if request.body == Body::None || bound == 0 {
            return Ok(None);
        }
        let (bytes, is_all) = self.held(place, body, bound, wants_all || is_by_method).await?;
        if wanted > 0 {
            // The decision gets as much as it asked for, whatever was read beside.
            let is_whole = is_all && bytes.len() <= wanted;
            let kept = bytes.slice(..wanted.min(bytes.len()));
            request.body = if is_whole { Body::Whole(kept) } else { Body::Start(kept) };
        }
        Ok(Some((bytes, is_all)))
    }

    /// Reads a body to its end of which only the start is held, where a person would have to be asked: what they say yes to is
    /// all of it. What nobody has to be asked about passes while it comes. What is refused anyway is not waited for, unless it
    /// is a form in parts that would not be if no name stood in the rest of it.
    pub(super) async fn keep(
        &self,
        headers: &HeaderMap,
        request: &mut writ_model::Request,
        body: &mut Flow,
    ) -> Result<(), No> {
        let Some(shelf) = &self.shelf else { return Ok(()) };
        let is_form = lend::passes_in_parts(headers);
        let is_kept = match self.outside.prospect(request).await {
            Prospect::Admitted => false,
            Prospect::Asked => true,
            Prospect::Refused => is_form && self.may_be_kept(request).await,
        };
        let Body::Start(start) = &mut request.body else { return Ok(()) };
        if !is_kept {
            return Ok(());
        }
        match timeout(LAY, body.lay(start, is_form, shelf)).await.map_err(slow)? {
            Ok(Extent { bytes, digest, has_all_names }) => {
                let start = std::mem::take(start);
                request.body = Body::Long { start, bytes, digest, has_all_names };
                Ok(())
            }
            Err(NotKept::Broken(error)) => Err(broken(error)),
            // Nobody is asked about what is not here as a whole, and nothing of it goes on.
            Err(why @ (NotKept::TooLong | NotKept::Full | NotKept::Disk(_))) => {
                tracing::warn!(
                    error = &why as &dyn std::error::Error,
                    "a body is not kept for a person's yes"
                );
                Ok(())
            }
        }
    }

    /// Whether a form that is refused as it is would not be if it had no other names than those of its start.
    async fn may_be_kept(&self, request: &writ_model::Request) -> bool {
        let Body::Start(start) = &request.body else { return false };
        let (start, digest) = (start.clone(), Digest::new([0; 32]));
        let body = Body::Long { start, bytes: 0, digest, has_all_names: true };
        let at_best = writ_model::Request { body, ..request.clone() };
        self.outside.prospect(&at_best).await != Prospect::Refused
    }

    /// Reads ahead, in time and where there is room.
    pub(super) async fn held(
        &self,
        place: &Place,
        body: &mut Flow,
        bound: usize,
        wants_all: bool,
    ) -> Result<(Bytes, bool), No> {
        if let Some(held) = body.is_held(bound, wants_all) {
            return Ok(held);
        }
        let told = body.size_hint().exact().and_then(|told| usize::try_from(told).ok());
        let most = told.map_or(bound, |told| told.min(bound));
        let kib = u32::try_from(most.div_ceil(1024).max(1)).unwrap_or(u32::MAX);
        let Places { room, expected, .. } = self.places(place);
        // It waits for us, not we for it: for a while it is not sent away for being silent.
        let (waits, sent_away) = (body.waits_for_us(), body.crowded_out());
        let stays = async {
            tokio::time::sleep(STAYS).await;
            drop(waits);
            sent_away.await;
        };
        let room = tokio::select! {
            room = places(room, kib, HOLD, || expected.send_one_away()) => room.ok_or_else(full)?,
            () = stays => return Err(full()),
        };
        timeout(HOLD, body.hold(bound, wants_all, room)).await.map_err(slow)?.map_err(broken)
    }
}

fn full() -> No {
    Stop::TooMuch.say("too many bodies are read at once; try again")
}

fn slow(_: Elapsed) -> No {
    Stop::RequestMalformed.say("the body did not come in time")
}

fn broken(error: BodyError) -> No {
    match error {
        BodyError::Crowded => full(),
        BodyError::Secret(_)
        | BodyError::Placeholder(_)
        | BodyError::SecondMethod
        | BodyError::Unreadable
        | BodyError::Idle(_)
        | BodyError::Broken(_) => Stop::RequestMalformed.say("the body broke off"),
    }
}
