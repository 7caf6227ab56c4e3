//! The connections of one worker to one instance. A worker is one thread, so the locks here are never contended.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::{Env, Timestamp, spawn};

use super::upstream::{Http1, Http2, Upstream};

/// More idle connections than this are closed.
const MAX_IDLE: usize = 1024;

/// Connections to one instance that belong to one worker.
#[derive(Debug, Default)]
pub struct Lane {
    idle: Mutex<VecDeque<Idle>>,
    shared: tokio::sync::Mutex<Option<Http2>>,
}

#[derive(Debug)]
struct Idle {
    connection: Http1,
    since: Timestamp,
}

/// A connection on which an answer is being read; it goes back when that is done.
#[derive(Debug)]
pub struct Lease {
    connection: Http1,
    upstream: Arc<Upstream>,
    worker: usize,
    env: Env,
}

// === impl Lane ===

impl Lane {
    /// The connection that became idle last, unless it has been idle for longer than `idle`.
    pub fn take(&self, env: &Env, idle: Duration) -> Option<Http1> {
        loop {
            let Idle { connection, since } = self.idle().pop_back()?;
            if connection.is_ready() && env.since(since) < idle {
                return Some(connection);
            }
        }
    }

    /// The HTTP/2 connection, made anew when there is none.
    ///
    /// # Errors
    /// Refused, unreachable, or not made within `within`.
    pub async fn shared(&self, upstream: &Upstream, within: Duration) -> std::io::Result<Http2> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = shared.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let connection = upstream.connect_http2(within).await?;
        *shared = Some(connection.clone());
        Ok(connection)
    }

    /// Drops what was idle for longer than `idle`.
    pub fn trim(&self, env: &Env, idle: Duration) {
        self.idle().retain(|entry| !entry.connection.is_closed() && env.since(entry.since) < idle);
    }

    fn put(&self, env: &Env, connection: Http1) {
        let mut idle = self.idle();
        if idle.len() >= MAX_IDLE {
            idle.pop_front();
        }
        idle.push_back(Idle { connection, since: env.now() });
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lease ===

impl Lease {
    /// Of a connection that `worker` took from, or will give to, its lane of `upstream`.
    pub fn new(connection: Http1, upstream: Arc<Upstream>, worker: usize, env: Env) -> Self {
        Self { connection, upstream, worker, env }
    }

    /// The answer was read to its end: the connection may be used again, once it says so itself (the instance may
    /// have answered before it had read the whole request).
    pub fn give_back(mut self) {
        if self.connection.is_ready() {
            self.upstream.lane(self.worker).put(&self.env, self.connection);
        } else if !self.connection.is_closed() {
            spawn("upstream idle", async move {
                if self.connection.ready().await.is_ok() {
                    self.upstream.lane(self.worker).put(&self.env, self.connection);
                }
            });
        }
    }
}
