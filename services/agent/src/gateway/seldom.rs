//! Waiting for what happens once in the life of a connection, without asking for it at each of its many polls.

use std::{future::poll_fn, pin::Pin, task::Poll};

/// Which of the two came.
#[derive(Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// What is polled each time.
    Often(A),
    /// What is polled when it has happened.
    Seldom(B),
}

/// Waits for the first of the two. `seldom` is polled once, so that it wakes the task when it is ready, and then only
/// when `happened` says so, which must be true before it wakes. For tasks of their own alone: there the waker stays the
/// same one.
pub async fn either<A: Future, B: Future>(
    mut often: Pin<&mut A>,
    mut seldom: Pin<&mut B>,
    happened: impl Fn() -> bool,
) -> Either<A::Output, B::Output> {
    let mut asked = false;
    poll_fn(move |cx| {
        if let Poll::Ready(output) = often.as_mut().poll(cx) {
            return Poll::Ready(Either::Often(output));
        }
        if !asked || happened() {
            asked = true;
            return seldom.as_mut().poll(cx).map(Either::Seldom);
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::atomic::{AtomicBool, Ordering::Relaxed},
    };

    use tokio::sync::watch;

    use super::*;

    #[tokio::test]
    async fn either_wakes_the_task() {
        let (sender, mut receiver) = watch::channel(false);
        let flag = std::sync::Arc::new(AtomicBool::new(false));
        let happened = flag.clone();
        let waiting = bellwether_clock::spawn("waits", async move {
            let changed = async { receiver.wait_for(|happened| *happened).await.is_ok() };
            let never = std::future::pending::<()>();
            either(pin!(never), pin!(changed), || happened.load(Relaxed)).await
        });
        tokio::task::yield_now().await;
        flag.store(true, Relaxed);
        sender.send_replace(true);
        assert_eq!(waiting.await.unwrap(), Either::Seldom(true));
        let often = either(pin!(async { 1 }), pin!(std::future::pending::<()>()), || false).await;
        assert_eq!(often, Either::Often(1));
    }
}
