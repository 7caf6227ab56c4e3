//! What ends a call that does not end by itself.

use std::{pin::Pin, time::Duration};

use bellwether_resource::error::{DRAINING, Problem};
use tokio::time::sleep;

use super::deadline;
use crate::{Limits, Method, Shutdown};

/// Ready when the call has to end, with what it is answered.
pub(super) type Ending = Pin<Box<dyn Future<Output = Problem> + Send>>;

/// A call ends when its time is over. A stream also ends when server or connection do: its handler has some time to say
/// its last token; health and reflection have none to say.
pub(super) fn ending(method: &Method, left: Option<Duration>, shutdown: Shutdown, limits: &Limits) -> Ending {
    let streaming = method.streaming;
    let patience = if method.permission.is_none() { Duration::ZERO } else { limits.drain_patience };
    Box::pin(async move {
        let over = async {
            match left {
                Some(left) => sleep(left).await,
                None => std::future::pending().await,
            }
        };
        let drained = async {
            shutdown.triggered().await;
            sleep(patience).await;
        };
        tokio::select! {
            biased;
            () = over => deadline::exceeded(),
            () = drained, if streaming => DRAINING.because("the server ends this stream"),
        }
    })
}
