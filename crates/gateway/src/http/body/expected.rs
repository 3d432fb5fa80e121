//! A body whose client is waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::BodyError;
use crate::http::crowd::{Hold, Stay};

/// A body that is expected: while its client is waited for it may be sent away, and while the client waits for us it may not.
pub(super) struct Expected {
    rest: UnsyncBoxBody<Bytes, BodyError>,
    stay: Arc<Stay>,
    waits_for_us: Option<Hold>,
    /// Nothing once it was sent away.
    left: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

// === impl Expected ===

impl Expected {
    pub(super) fn new(rest: UnsyncBoxBody<Bytes, BodyError>, stay: Arc<Stay>) -> Self {
        let left: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(stay.left());
        let left = Some(left);
        Self { rest, stay, waits_for_us: None, left }
    }
}

impl Body for Expected {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.left.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.rest).poll_frame(cx) {
            Poll::Ready(found) => {
                if let Some(Ok(frame)) = &found {
                    self.stay.said(frame.data_ref().map_or(0, Bytes::len));
                }
                if self.waits_for_us.is_none() {
                    self.waits_for_us = self.stay.hold();
                }
                Poll::Ready(found)
            }
            Poll::Pending => {
                self.waits_for_us = None;
                if let Some(left) = &mut self.left {
                    ready!(left.as_mut().poll(cx));
                }
                self.left = None;
                Poll::Ready(Some(Err(BodyError::Crowded)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.size_hint()
    }
}
