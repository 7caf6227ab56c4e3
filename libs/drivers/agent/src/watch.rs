//! A watch that reconnects for ever.

use std::time::Duration;

use bellwether_client::{Backoff, Transport};
use bellwether_clock::{Env, spawn};
use bellwether_platform::{Result, Watch};
use bellwether_proto::agent::v1::{Observed, WatchObservedRequest, agent_service_client::AgentServiceClient};
use futures::StreamExt;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::error::unavailable;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The agent tells at least once a second; one that is silent for longer is not there.
const SILENCE: Duration = Duration::from_secs(5);
/// Observations that wait for a slow reader.
const WAITING: usize = 4;

type Client = AgentServiceClient<Transport>;

/// What a target is, now and with each change; an error each time that it cannot be seen.
pub(crate) fn observed<T: PartialEq + Clone + Send + 'static>(
    client: Client,
    env: Env,
    target: String,
    read: fn(Observed) -> T,
) -> Watch<T> {
    let (sender, receiver) = mpsc::channel(WAITING);
    spawn("watch agent", async move {
        tokio::select! {
            () = follow(client, env, target, read, &sender) => {}
            () = sender.closed() => {}
        }
    });
    ReceiverStream::new(receiver).boxed()
}

async fn follow<T: PartialEq + Clone>(
    mut client: Client,
    env: Env,
    target: String,
    read: fn(Observed) -> T,
    sender: &mpsc::Sender<Result<T>>,
) {
    let mut backoff = Backoff::new(env, FIRST_PAUSE, LONGEST_PAUSE);
    let mut last = None;
    loop {
        let ended = session(&mut client, &target, read, sender, &mut last, &mut backoff).await;
        // what is seen next is news, after it could not be seen
        last = None;
        if sender.send(Err(unavailable(ended))).await.is_err() {
            return;
        }
        sleep(backoff.pause(None)).await;
    }
}

/// One stream, to its end. Tells only what differs from the last that was told.
async fn session<T: PartialEq + Clone>(
    client: &mut Client,
    target: &str,
    read: fn(Observed) -> T,
    sender: &mpsc::Sender<Result<T>>,
    last: &mut Option<T>,
    backoff: &mut Backoff,
) -> Status {
    let request = WatchObservedRequest { targets: vec![target.to_owned()] };
    let mut stream = match client.watch_observed(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return status,
    };
    loop {
        let message = match timeout(SILENCE, stream.message()).await {
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => return Status::unavailable("the agent ended the stream"),
            Ok(Err(status)) => return status,
            Err(_) => return Status::unavailable("the agent is silent"),
        };
        backoff.reset();
        let Some(observed) = message.observed.map(read).filter(|observed| last.as_ref() != Some(observed))
        else {
            continue;
        };
        *last = Some(observed.clone());
        if sender.send(Ok(observed)).await.is_err() {
            return Status::cancelled("nobody watches any more");
        }
    }
}
