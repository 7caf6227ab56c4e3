//! Accepts connections until the server drains, then sees them to their end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bellwether_clock::spawn;
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::{Listener, Shutdown, connection::Connections};

/// Pause after an accept that failed for want of file descriptors or memory.
const BREATH: Duration = Duration::from_millis(50);

/// Serves until `shutdown` fires and every connection has ended, or `grace` is over.
pub(crate) async fn accept<L: Listener>(
    listener: L,
    local: SocketAddr,
    connections: Arc<Connections>,
    grace: Duration,
    shutdown: &Shutdown,
) {
    let room = Arc::new(Semaphore::new(connections.most()));
    let mut running = FuturesUnordered::new();
    loop {
        let next = tokio::select! {
            biased;
            () = shutdown.triggered() => break,
            Some(_) = running.next(), if !running.is_empty() => continue,
            next = next(&listener, &room) => next,
        };
        let Some((io, remote, permit)) = next else { continue };
        let (connections, shutdown) = (connections.clone(), shutdown.clone());
        running.push(spawn("connection", async move {
            connections.serve(io, remote, local, shutdown).await;
            drop(permit);
        }));
    }
    drop(listener);
    let ended = tokio::time::timeout(grace, async { while running.next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(connections = running.len(), "connections were cut at the end of the grace time");
        running.iter().for_each(JoinHandle::abort);
    }
}

/// The next connection once there is room for it.
async fn next<L: Listener>(
    listener: &L,
    room: &Arc<Semaphore>,
) -> Option<(L::Io, SocketAddr, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((io, remote)) => Some((io, remote, permit)),
        Err(error) => {
            tracing::warn!(%error, "accepting a connection failed");
            tokio::time::sleep(BREATH).await;
            None
        }
    }
}
