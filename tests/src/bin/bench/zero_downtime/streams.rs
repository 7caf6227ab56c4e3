//! Answers that take longer than a moment: each must come whole.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, ensure};
use bellwether_clock::spawn;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::task::JoinHandle;

use crate::instance::{PART, PARTS};

/// Some streams at a time, each followed by the next.
pub struct Streams {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    tally: Mutex<Tally>,
}

/// What became of them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Those that came whole.
    pub complete: u64,
    /// The others.
    pub failed: u64,
    /// What was wrong with them.
    pub failures: Vec<String>,
}

// === impl Streams ===

impl Streams {
    /// From this address, so many at a time.
    pub fn start(front: SocketAddr, at_a_time: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let client = Client::builder(TokioExecutor::new()).build_http();
        let tasks =
            (0..at_a_time).map(|_| spawn("streams", follow(client.clone(), front, shared.clone()))).collect();
        Self { shared, tasks }
    }

    /// Waits for the last ones.
    ///
    /// # Errors
    /// When one of the tasks ended badly.
    pub async fn end(self) -> anyhow::Result<Tally> {
        self.shared.over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.context("a stream")?;
        }
        Ok(self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

async fn follow(client: Client<HttpConnector, Empty<Bytes>>, front: SocketAddr, shared: Arc<Shared>) {
    while !shared.over.load(Ordering::Relaxed) {
        let outcome = one(&client, front).await;
        let mut tally = shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => tally.complete += 1,
            Err(error) => {
                tally.failed += 1;
                tally.failures.push(format!("stream: {error:#}"));
            }
        }
    }
}

async fn one(client: &Client<HttpConnector, Empty<Bytes>>, front: SocketAddr) -> anyhow::Result<()> {
    let response = client.get(format!("http://{front}/stream").parse()?).await?;
    ensure!(response.status().is_success(), "status {}", response.status());
    let bytes = response.into_body().collect().await?.to_bytes();
    ensure!(bytes.len() == PARTS * PART.len(), "{} bytes of {}", bytes.len(), PARTS * PART.len());
    Ok(())
}
