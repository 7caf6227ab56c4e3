//! An open-loop load: requests are sent when they are due, whether or not the earlier ones were answered, so that a slow
//! server cannot slow the load down and hide its slowness.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::{Env, Timestamp, spawn};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Uri, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::demo::shop::{INJECTED, VERSION};

/// What to send.
#[derive(Debug, Clone)]
pub struct LoadConfig {
    /// Where to: `http://127.0.0.1:8080`.
    pub base: String,
    /// Requests per second.
    pub rps: u32,
    /// An answer later than this is a failure.
    pub timeout: Duration,
    /// Requests in flight at most; more are counted as failed (`overrun`).
    pub in_flight: usize,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Requests sent.
    pub sent: u64,
    /// Answered as they should be.
    pub good: u64,
    /// Answered with a fault that the version was told to have.
    pub injected: u64,
    /// Everything else: no connection, cut, timed out, or an error that no version was told to have.
    pub failed: u64,
    /// The first few of `failed`, for people.
    pub failures: Vec<String>,
    /// By version.
    pub versions: BTreeMap<String, VersionTally>,
}

/// What came back from one version.
#[derive(Debug, Clone)]
pub struct VersionTally {
    /// Answers.
    pub answers: u64,
    /// Of these, with an injected fault.
    pub injected: u64,
    /// When the first answer came.
    pub first: Timestamp,
    /// When the first injected fault came.
    pub first_injected: Option<Timestamp>,
    /// When the last answer came.
    pub last: Timestamp,
}

/// A load that runs until it is dropped.
pub struct Load {
    tally: Arc<Mutex<Tally>>,
    task: JoinHandle<()>,
}

struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    config: LoadConfig,
    tally: Arc<Mutex<Tally>>,
    env: Env,
}

// === impl Load ===

impl Load {
    /// Starts at once.
    pub fn start(config: LoadConfig, env: Env) -> Self {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        let sender = Arc::new(Sender { client, config, tally: tally.clone(), env });
        let task = spawn("load", sender.run());
        Self { tally, task }
    }

    /// What came back until now.
    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Sender ===

impl Sender {
    async fn run(self: Arc<Self>) {
        let slots = Arc::new(Semaphore::new(self.config.in_flight));
        let start = self.env.now();
        let mut sent: u64 = 0;
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let due = (self.env.since(start).as_secs_f64() * f64::from(self.config.rps)) as u64;
            while sent < due {
                sent += 1;
                match slots.clone().try_acquire_owned() {
                    Ok(slot) => {
                        let sender = self.clone();
                        spawn("request", async move {
                            sender.one(sent).await;
                            drop(slot);
                        });
                    }
                    Err(_) => {
                        self.count(|tally| tally.fail("overrun: too many requests in flight".to_owned()))
                    }
                }
            }
        }
    }

    async fn one(&self, number: u64) {
        let outcome = tokio::time::timeout(self.config.timeout, self.exchange(number)).await;
        let now = self.env.now();
        self.count(|tally| match outcome {
            Err(_) => tally.fail(format!("no answer within {:?}", self.config.timeout)),
            Ok(Err(error)) => tally.fail(error),
            Ok(Ok(answer)) => tally.answer(answer, now),
        });
    }

    async fn exchange(&self, number: u64) -> Result<Answer, String> {
        let (method, path) = match number % 10 {
            0 => (Method::POST, "/checkout"),
            1..=3 => (Method::GET, "/cart"),
            _ => (Method::GET, "/"),
        };
        let uri: Uri = format!("{}{path}", self.config.base).parse().map_err(|e| format!("{e}"))?;
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let response = self.client.request(request).await.map_err(|e| chain(&e))?;
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (version, injected, status) = (header(VERSION), header(INJECTED).is_some(), response.status());
        response.into_body().collect().await.map_err(|e| chain(&e))?;
        if !injected && !status.is_success() {
            return Err(format!("status {status} from {}", version.as_deref().unwrap_or("the gateway")));
        }
        Ok(Answer { version, injected })
    }

    fn count(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

struct Answer {
    version: Option<String>,
    injected: bool,
}

// === impl Tally ===

impl Tally {
    const FAILURES_KEPT: usize = 20;

    fn fail(&mut self, text: String) {
        self.sent += 1;
        self.failed += 1;
        if self.failures.len() < Self::FAILURES_KEPT {
            self.failures.push(text);
        }
    }

    fn answer(&mut self, answer: Answer, now: Timestamp) {
        self.sent += 1;
        if answer.injected {
            self.injected += 1;
        } else {
            self.good += 1;
        }
        let Some(version) = answer.version else { return };
        let of = self.versions.entry(version).or_insert(VersionTally {
            answers: 0,
            injected: 0,
            first: now,
            first_injected: None,
            last: now,
        });
        of.answers += 1;
        of.last = now;
        if answer.injected {
            of.injected += 1;
            of.first_injected.get_or_insert(now);
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
