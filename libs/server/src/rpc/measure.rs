//! RPCs started, handled by code, and their duration.

use std::sync::Arc;

use bellwether_clock::{Env, Timestamp};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use tonic::Code;

use crate::{Method, Metrics};

/// Which method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Which {
    service: String,
    method: String,
}

/// Which method, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    service: String,
    method: String,
    code: String,
}

/// The counters of all calls. Only methods of the descriptor set are labels, so a stranger cannot grow them.
#[derive(Clone, Debug)]
pub(crate) struct RpcMetrics {
    started: Family<Which, Counter>,
    handled: Family<Ended, Counter>,
    running: Family<Which, Gauge>,
    seconds: Family<Which, Histogram>,
}

/// One call from its start to its end; a call that is dropped was cancelled.
pub(crate) struct Measured {
    metrics: RpcMetrics,
    which: Which,
    env: Env,
    start: Timestamp,
    ended: bool,
}

// === impl RpcMetrics ===

impl RpcMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            started: metrics.counters("rpc_started", "Calls that began"),
            handled: metrics.counters("rpc_handled", "Calls that ended, by status code"),
            running: metrics.gauges("rpc_running", "Calls that are under way"),
            seconds: metrics.seconds_by("rpc_duration_seconds", "Time from a call's start to its status"),
        }
    }

    pub(super) fn start(&self, method: &Arc<Method>, env: &Env) -> Measured {
        let which = Which { service: method.service.clone(), method: method.name.clone() };
        self.started.get_or_create(&which).inc();
        self.running.get_or_create(&which).inc();
        Measured { metrics: self.clone(), which, env: env.clone(), start: env.now(), ended: false }
    }
}

// === impl Measured ===

impl Measured {
    pub(super) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let Which { service, method } = self.which.clone();
        self.metrics.handled.get_or_create(&Ended { service, method, code: format!("{code:?}") }).inc();
        self.metrics.running.get_or_create(&self.which).dec();
        let elapsed = self.env.since(self.start).as_secs_f64();
        self.metrics.seconds.get_or_create(&self.which).observe(elapsed);
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}
