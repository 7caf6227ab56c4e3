//! The Watch itself.

use std::{collections::VecDeque, future::Future, pin::Pin, time::Duration};

use bellwether_clock::Env;
use bellwether_proto::common::v1::Change;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::BoxStream};
use tokio::time::Sleep;
use tonic::{Code, Response, Status, Streaming};

use super::{
    seen::Seen,
    step::{WatchMessage, WatchResource, WatchStep},
};
use crate::{ApiError, Backoff};

/// Heartbeats come every 10 s; a stream that is silent for three of them is given up.
const SILENCE: Duration = Duration::from_secs(30);
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// What a consumer sees: every change once, in order per resource, whatever happens to connections and servers.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchEvent<R> {
    /// A resource as it is now: from a snapshot.
    Snapshot(R),
    /// The snapshot, or what had been missed, is complete; what follows is live.
    Current,
    /// A fact, and the resource after it (or after a later one, when this reader is behind).
    Changed {
        /// What happened.
        change: Change,
        /// The resource.
        resource: R,
    },
    /// A resource is gone.
    Deleted {
        /// Its name.
        name: String,
        /// The fact; none where it was missed and a snapshot told.
        change: Option<Change>,
        /// Its last state, where it is known.
        resource: Option<R>,
    },
    /// Nothing has happened; [`Watch::resume_token`] may have moved on.
    Heartbeat,
}

type Steps<R> = BoxStream<'static, Result<WatchStep<R>, Status>>;
type Opening<R> = BoxFuture<'static, Result<Steps<R>, Status>>;

/// Follows a Watch for ever.
///
/// # Guarantees
/// Reconnects with backoff, resumes after the last token, ignores versions that it has seen, tells of what was deleted
/// during a gap. [`Watch::next`] can be dropped at any time without losing anything.
pub struct Watch<R> {
    open: Box<dyn FnMut(String) -> Opening<R> + Send>,
    backoff: Backoff,
    token: String,
    seen: Seen,
    /// What is to be returned, with the token that it moves on to.
    ready: VecDeque<(Option<String>, WatchEvent<R>)>,
    state: State<R>,
}

enum State<R> {
    Idle,
    Pausing(Pin<Box<Sleep>>),
    Opening(Opening<R>),
    Open { steps: Steps<R>, silence: Pin<Box<Sleep>> },
}

// === impl Watch ===

impl<R: WatchResource> Watch<R> {
    /// Follows the stream that `open` opens after a resume token (empty: from a snapshot).
    ///
    /// ```
    /// # use bellwether_client::{Transport, Watch};
    /// # use bellwether_clock::Env;
    /// # use bellwether_proto::executor::v1::{Target, WatchTargetsRequest, executor_service_client::ExecutorServiceClient};
    /// fn targets(env: Env, client: ExecutorServiceClient<Transport>) -> Watch<Target> {
    ///     Watch::new(env, move |resume_token| {
    ///         let mut client = client.clone();
    ///         async move { client.watch_targets(WatchTargetsRequest { filter: String::new(), resume_token }).await }
    ///     })
    /// }
    /// ```
    pub fn new<M, F, O>(env: Env, mut open: F) -> Self
    where
        M: WatchMessage<Resource = R>,
        F: FnMut(String) -> O + Send + 'static,
        O: Future<Output = Result<Response<Streaming<M>>, Status>> + Send + 'static,
    {
        let open = move |token| open(token).map(|opened| opened.map(steps)).boxed();
        Self {
            open: Box::new(open),
            backoff: Backoff::new(env, FIRST, LONGEST),
            token: String::new(),
            seen: Seen::default(),
            ready: VecDeque::new(),
            state: State::Idle,
        }
    }

    /// Starts after this token, e.g. that of a durable cursor.
    pub fn after(self, resume_token: impl Into<String>) -> Self {
        Self { token: resume_token.into(), ..self }
    }

    /// Resumes after everything that [`Watch::next`] has returned so far. Empty until the first snapshot is complete.
    pub fn resume_token(&self) -> &str {
        &self.token
    }

