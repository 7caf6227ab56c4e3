//! Carries the gateway's counters to the health-monitor, for ever. They are cumulative: what was lost with a
//! connection is in the next batch.

use std::{sync::Arc, time::Duration};

use bellwether_client::{Backoff, Transport};
use bellwether_clock::spawn;
use bellwether_proto::monitor::v1::{
    PushSamplesRequest, health_monitor_service_client::HealthMonitorServiceClient,
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{samples, sessions::Carried};
use crate::{control::Counted, supervisor::Host};

const EVERY: Duration = Duration::from_millis(100);
/// What is promised: three times this without a batch is a source that has failed, and a gateway or a supervisor that
/// is being replaced has not.
const PROMISED: Duration = Duration::from_millis(500);
/// Batches that wait for a slow monitor; then none is made until it has caught up.
const WAITING: usize = 2;
/// Where a batch is refused as a whole, what is refused is in the next one too: no hurry.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Carries counters to the monitor for as long as this process runs.
pub async fn push_samples(host: Arc<Host>, monitor: Transport, source: String) {
    let mut backoff = Backoff::new(host.env().clone(), EVERY, LONGEST_PAUSE);
    loop {
        let begun = host.env().now();
        let (sender, receiver) = mpsc::channel(WAITING);
        let fill = spawn("samples", fill(host.clone(), source.clone(), sender));
        let mut client = HealthMonitorServiceClient::new(monitor.clone());
        let ended = client.push_samples(ReceiverStream::new(receiver)).await;
        fill.abort();
        if let Err(status) = ended {
            tracing::debug!(%status, "the monitor takes no samples");
        }
        if host.env().since(begun) > LONGEST_PAUSE {
            backoff.reset();
        }
        sleep(backoff.pause(None)).await;
    }
}

async fn fill(host: Arc<Host>, source: String, sender: mpsc::Sender<PushSamplesRequest>) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // who listens at the other end has none of them yet, or has lost some
    let mut carried = Carried::default();
    loop {
        tick.tick().await;
        // where the gateway is being started there is nothing to tell
        let Ok(counted) = host.gateway().samples().await else {
            continue;
        };
        let sessions = carried.grown(&counted, |since| host.gateway().sessions(since)).await;
        let Counted { incarnation, samples, .. } = counted;
        let batch = samples::batch(&source, incarnation, samples, sessions, host.env().now(), PROMISED);
        if sender.send(PushSamplesRequest { batch: Some(batch) }).await.is_err() {
            return;
        }
    }
}
