//! A gateway that is being replaced: it accepts no more, and ends when what is open has finished.

use std::{
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Release},
    },
    time::Duration,
};

use bellwether_clock::{Env, Timestamp};
use tokio::{sync::watch, time::sleep};

/// Tells that the gateway is being replaced.
#[derive(Debug)]
pub struct Retire {
    /// Looked at with each request.
    begun: AtomicBool,
    deadline: watch::Sender<Option<Timestamp>>,
    env: Env,
}

/// Sees that the gateway is being replaced.
#[derive(Clone, Debug)]
pub struct Retiring {
    deadline: watch::Receiver<Option<Timestamp>>,
    env: Env,
}

// === impl Retire ===

impl Retire {
    /// Not being replaced.
    pub fn new(env: Env) -> Self {
        Self { begun: AtomicBool::new(false), deadline: watch::Sender::new(None), env }
    }

    /// From now on, and what is open after `within` is cut.
    pub fn begin(&self, within: Duration) {
        let deadline = self.env.now().checked_add(within).unwrap_or(Timestamp::MAX);
        // before anybody is woken
        self.begun.store(true, Release);
        self.deadline.send_replace(Some(deadline));
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Acquire)
    }

    /// To watch it.
    pub fn subscribe(&self) -> Retiring {
        Retiring { deadline: self.deadline.subscribe(), env: self.env.clone() }
    }
}

// === impl Retiring ===

impl Retiring {
    /// Waits until it begins; returns when what is open is cut.
    pub async fn begun(&self) -> Timestamp {
        let mut receiver = self.deadline.clone();
        match receiver.wait_for(Option::is_some).await.map(|deadline| *deadline) {
            Ok(Some(deadline)) => deadline,
            // the sender is gone, with the gateway itself
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Waits until what is open is cut.
    pub async fn deadline(&self) {
        let deadline = self.begun().await;
        sleep(self.env.until(deadline)).await;
    }
}
