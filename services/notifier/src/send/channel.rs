//! One attempt, whatever the channel.

use bellwether_clock::Env;
use bellwether_egress::Client;

use bellwether_server::telemetry;
use tracing::{Instrument as _, info_span};

use super::webhook;
use crate::{
    message::Reason,
    metrics::NotifierMetrics,
    outbox::{Attempt, Delivery, Outcome},
    routing::{Channel, Receiver},
};

/// Makes attempts.
pub struct Sender {
    client: Client,
    env: Env,
    metrics: NotifierMetrics,
}

/// How an attempt went.
#[derive(Clone, Debug)]
pub struct Report {
    /// As it is recorded.
    pub attempt: Attempt,
    /// What it means for the delivery.
    pub outcome: Outcome,
    /// The receiver as a whole does not work: it cannot be reached, or it says so.
    pub down: bool,
}

/// How an attempt ended, before it is timed.
pub(super) struct Ending {
    pub(super) status: Option<u16>,
    pub(super) failure: Option<Reason>,
    pub(super) outcome: Outcome,
    pub(super) down: bool,
}

// === impl Sender ===

impl Sender {
    /// With this client for webhooks.
    pub fn new(client: Client, env: Env, metrics: NotifierMetrics) -> Self {
        Self { client, env, metrics }
    }

    /// Tries to hand a delivery over, in the trace of what led to it.
    pub async fn send(&self, receiver: &Receiver, delivery: &Delivery) -> Report {
        let span = info_span!("deliver", receiver = %receiver.name, delivery = %delivery.id);
        if let Some(trace) = &delivery.message.trace {
            telemetry::continue_from(&span, trace);
        }
        self.attempt(receiver, delivery).instrument(span).await
    }

    async fn attempt(&self, receiver: &Receiver, delivery: &Delivery) -> Report {
        let time = self.env.now();
        let ending = match &receiver.channel {
            Channel::Log => log(delivery),
            Channel::Webhook(hook) => webhook::send(&self.client, hook, delivery, time).await,
        };
        let latency_ms = u64::try_from(self.env.since(time).as_millis()).unwrap_or(u64::MAX);
        self.metrics.attempt(&receiver.name, ending.failure.is_some(), latency_ms);
        let Ending { status, failure, outcome, down } = ending;
        Report { attempt: Attempt { time, latency_ms, status, failure }, outcome, down }
    }
}

fn log(delivery: &Delivery) -> Ending {
    let message = &delivery.message;
    let (title, text, subject) = (&message.title, &message.text, &message.subject);
    let (id, fact) = (delivery.message_id(), message.labelled("fact"));
    let labels = tracing::field::debug(&message.labels);
    match message.labelled("severity") {
        "critical" => tracing::error!(%id, fact, %subject, %title, %text, labels, "notification"),
        "warning" => tracing::warn!(%id, fact, %subject, %title, %text, labels, "notification"),
        _ => tracing::info!(%id, fact, %subject, %title, %text, labels, "notification"),
    }
    Ending::delivered(None)
}

// === impl Ending ===

impl Ending {
    pub(super) fn delivered(status: Option<u16>) -> Self {
        Self { status, failure: None, outcome: Outcome::Delivered, down: false }
    }

    pub(super) fn failed(status: Option<u16>, failure: Reason) -> Self {
        Self { status, failure: Some(failure), outcome: Outcome::Failed, down: false }
    }

    pub(super) fn down(self) -> Self {
        Self { down: true, ..self }
    }

    pub(super) fn with(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }
}