    /// The next event. Cancel-safe.
    ///
    /// # Errors
    /// What connecting again cannot help: the request is refused (INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED,
    /// NOT_FOUND, UNIMPLEMENTED, FAILED_PRECONDITION). A further call tries again all the same, after a pause.
    pub async fn next(&mut self) -> Result<WatchEvent<R>, ApiError> {
        loop {
            if let Some((token, event)) = self.ready.pop_front() {
                self.token = token.unwrap_or_else(|| std::mem::take(&mut self.token));
                return Ok(event);
            }
            self.advance().await?;
        }
    }

    /// One step of the state machine; every await is on something that stays in `self`.
    async fn advance(&mut self) -> Result<(), ApiError> {
        match &mut self.state {
            State::Idle => {
                if self.token.is_empty() {
                    self.seen.reset()
                } else {
                    self.seen.resume()
                }
                self.state = State::Opening((self.open)(self.token.clone()));
            }
            State::Pausing(pause) => {
                pause.await;
                self.state = State::Idle;
            }
            State::Opening(opening) => match opening.await {
                Ok(steps) => {
                    self.state = State::Open { steps, silence: Box::pin(tokio::time::sleep(SILENCE)) }
                }
                Err(status) => return self.lost(status),
            },
            State::Open { steps, silence } => {
                let next = tokio::select! {
                    biased;
                    next = steps.next() => next,
                    () = silence.as_mut() => Some(Err(Status::unavailable("the stream is silent"))),
                };
                match next {
                    Some(Ok(step)) => {
                        *silence = Box::pin(tokio::time::sleep(SILENCE));
                        self.backoff.reset();
                        self.take(step);
                    }
                    Some(Err(status)) => return self.lost(status),
                    None => return self.lost(Status::unavailable("the stream has ended")),
                }
            }
        }
        Ok(())
    }

    /// The stream is lost: pauses, then connects again; tells the consumer where that cannot help.
    fn lost(&mut self, status: Status) -> Result<(), ApiError> {
        let error = ApiError::from(status);
        let pause = self.backoff.pause(error.retry_after);
        self.state = State::Pausing(Box::pin(tokio::time::sleep(pause)));
        if is_final(error.code) {
            return Err(error);
        }
        tracing::debug!(reason = error.reason, message = error.message, ?pause, "watching again");
        Ok(())
    }

    fn take(&mut self, step: WatchStep<R>) {
        match step {
            WatchStep::Snapshot(resource) => {
                if self.seen.is_news(resource.name(), resource.version()) {
                    self.ready.push_back((None, WatchEvent::Snapshot(resource)));
                }
            }
            WatchStep::Current(current) => {
                let gone = self.seen.complete().into_iter();
                let gone = gone.map(|name| WatchEvent::Deleted { name, change: None, resource: None });
                self.ready.extend(gone.map(|event| (None, event)));
                self.ready.push_back((Some(current.resume_token), WatchEvent::Current));
            }
            WatchStep::Changed(change, resource) => {
                let token = change.resume_token.clone();
                if self.seen.is_news(resource.name(), change.version) {
                    self.ready.push_back((Some(token), WatchEvent::Changed { change, resource }));
                } else {
                    self.token = token;
                }
            }
            WatchStep::Deleted(change, resource) => {
                let (token, name) = (change.resume_token.clone(), resource.name().to_owned());
                self.seen.forget(&name);
                let event = WatchEvent::Deleted { name, change: Some(change), resource: Some(resource) };
                self.ready.push_back((Some(token), event));
            }
            WatchStep::Heartbeat(heartbeat) => {
                self.ready.push_back((Some(heartbeat.resume_token), WatchEvent::Heartbeat));
            }
            WatchStep::Reset(reset) => {
                tracing::info!(reason = reset.reason, "a watch starts over");
                if matches!(reset.reason.as_str(), "FOREIGN" | "AHEAD") {
                    self.seen.recount();
                }
                self.seen.reset();
            }
        }
    }
}

/// The messages of a stream in the common shape. What this version does not know is passed over.
fn steps<M: WatchMessage>(response: Response<Streaming<M>>) -> Steps<M::Resource> {
    response.into_inner().filter_map(async |message| message.map(WatchMessage::into_step).transpose()).boxed()
}

fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::NotFound
            | Code::Unimplemented
            | Code::FailedPrecondition
    )
}
