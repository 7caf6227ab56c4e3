//! An executor that tells what it is told to tell: its streams and GetRollout, and nothing else.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bellwether_clock::spawn;
use bellwether_proto::{
    common::v1::{Change, Metadata, WatchCurrent, WatchReset},
    executor::v1::{
        FleetSpec, GetRolloutRequest, GetRolloutResponse, Rollout, RolloutChange, WatchRolloutsRequest,
        WatchRolloutsResponse, rollout::State, watch_rollouts_response::Message,
    },
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::BoxStream};
use http::{Request, Response};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tonic::{
    Code, Status,
    body::Body,
    server::{Grpc, NamedService, ServerStreamingService, UnaryService},
};
use tonic_prost::ProstCodec;

/// A scripted executor; it ends when it is dropped.
pub struct Executor {
    pub url: String,
    told: Arc<Told>,
    serving: JoinHandle<()>,
}

struct Told {
    facts: watch::Sender<Vec<RolloutChange>>,
    /// Tokens are of this journal; another one makes them foreign.
    journal: Mutex<String>,
    /// How many streams were cut; each ends those before it.
    cuts: watch::Sender<u64>,
}

#[derive(Clone)]
struct Fake(Arc<Told>);

impl Executor {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Told {
            facts: watch::channel(Vec::new()).0,
            journal: Mutex::new("a".into()),
            cuts: watch::channel(0).0,
        });
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder().add_service(Fake(told.clone()));
        let serving = async move { server.serve_with_incoming(incoming).await.unwrap() };
        Self { url, told, serving: spawn("executor", serving) }
    }

    /// The next fact, about a rollout as it is after it.
    pub fn tell(&self, fact: &str, rollout: Rollout) {
        self.tell_with(fact, rollout, serde_json::json!({}));
    }

    /// The same with data.
    pub fn tell_with(&self, fact: &str, rollout: Rollout, data: serde_json::Value) {
        self.told.facts.send_modify(|facts| {
            let sequence = i64::try_from(facts.len() + 1).unwrap();
            let metadata = rollout.metadata.clone().unwrap();
            let change = Change {
                fact: fact.into(),
                fact_json: data.to_string(),
                sequence,
                version: metadata.version,
                time: metadata.update_time,
                ..Default::default()
            };
            facts.push(RolloutChange { change: Some(change), rollout: Some(rollout) });
        });
    }

    /// Cuts every stream.
    pub fn cut(&self) {
        self.told.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// From now on no token of before is of any use.
    pub fn begin_anew(&self, journal: &str) {
        *self.told.journal.lock().unwrap() = journal.into();
        self.cut();
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A rollout of shop, updated now.
pub fn rollout(id: &str, version: i64, state: State) -> Rollout {
    let now = bellwether_resource::time::to_timestamp(bellwether_clock::Env::system().now());
    let metadata = Metadata { version, update_time: Some(now), ..Default::default() };
    let spec = FleetSpec { version: "1.4.2".into(), ..Default::default() };
    let mut rollout = Rollout {
        name: format!("rollouts/{id}"),
        display_name: format!("shop@production-{id}"),
        target: "targets/shop@production".into(),
        metadata: Some(metadata),
        spec: Some(spec),
        ..Default::default()
    };
    rollout.set_state(state);
    rollout
}

impl Told {
    fn token(&self, position: usize) -> String {
        format!("{}-{position}", self.journal.lock().unwrap())
    }

    fn position(&self, token: &str) -> Option<usize> {
        let journal = self.journal.lock().unwrap().clone();
        token.strip_prefix(&format!("{journal}-"))?.parse().ok()
    }

    fn stream(self: Arc<Self>, token: &str) -> BoxStream<'static, Result<WatchRolloutsResponse, Status>> {
        let facts = self.facts.borrow().clone();
        let (mut first, mut position) = (Vec::new(), self.position(token).unwrap_or(facts.len()));
        if self.position(token).is_none() {
            first
                .extend((!token.is_empty()).then(|| Message::Reset(WatchReset { reason: "FOREIGN".into() })));
            first.extend(newest(&facts).into_iter().map(Message::Snapshot));
        }
        let behind: Vec<_> = facts.iter().skip(position).cloned().collect();
        for fact in behind {
            position += 1;
            first.push(self.changed(position, fact));
        }
        first.push(Message::Current(WatchCurrent { resume_token: self.token(position) }));
        let first = futures::stream::iter(first.into_iter().map(ok));
        first.chain(self.live(position)).boxed()
    }

    fn live(
        self: Arc<Self>,
        position: usize,
    ) -> impl futures::Stream<Item = Result<WatchRolloutsResponse, Status>> + Send {
        let (facts, cuts) = (self.facts.subscribe(), self.cuts.subscribe());
        let state = (self, facts, cuts, position);
        futures::stream::unfold(state, |(told, mut facts, mut cuts, position)| async move {
            let next = async {
                let facts = facts.wait_for(|facts| facts.len() > position).await.ok()?;
                facts.get(position).cloned()
            };
            let fact = tokio::select! {
                fact = next => fact?,
                _ = cuts.changed() => return None,
            };
            let message = ok(told.changed(position + 1, fact));
            Some((message, (told, facts, cuts, position + 1)))
        })
    }

    fn changed(&self, position: usize, mut fact: RolloutChange) -> Message {
        if let Some(change) = &mut fact.change {
            change.resume_token = self.token(position);
        }
        Message::Changed(fact)
    }
}

fn newest(facts: &[RolloutChange]) -> Vec<Rollout> {
    let mut newest = std::collections::BTreeMap::new();
    for rollout in facts.iter().filter_map(|fact| fact.rollout.clone()) {
        newest.insert(rollout.name.clone(), rollout);
    }
    newest.into_values().collect()
}

fn ok(message: Message) -> Result<WatchRolloutsResponse, Status> {
    Ok(WatchRolloutsResponse { message: Some(message) })
}

impl NamedService for Fake {
    const NAME: &'static str = "bellwether.executor.v1.ExecutorService";
}

impl tower::Service<Request<Body>> for Fake {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let fake = self.clone();
        async move {
            Ok(match request.uri().path().rsplit('/').next() {
                Some("WatchRollouts") => {
                    Grpc::new(ProstCodec::default()).server_streaming(fake, request).await
                }
                Some("GetRollout") => Grpc::new(ProstCodec::default()).unary(fake, request).await,
                _ => Status::new(Code::Unimplemented, "scripted").into_http(),
            })
        }
        .boxed()
    }
}

impl ServerStreamingService<WatchRolloutsRequest> for Fake {
    type Response = WatchRolloutsResponse;
    type ResponseStream = BoxStream<'static, Result<WatchRolloutsResponse, Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<WatchRolloutsRequest>) -> Self::Future {
        let stream = self.0.clone().stream(&request.get_ref().resume_token);
        async move { Ok(tonic::Response::new(stream)) }.boxed()
    }
}

impl UnaryService<GetRolloutRequest> for Fake {
    type Response = GetRolloutResponse;
    type Future = BoxFuture<'static, Result<tonic::Response<GetRolloutResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<GetRolloutRequest>) -> Self::Future {
        let name = request.into_inner().name;
        let found = newest(&self.0.facts.borrow()).into_iter().find(|rollout| rollout.name == name);
        async move {
            let rollout = found.ok_or_else(|| Status::not_found(name))?;
            Ok(tonic::Response::new(GetRolloutResponse { rollout: Some(rollout) }))
        }
        .boxed()
    }
}
