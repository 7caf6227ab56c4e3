//! Outbox and workers on a journal that outlives them.

use std::{sync::Arc, time::Duration};

use bellwether_clock::{Env, Timestamp};
use bellwether_egress::{AddressPolicy, Client, Limits};
use bellwether_journal::{Options, SqliteJournal};
use bellwether_notifier::{
    NotifierMetrics,
    message::{Class, Message, Severity, Source},
    outbox::{Cursor, Delivery, Keep, Outbox, OutboxError, RetryPolicy, Settings, State},
    routing::Routing,
    send::{self, Board, BreakerPolicy, Sender},
};
use bellwether_resource::Call;
use bellwether_server::{Metrics, Shutdown};
use serde_json::json;
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::timeout};
use uuid::Uuid;

/// Where the journal lies, and how to send.
pub struct Rig {
    pub dir: TempDir,
    pub retry: RetryPolicy,
    pub allow: Vec<String>,
    pub keep: Keep,
}

/// A running notifier without its streams.
pub struct Running {
    pub outbox: Arc<Outbox>,
    stop: Shutdown,
    task: JoinHandle<()>,
}

const PATIENCE: Duration = Duration::from_secs(30);
pub const START: &str = "2026-03-01T12:00:00Z";

impl Rig {
    pub fn new() -> Self {
        let delays = [0, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120].map(Duration::from_millis);
        let retry = RetryPolicy { delays: delays.to_vec(), jitter_percent: 0, ..RetryPolicy::default() };
        Self {
            dir: tempfile::tempdir().unwrap(),
            retry,
            allow: vec!["127.0.0.0/8".into(), "::1".into()],
            keep: Keep::default(),
        }
    }

    pub async fn start(&self) -> Running {
        let env = Env::system();
        let path = self.dir.path().join("notifier.db");
        let journal = SqliteJournal::open(&path, Options::new(env.clone())).await.unwrap();
        let metrics = NotifierMetrics::new(&Metrics::new());
        let settings = Settings { retry: self.retry.clone(), keep: self.keep, metrics: metrics.clone() };
        let outbox = Outbox::open(Arc::new(journal), env.clone(), settings).await.unwrap();
        let allow = self.allow.iter().map(|network| network.parse().unwrap()).collect();
        let limits = Limits { answer_bytes: 1024, ..Limits::default() };
        let client = Client::new(AddressPolicy::allowing(allow), limits).unwrap();
        let sender = Arc::new(Sender::new(client, env.clone(), metrics));
        let board = Arc::new(Board::default());
        let breaker = BreakerPolicy {
            failures: 3,
            pause: Duration::from_millis(50),
            max_pause: Duration::from_millis(200),
        };
        let stop = Shutdown::new();
        let workers = send::run(outbox.clone(), sender, board, breaker, env, stop.clone());
        let task = bellwether_clock::spawn("workers", workers);
        Running { outbox, stop, task }
    }
}

impl Running {
    /// Everything to one webhook.
    pub async fn route_to(&self, url: &str, more: serde_json::Value) {
        let mut webhook = json!({"url": url, "timeout": "5s"});
        webhook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let rate = json!({"perSecond": 1000.0, "burst": 1000});
        self.apply(json!({
            "receivers": [{"name": "hook", "webhook": webhook, "rateLimit": rate}],
            "route": {"receiver": "hook"},
        }))
        .await
    }

    pub async fn apply(&self, routing: serde_json::Value) {
        let routing = Routing::compile(serde_json::from_value(routing).unwrap()).unwrap();
        self.outbox.apply_routing(routing, None, false, &Call::internal(), |_| ()).await.unwrap();
    }

    pub async fn tell(&self, message: Message) {
        let cursor = Cursor { stream: "test".into(), token: message.event_id.to_string() };
        self.outbox.ingest(Some(&message), &cursor).await.unwrap();
    }

    /// Sends one again.
    pub async fn replay(&self, id: Uuid, etag: Option<&str>) -> Result<(), OutboxError> {
        self.outbox.replay(id, etag, "the receiver is mended", &Call::internal(), |_| ()).await
    }

    /// The newest delivery, once it is in this state.
    pub async fn newest_is(&self, state: State) -> Arc<Delivery> {
        self.newest(|newest| newest.state == state).await
    }

    /// The newest delivery, once it is like this.
    pub async fn newest(&self, wanted: impl Fn(&Delivery) -> bool) -> Arc<Delivery> {
        self.until(async || {
            let newest = self.outbox.deliveries(None, 1, |_| true).await;
            newest.into_iter().find(|newest| wanted(newest))
        })
        .await
    }

    /// Whether everything has come to its end.
    pub async fn all_ended(&self) {
        self.until(async || {
            let open = self.outbox.deliveries(None, 1, |delivery| !delivery.state.is_ended()).await;
            open.is_empty().then_some(())
        })
        .await;
    }

    /// What there is, once there is something; looks again whenever something was committed.
    async fn until<T>(&self, there_is: impl AsyncFn() -> Option<T>) -> T {
        let mut head = self.outbox.journal().head();
        let found = async {
            loop {
                head.mark_unchanged();
                match there_is().await {
                    Some(found) => return found,
                    // the table follows the commit at once, but not in the same instant
                    None => drop(timeout(Duration::from_millis(50), head.changed()).await),
                }
            }
        };
        timeout(PATIENCE, found).await.expect("in time")
    }

    /// Ends as a process does that is killed: nothing more is recorded.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.outbox.journal().close().await;
    }

    /// Ends in good order.
    pub async fn stop(self) {
        self.stop.trigger();
        self.task.await.unwrap();
        self.outbox.journal().close().await;
    }
}

/// Fact number `number` about `subject`.
pub fn fact(number: u64, subject: &str, class: Class) -> Message {
    let start: Timestamp = START.parse().unwrap();
    let time = start + Duration::from_secs(number);
    Message::new(Source::Executor, &format!("{subject}#{number}"), "ROLLOUT_STEP_STARTED", time)
        .ranked(class, Severity::Info)
        .about(subject)
        .saying(&format!("{subject} {number}"), "")
}
