//! Long work beside the other tasks of its thread.
//!
//! What leaves a run is served by one thread: two hand each request to one another a few times, which costs more than the request.
//! So whatever looks through many bytes at once hands the others on before it begins.

use std::future::{Future, poll_fn};
use std::pin::pin;

use tokio::runtime::{Handle, RuntimeFlavor};

/// From so many bytes on; what is shorter is done sooner than handed on.
const LONG_BYTES: usize = 64 << 10;

/// Looks through so many bytes. The other tasks of this thread go on meanwhile, where its runtime has others.
pub(crate) fn aside<T>(bytes: usize, look: impl FnOnce() -> T) -> T {
    let has_others =
        || Handle::try_current().is_ok_and(|at| at.runtime_flavor() == RuntimeFlavor::MultiThread);
    if bytes >= LONG_BYTES && has_others() { tokio::task::block_in_place(look) } else { look() }
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
