//! Long work beside the other tasks of its thread.
//!
//! What leaves a run is served by one thread: two hand each request to one another a few times, which costs more than the request.
//! So whatever looks through many bytes at once hands the others on before it begins.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Handle, RuntimeFlavor};

/// From so many bytes on; what is shorter is done sooner than handed on.
const LONG_BYTES: usize = 64 << 10;

/// So many looks hand the others on at once: each takes a thread of its own, and who supervises has to get to the processors.
const MOST: usize = 2;
/// How many do so now.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// One of them, until it is dropped.
struct Looking;

// === impl Looking ===

impl Looking {
    fn begin() -> Option<Self> {
        let more = |now: usize| (now < MOST).then_some(now + 1);
        LOOKING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Self)
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Looks through so many bytes. The other tasks of this thread go on meanwhile, where its runtime has others.
pub(crate) fn aside<T>(bytes: usize, look: impl FnOnce() -> T) -> T {
    let has_others =
        || Handle::try_current().is_ok_and(|at| at.runtime_flavor() == RuntimeFlavor::MultiThread);
    if bytes < LONG_BYTES || !has_others() {
        return look();
    }
    match Looking::begin() {
        Some(_looking) => tokio::task::block_in_place(look),
        None => look(),
    }
}

/// The same of each step of what waits in between.
pub(crate) async fn each_aside<T>(bytes: usize, looking: impl Future<Output = T>) -> T {
    let mut looking = pin!(looking);
    poll_fn(|context| aside(bytes, || looking.as_mut().poll(context))).await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_look_lets_the_others_of_its_thread_go_on() {
        let (say, hear) = channel();
        let looking =
            tokio::spawn(each_aside(LONG_BYTES, async move { hear.recv_timeout(Duration::from_secs(60)) }));
        let other = tokio::spawn(async move { say.send("done") });
        assert_eq!(looking.await.unwrap(), Ok("done"));
        other.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn where_there_is_no_other_thread_it_is_done_here() {
        assert_eq!(aside(LONG_BYTES, || 7), 7);
    }
}
