//! Long work beside the other tasks of its thread, one piece at a time.
//!
//! What leaves a run is served by one thread: two hand each request to one another a few times, which costs more than the request.
//! So whatever looks through many bytes at once hands the others on before it begins. What a look builds of what it looks through
//! may be several times as large: one after the other, they take the memory of one.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Semaphore, SemaphorePermit};

/// From so many bytes on; what is shorter is done sooner than handed on.
const LONG_BYTES: usize = 64 << 10;

/// Requests to the model: nothing else keeps them waiting.
pub(crate) static MODEL: Turns = Turns(Semaphore::const_new(1));
/// All that leaves beside them.
pub(crate) static OTHERS: Turns = Turns(Semaphore::const_new(1));

/// Long looks that wait for each other.
pub(crate) struct Turns(Semaphore);

// === impl Turns ===

impl Turns {
    /// Looks through so many bytes. The other tasks of this thread go on meanwhile, where its runtime has others.
    pub(crate) async fn look<T>(&self, bytes: usize, look: impl FnOnce() -> T) -> T {
        let _turn = self.turn(bytes).await;
        beside(bytes, look)
    }

    /// The same of each step of what waits in between. None of its steps waits for a turn of its own here: it would wait for
    /// itself.
    pub(crate) async fn steps<T>(&self, bytes: usize, looking: impl Future<Output = T>) -> T {
        let mut looking = pin!(looking);
        loop {
            let turn = self.turn(bytes).await;
            let step = poll_fn(|context| Poll::Ready(beside(bytes, || looking.as_mut().poll(context)))).await;
            drop(turn);
            match step {
                Poll::Ready(found) => return found,
                Poll::Pending => woken().await,
            }
        }
    }

    async fn turn(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        if bytes < LONG_BYTES {
            return None;
        }
        self.0.acquire().await.ok()
    }
}

/// Returns when this task is woken; the step before it has said by what.
async fn woken() {
    let mut is_asked = false;
    poll_fn(|_| if std::mem::replace(&mut is_asked, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn beside<T>(bytes: usize, look: impl FnOnce() -> T) -> T {
    let has_others =
        || Handle::try_current().is_ok_and(|at| at.runtime_flavor() == RuntimeFlavor::MultiThread);
    if bytes < LONG_BYTES || !has_others() { look() } else { tokio::task::block_in_place(look) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_look_lets_the_others_of_its_thread_go_on() {
        let (say, hear) = channel();
        let looking = async move { hear.recv_timeout(Duration::from_secs(60)) };
        let looking = tokio::spawn(OTHERS.steps(LONG_BYTES, looking));
        let other = tokio::spawn(async move { say.send("done") });
        assert_eq!(looking.await.unwrap(), Ok("done"));
        other.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn where_there_is_no_other_thread_it_is_done_here() {
        assert_eq!(OTHERS.look(LONG_BYTES, || 7).await, 7);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn long_looks_are_made_one_after_the_other() {
        static TURNS: Turns = Turns(Semaphore::const_new(1));
        let now = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let all: Vec<_> = (0..16)
            .map(|_| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                tokio::spawn(TURNS.steps(LONG_BYTES, async move {
                    for _ in 0..4 {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                    }
                }))
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }
}
