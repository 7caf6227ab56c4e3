//! One attempt at one instance, from its choice to the end of its answer.

use std::sync::Arc;

use bellwether_clock::{Env, Timestamp};
use http::{HeaderMap, StatusCode};

use super::{
    accounting::{Cell, Outcome, Traffic},
    route::{Backend, Route},
};

/// Counts exactly once, whatever becomes of it. The route that it holds is the one under which it was routed,
/// also when the table has changed since.
#[derive(Debug)]
pub struct Attempt {
    route: Arc<Route>,
    backend: Arc<Backend>,
    cell: Arc<Cell>,
    env: Env,
    started: Timestamp,
    journeys: u32,
    /// The hash of the user's session.
    session: Option<u64>,
    /// How it would count if it ended well from here; none before the answer's head.
    so_far: Option<Outcome>,
    counted: bool,
}

// === impl Attempt ===

impl Attempt {
    /// Begins now; bit i of `journeys` says that the request belongs to journey i, `session` is the hash of its user's.
    pub fn start(
        route: Arc<Route>,
        backend: Arc<Backend>,
        traffic: Traffic,
        journeys: u32,
        session: Option<u64>,
        env: &Env,
    ) -> Self {
        backend.upstream.enter();
        let cell = backend.cell(traffic).clone();
        Self {
            route,
            backend,
            cell,
            started: env.now(),
            env: env.clone(),
            journeys,
            session,
            so_far: None,
            counted: false,
        }
    }

    /// The instance.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// The answer's head is here.
    pub fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.backend.upstream.answered();
        self.cell.answered(status.as_u16(), self.env.since(self.started));
        let error = self.route.classifier.head(status, headers);
        self.so_far = Some(if error { Outcome::Error } else { Outcome::Well });
    }

    /// Counts an answer that will last (an upgrade, a stream of events) as soon as it has begun; it stays open.
    pub fn count_head(&mut self) {
        self.count(self.so_far.unwrap_or(Outcome::Well));
    }

    /// The answer has come to its end.
    pub fn ended(mut self, trailers: Option<&HeaderMap>) {
        let error = trailers.is_some_and(|trailers| self.route.classifier.trailers(trailers));
        if error {
            self.count(Outcome::Error);
        }
    }

    /// No connection was made, or it was closed before anything was sent.
    pub fn connect_failed(mut self) {
        self.backend.upstream.avoid(&self.env);
        self.count(Outcome::ConnectFailed);
    }

    /// The instance broke off, or gave no answer in time; or a drain's deadline cut it.
    pub fn broken(mut self) {
        if self.backend.upstream.is_cut() {
            self.cut();
        } else {
            self.count(Outcome::Error);
        }
    }

    /// A drain's deadline cut it.
    pub fn cut(mut self) {
        self.backend.upstream.count_cut();
        self.count(Outcome::CutByDrain);
    }

    fn count(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.counted, true) {
            self.cell.mark(outcome);
        } else {
            self.cell.count(outcome, self.journeys);
        }
        if let (Some(session), Some(sessions)) = (self.session, &self.backend.sessions) {
            sessions.note(session, outcome.is_error());
        }
    }
}

impl Drop for Attempt {
    /// Ended without anything wrong; or the client has left, before the answer's head or while it was being read.
    fn drop(&mut self) {
        if !self.counted {
            self.count(self.so_far.unwrap_or(Outcome::ClientAborted));
        }
        self.backend.upstream.leave();
    }
}
