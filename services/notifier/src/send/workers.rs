//! One worker per receiver of the routing in force.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_clock::Env;
use bellwether_server::Shutdown;
use tokio::task::JoinHandle;

use super::{Board, BreakerPolicy, Sender, worker::Worker};
use crate::{
    outbox::Outbox,
    routing::{Receiver, Routing},
};

/// Keeps the workers in step with the routing until `stop`.
pub async fn run(
    outbox: Arc<Outbox>,
    sender: Arc<Sender>,
    board: Arc<Board>,
    breaker: BreakerPolicy,
    env: Env,
    stop: Shutdown,
) {
    let mut routings = outbox.routings();
    let mut workers = Workers { outbox, sender, board, breaker, env, running: BTreeMap::new() };
    loop {
        let routing = routings.borrow_and_update().clone();
        workers.adjust(&routing).await;
        tokio::select! {
            changed = routings.changed() => if changed.is_err() { break },
            () = stop.triggered() => break,
        }
    }
    workers.stop_all().await;
}

struct Workers {
    outbox: Arc<Outbox>,
    sender: Arc<Sender>,
    board: Arc<Board>,
    breaker: BreakerPolicy,
    env: Env,
    running: BTreeMap<String, Running>,
}

struct Running {
    receiver: Receiver,
    stop: Shutdown,
    task: JoinHandle<()>,
}

// === impl Workers ===

impl Workers {
    /// Stops what is gone or changed, then starts what is missing: a receiver never has two.
    async fn adjust(&mut self, routing: &Routing) {
        let wanted = &routing.receivers;
        let stale = |running: &Running| wanted.get(&running.receiver.name) != Some(&running.receiver);
        let stale: Vec<_> = self.running.extract_if(.., |_, running| stale(running)).collect();
        for (_, running) in stale {
            running.stop().await;
        }
        for (name, receiver) in wanted {
            if !self.running.contains_key(name) {
                let running = self.start(receiver.clone());
                self.running.insert(name.clone(), running);
            }
        }
    }

    fn start(&self, receiver: Receiver) -> Running {
        let stop = Shutdown::new();
        let worker = Worker::new(
            receiver.clone(),
            self.breaker,
            self.outbox.clone(),
            self.sender.clone(),
            self.board.clone(),
            self.env.clone(),
            stop.clone(),
        );
        Running { receiver, stop, task: bellwether_clock::spawn("notifier-worker", worker.run()) }
    }

    async fn stop_all(self) {
        self.running.values().for_each(|running| running.stop.trigger());
        for running in self.running.into_values() {
            running.stop().await;
        }
    }
}

// === impl Running ===

impl Running {
    async fn stop(self) {
        self.stop.trigger();
        if let Err(error) = self.task.await {
            tracing::error!(receiver = self.receiver.name, %error, "a worker ended badly");
        }
    }
}
