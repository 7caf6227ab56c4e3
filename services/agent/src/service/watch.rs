//! Observations as they change.

use std::{collections::BTreeMap, pin::Pin, sync::Arc, time::Duration};

use bellwether_clock::spawn;
use bellwether_proto::agent::v1::WatchObservedResponse;
use bellwether_server::Shutdown;
use futures::{Stream, future::select_all};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::convert;
use crate::supervisor::{Host, Observed};

/// At least this often everything is told, also when nothing has changed.
const AT_LEAST: Duration = Duration::from_secs(1);
/// Observations that wait for a slow reader; it then gets the newest ones only.
const WAITING: usize = 16;

/// The answer of WatchObserved.
pub type ObservedStream = Pin<Box<dyn Stream<Item = Result<WatchObservedResponse, Status>> + Send>>;

type Sender = mpsc::Sender<Result<WatchObservedResponse, Status>>;

/// What these targets (none named: all) are, at once, at each change, and at least once a second.
pub fn observed(host: Arc<Host>, names: Vec<String>, shutdown: Shutdown) -> ObservedStream {
    let (sender, receiver) = mpsc::channel(WAITING);
    spawn("watch observed", async move {
        tokio::select! {
            () = follow(&host, &names, &sender) => {}
            () = sender.closed() => {}
            () = shutdown.triggered() => {
                // a reader that is gone needs no last word
                let _ = sender.try_send(Err(Shutdown::status()));
            }
        }
    });
    Box::pin(ReceiverStream::new(receiver))
}

/// Each round tells everything that has changed, or everything once a second; targets that are new are found then.
async fn follow(host: &Host, names: &[String], sender: &Sender) {
    for name in names {
        if host.target(name).await.is_err() {
            // nothing is there, which is also something to see
            let nothing = Observed { target: name.clone(), ..Observed::default() };
            let observed = Some(convert::observed(nothing, host.env().now()));
            if sender.send(Ok(WatchObservedResponse { observed })).await.is_err() {
                return;
            }
        }
    }
    let mut watched: BTreeMap<String, watch::Receiver<Observed>> = BTreeMap::new();
    let mut all = true;
    loop {
        for target in host.targets().await {
            if names.is_empty() || names.iter().any(|name| name == target.name()) {
                watched.entry(target.name().to_owned()).or_insert_with(|| {
                    let mut watch = target.watch();
                    watch.mark_changed();
                    watch
                });
            }
        }
        for watch in watched.values_mut() {
            if all || watch.has_changed().unwrap_or(false) {
                let observed = watch.borrow_and_update().clone();
                let observed = Some(convert::observed(observed, host.env().now()));
                if sender.send(Ok(WatchObservedResponse { observed })).await.is_err() {
                    return;
                }
            }
        }
        all = timeout(AT_LEAST, changed(&mut watched)).await.is_err();
    }
}

async fn changed(watched: &mut BTreeMap<String, watch::Receiver<Observed>>) {
    if watched.is_empty() {
        return std::future::pending().await;
    }
    let changes = watched.values_mut().map(|watch| Box::pin(watch.changed()));
    // an error means that a target is gone, which happens at the process's end only
    let _ = select_all(changes).await;
}
