//! The worker of one receiver.

use std::{sync::Arc, time::Duration};

use bellwether_clock::{Env, Timestamp};
use bellwether_server::Shutdown;
use tokio::{sync::Notify, time};

use super::{Board, Breaker, BreakerPolicy, Bucket, Held, Report, Sender};
use crate::{
    message::Reason,
    outbox::{Delivery, Outbox, OutboxError, Outcome, Take},
    routing::Receiver,
};

/// Sends what waits for one receiver, one at a time.
pub(super) struct Worker {
    pub(super) receiver: Receiver,
    pub(super) outbox: Arc<Outbox>,
    pub(super) sender: Arc<Sender>,
    pub(super) board: Arc<Board>,
    pub(super) env: Env,
    pub(super) stop: Shutdown,
    bucket: Bucket,
    breaker: Breaker,
    held: Option<Timestamp>,
}

/// An attempt under way may go on this long after the stop.
const GRACE: Duration = Duration::from_secs(3);
/// Time between attempts to record an outcome on a full disk.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

// === impl Worker ===

impl Worker {
    pub(super) fn new(
        receiver: Receiver,
        breaker: BreakerPolicy,
        outbox: Arc<Outbox>,
        sender: Arc<Sender>,
        board: Arc<Board>,
        env: Env,
        stop: Shutdown,
    ) -> Self {
        let bucket = Bucket::new(receiver.rate, env.now());
        let breaker = Breaker::new(breaker);
        Self { receiver, outbox, sender, board, env, stop, bucket, breaker, held: None }
    }

    /// Works until it is stopped, or the outbox can no longer be written.
    pub(super) async fn run(mut self) {
        let bell = self.outbox.bell(&self.receiver.name).await;
        while !self.stop.is_triggered() {
            if let Some(until) = self.held.take_if(|until| *until > self.env.now()) {
                self.held = Some(until);
                self.rest(self.env.until(until)).await;
                continue;
            }
            self.hold(None);
            if let Err(error) = self.turn(&bell).await {
                let receiver = &self.receiver.name;
                tracing::error!(receiver, error = %chain(&error), "stops sending: the outbox cannot be written");
                break;
            }
        }
        self.board.set(&self.receiver.name, None);
    }

    async fn turn(&mut self, bell: &Notify) -> Result<(), OutboxError> {
        match self.outbox.take(&self.receiver.name).await {
            Take::Idle => tokio::select! {
                () = bell.notified() => {}
                () = self.stop.triggered() => {}
            },
            Take::Wait(due) => tokio::select! {
                () = bell.notified() => {}
                () = self.rest(self.env.until(due)) => {}
            },
            Take::Send(delivery) => match self.bucket.take(self.env.now()) {
                Ok(()) => self.deliver(&delivery).await?,
                Err(wait) => {
                    self.outbox.release(&delivery).await;
                    self.rest(wait).await;
                }
            },
        }
        Ok(())
    }

    async fn deliver(&mut self, delivery: &Delivery) -> Result<(), OutboxError> {
        let Some(report) = self.attempt(delivery).await else {
            self.outbox.release(delivery).await;
            return Ok(());
        };
        let back = self.learn(&report);
        if let Err(error) = self.record(delivery, &report).await {
            self.outbox.release(delivery).await;
            return Err(error);
        }
        if back {
            self.outbox.wake(&self.receiver.name).await;
        }
        Ok(())
    }

    /// One attempt; none when it was cut short by the stop. It may have arrived: it goes again with the same id.
    async fn attempt(&self, delivery: &Delivery) -> Option<Report> {
        let overtime = async {
            self.stop.triggered().await;
            time::sleep(GRACE).await;
        };
        tokio::select! {
            report = self.sender.send(&self.receiver, delivery) => Some(report),
            () = overtime => None,
        }
    }

    /// What the attempt says about the receiver; whether it is back after it was left alone.
    fn learn(&mut self, report: &Report) -> bool {
        let now = self.env.now();
        let reason = report.attempt.failure.clone();
        if let Outcome::Later(wait) = report.outcome {
            self.hold(now.checked_add(wait).ok().zip(reason));
            return false;
        }
        if report.down {
            let until = self.breaker.failed(now);
            self.hold(until.zip(reason));
            return false;
        }
        self.breaker.worked()
    }

    async fn record(&self, delivery: &Delivery, report: &Report) -> Result<(), OutboxError> {
        loop {
            let settled = self.outbox.settle(delivery.id, report.attempt.clone(), report.outcome).await;
            match settled {
                Err(error) if error.is_temporary() && !self.stop.is_triggered() => {
                    self.rest(RECORD_AGAIN).await;
                }
                settled => return settled,
            }
        }
    }

    fn hold(&mut self, held: Option<(Timestamp, Reason)>) {
        self.held = held.as_ref().map(|(until, _)| *until);
        self.board.set(&self.receiver.name, held.map(|(until, reason)| Held { until, reason }));
    }

    async fn rest(&self, wait: Duration) {
        tokio::select! {
            () = time::sleep(wait) => {}
            () = self.stop.triggered() => {}
        }
    }
}

/// An error with its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
