//! What of a body is read before its request is decided. It comes out again as it came in.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::{BodyError, Flow};
use crate::http::shelf::{Extent, Lost, MAX_KEPT_BYTES, NotKept, Shelf};

/// Bytes that are held, and the room that they take: others have it once the last who shares them is done.
struct Held {
    bytes: BytesMut,
    _room: OwnedSemaphorePermit,
}

// === impl Held ===

impl Held {
    /// Keeps room for as much as there is: others wait for the rest.
    fn with_room(bytes: BytesMut, mut room: OwnedSemaphorePermit) -> Bytes {
        if let Some(surplus) = room.num_permits().checked_sub(bytes.len().div_ceil(1024)) {
            drop(room.split(surplus));
        }
        Bytes::from_owner(Self { bytes, _room: room })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

// === impl Flow ===

impl Flow {
    /// Reads ahead until the end, or until `bound` bytes are held and, where all is wanted, more are there; returns what
    /// is held and whether it is all. What was read comes out again: there is one copy of it.
    pub(in crate::http) async fn hold(
        &mut self,
        bound: usize,
        wants_all: bool,
        room: OwnedSemaphorePermit,
    ) -> Result<(Bytes, bool), BodyError> {
        let told = self.rest.as_ref().map_or(0, |rest| rest.size_hint().lower());
        let told = usize::try_from(told).map_or(bound, |told| told.min(bound));
        let mut held = BytesMut::with_capacity(self.ahead.iter().map(Bytes::len).sum::<usize>() + told);
        self.ahead.drain(..).for_each(|piece| held.extend_from_slice(&piece));
        while is_short(held.len(), bound, wants_all) {
            let Some(rest) = &mut self.rest else { break };
            let Some(frame) = rest.frame().await else {
                self.rest = None;
                break;
            };
            match frame?.into_data() {
                Ok(data) => held.extend_from_slice(&data),
                Err(frame) if self.drops_trailers => drop(frame),
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
        }
        if self.rest.as_ref().is_some_and(Body::is_end_stream) {
            self.rest = None;
        }
        let held = Held::with_room(held, room);
        if !held.is_empty() {
            self.ahead.push_back(held.clone());
        }
        Ok(self.seen(held, bound))
    }

    /// What [`Self::hold`] would give, where it would read nothing for it.
    pub(in crate::http) fn is_held(&self, bound: usize, wants_all: bool) -> Option<(Bytes, bool)> {
        let held = match self.ahead.len() {
            0 => Bytes::new(),
            1 => self.ahead.front().cloned()?,
            _ => return None,
        };
        let reads = self.rest.is_some() && is_short(held.len(), bound, wants_all);
        (!reads).then(|| self.seen(held, bound))
    }

    /// As much as was asked for, and whether it is all.
    fn seen(&self, held: Bytes, bound: usize) -> (Bytes, bool) {
        let is_all = self.rest.is_none() && held.len() <= bound;
        (held.slice(..held.len().min(bound)), is_all)
    }

    /// Reads on to the end and lays what follows the start on the shelf, from where it comes out again. What cannot be kept is
    /// lost, and breaks whoever would send it; what says that it is too long is not read.
    pub(in crate::http) async fn lay(
        &mut self,
        start: &[u8],
        is_form: bool,
        shelf: &Shelf,
    ) -> Result<Extent, NotKept> {
        let told = self.rest.as_ref().map_or(0, |rest| rest.size_hint().lower());
        if told > MAX_KEPT_BYTES {
            return Err(NotKept::TooLong);
        }
        let mut rest = self.rest.replace(Lost.boxed_unsync());
        // Once it is here, nobody waits for its client.
        let silent = self.idle.take().map_or(Duration::MAX, |idle| idle.bound);
        let mut laying = shelf.lay(start, is_form).await?;
        let mut ahead = start.len();
        for piece in &mut self.ahead {
            let more = piece.split_off(ahead.min(piece.len()));
            ahead -= piece.len();
            laying.take(&more).await?;
        }
        while let Some(rest) = &mut rest {
            let frame = timeout(silent, rest.frame()).await;
            let Some(frame) = frame.map_err(|_| NotKept::Broken(BodyError::Idle(silent)))? else { break };
            if let Ok(data) = frame.map_err(NotKept::Broken)?.into_data() {
                laying.take(&data).await?;
            }
        }
        let (extent, laid) = laying.finish().await?;
        self.rest = Some(laid.boxed_unsync());
        Ok(extent)
    }
}

/// Whether there is more to be read before so much is held.
const fn is_short(held: usize, bound: usize, wants_all: bool) -> bool {
    held < bound || (wants_all && held == bound)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::Full;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn attack_room_is_free_again_with_the_last_piece_and_not_before() {
        const BYTES: usize = 1 << 20;
        let room = Arc::new(Semaphore::new(4096));
        let permit = Arc::clone(&room).acquire_many_owned(2048).await.unwrap();
        let body = Full::new(Bytes::from(vec![b'x'; BYTES])).map_err(|never| match never {});
        let mut flow = Flow::whole(body.boxed_unsync());
        let (held, is_all) = flow.hold(2 * BYTES, true, permit).await.unwrap();
        assert!(is_all && held.len() == BYTES);
        assert_eq!(room.available_permits(), 4096 - BYTES / 1024);
        drop(held);
        // Whoever sends is slow with one piece.
        let mut slow = None;
        let mut sent = 0;
        while let Some(frame) = flow.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            sent += piece.len();
            slow.get_or_insert(piece);
        }
        drop(flow);
        assert_eq!((sent, room.available_permits()), (BYTES, 4096 - BYTES / 1024));
        drop(slow);
        assert_eq!(room.available_permits(), 4096);
    }
}
