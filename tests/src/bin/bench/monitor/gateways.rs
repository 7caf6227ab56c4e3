//! Those who push samples.

use std::time::Duration;

use anyhow::Context as _;
use bellwether_clock::{Env, spawn};
use bellwether_proto::monitor::v1::{PushSamplesRequest, PushSamplesResponse, Sample, SampleBatch};
use bellwether_resource::time;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

use super::process::Monitor;

/// Messages that wait for the transport.
const AHEAD: usize = 16;

/// Gateways, each with a connection and a stream of its own.
pub struct Gateways {
    env: Env,
    every: Duration,
    streams: Vec<Stream>,
}

struct Stream {
    source: String,
    messages: mpsc::Sender<PushSamplesRequest>,
    sent: u64,
    task: JoinHandle<Result<Response<PushSamplesResponse>, Status>>,
}

// === impl Gateways ===

impl Gateways {
    /// So many, each of which reports at this interval.
    ///
    /// # Errors
    /// When the monitor has no address.
    pub fn open(monitor: &Monitor, count: usize, every: Duration, env: Env) -> anyhow::Result<Self> {
        let open = |number: usize| {
            let (messages, receiver) = mpsc::channel(AHEAD);
            let mut client = monitor.client()?;
            let pushing = async move { client.push_samples(ReceiverStream::new(receiver)).await };
            let source = format!("gateway/bench-{number}");
            Ok(Stream { source, messages, sent: 0, task: spawn("gateway", pushing) })
        };
        Ok(Self { env, every, streams: (0..count).map(open).collect::<anyhow::Result<_>>()? })
    }

    /// Sends what the gateway of this number counts.
    ///
    /// # Errors
    /// When the monitor has ended its stream.
    pub async fn report(&mut self, number: usize, samples: Vec<Sample>) -> anyhow::Result<()> {
        let at = number % self.streams.len().max(1);
        let stream = self.streams.get_mut(at).context("there is no gateway")?;
        let batch = SampleBatch {
            source: stream.source.clone(),
            incarnation: "1".to_owned(),
            time: Some(time::to_timestamp(self.env.now())),
            samples,
            interval: Some(time::to_duration(self.every)),
            readings: Vec::new(),
            sessions: Vec::new(),
        };
        let sent = stream.messages.send(PushSamplesRequest { batch: Some(batch) }).await;
        sent.context("the monitor has ended a stream of samples")?;
        stream.sent += 1;
        Ok(())
    }

    /// Ends every stream; all that was sent must have been taken.
    ///
    /// # Errors
    /// When it was not.
    pub async fn close(self) -> anyhow::Result<()> {
        for Stream { messages, sent, task, .. } in self.streams {
            drop(messages);
            let taken = task.await??.into_inner().accepted_batches;
            anyhow::ensure!(taken == sent, "{taken} of {sent} batches were taken");
        }
        Ok(())
    }
}
