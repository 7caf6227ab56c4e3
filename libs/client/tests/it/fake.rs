//! An executor whose answers are scripted.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bellwether_proto::{
    common::v1::{Change, Metadata, WatchCurrent, WatchHeartbeat, WatchReset},
    executor::v1::{
        GetTargetRequest, GetTargetResponse, Target, TargetChange, WatchTargetsRequest, WatchTargetsResponse,
        watch_targets_response::Message,
    },
};
use bellwether_server::{Caller, Deadline, telemetry::current_traceparent};
use futures::{StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// What one stream sends; then it stays open, or ends where the last entry is an error.
pub type Session = Vec<Result<Message, Status>>;

/// What one GetTarget saw of its caller.
#[derive(Clone, Debug)]
pub struct Seen {
    pub caller: Caller,
    pub deadline: bool,
    pub traceparent: Option<String>,
}

#[derive(Clone, Default)]
pub struct Fake {
    pub sessions: Arc<Mutex<VecDeque<Session>>>,
    pub tokens: Arc<Mutex<Vec<String>>>,
    pub refusals: Arc<Mutex<VecDeque<Status>>>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    pub fn with_sessions(sessions: Vec<Session>) -> Self {
        Self { sessions: Arc::new(Mutex::new(sessions.into())), ..Self::default() }
    }

    async fn get(
        self,
        request: tonic::Request<GetTargetRequest>,
    ) -> Result<tonic::Response<GetTargetResponse>, Status> {
        let seen = Seen {
            caller: Caller::of(request.extensions())?,
            deadline: Deadline::of(request.extensions()).is_some(),
            traceparent: current_traceparent(),
        };
        self.seen.lock().unwrap().push(seen);
        if request.get_ref().name == "targets/slow@x" {
            std::future::pending::<()>().await;
        }
        match self.refusals.lock().unwrap().pop_front() {
            Some(refusal) => Err(refusal),
            None => Ok(tonic::Response::new(GetTargetResponse::default())),
        }
    }

    async fn watch(
        self,
        request: tonic::Request<WatchTargetsRequest>,
    ) -> Result<tonic::Response<BoxStream<'static, Result<WatchTargetsResponse, Status>>>, Status> {
        self.tokens.lock().unwrap().push(request.into_inner().resume_token);
        let session = self.sessions.lock().unwrap().pop_front().unwrap_or_default();
        let messages = session
            .into_iter()
            .map(|message| message.map(|message| WatchTargetsResponse { message: Some(message) }));
        Ok(tonic::Response::new(stream::iter(messages.collect::<Vec<_>>()).chain(stream::pending()).boxed()))
    }
}

impl NamedService for Fake {
    const NAME: &'static str = "bellwether.executor.v1.ExecutorService";
}

impl Service<Request<Body>> for Fake {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let fake = self.clone();
        Box::pin(async move {
            if request.uri().path().ends_with("/WatchTargets") {
                let watch = service_fn(move |request| fake.clone().watch(request));
                return Ok(Grpc::new(ProstCodec::default()).server_streaming(watch, request).await);
            }
            let get = service_fn(move |request| fake.clone().get(request));
            Ok(Grpc::new(ProstCodec::default()).unary(get, request).await)
        })
    }
}

pub fn target(name: &str, version: i64) -> Target {
    let metadata = Some(Metadata { version, ..Metadata::default() });
    Target { name: name.into(), metadata, ..Target::default() }
}

pub fn snapshot(name: &str, version: i64) -> Result<Message, Status> {
    Ok(Message::Snapshot(target(name, version)))
}

pub fn current(token: &str) -> Result<Message, Status> {
    Ok(Message::Current(WatchCurrent { resume_token: token.into() }))
}

pub fn changed(name: &str, version: i64, token: &str) -> Result<Message, Status> {
    Ok(Message::Changed(change(name, version, token)))
}

pub fn deleted(name: &str, version: i64, token: &str) -> Result<Message, Status> {
    Ok(Message::Deleted(change(name, version, token)))
}

pub fn heartbeat(token: &str) -> Result<Message, Status> {
    Ok(Message::Heartbeat(WatchHeartbeat { resume_token: token.into(), time: None }))
}

pub fn reset(reason: &str) -> Result<Message, Status> {
    Ok(Message::Reset(WatchReset { reason: reason.into() }))
}

fn change(name: &str, version: i64, token: &str) -> TargetChange {
    let change = Change { version, resume_token: token.into(), fact: "TESTED".into(), ..Change::default() };
    TargetChange { change: Some(change), target: Some(target(name, version)) }
}
