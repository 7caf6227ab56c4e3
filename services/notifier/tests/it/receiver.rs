//! An HTTP server that answers as it is told and remembers what it got.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bellwether_clock::{Env, Timestamp};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

/// How to answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this status.
    Status(u16),
    /// With this status and header.
    With(u16, &'static str, String),
    /// With 200 and so many bytes.
    Huge(usize),
    /// Never.
    Silence,
}

/// What came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub headers: HeaderMap,
    pub body: Bytes,
    pub at: Timestamp,
}

/// The server; it ends when it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    script: Arc<Mutex<Script>>,
    seen: watch::Receiver<Vec<Seen>>,
    task: JoinHandle<()>,
}

struct Script {
    next: VecDeque<Reply>,
    then: Reply,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Receiver {
    /// Answers with `script`, and 200 after it.
    pub async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script { next: script.into_iter().collect(), then: Reply::Status(200) };
        let script = Arc::new(Mutex::new(script));
        let (tell, seen) = watch::channel(Vec::new());
        let task = bellwether_clock::spawn("receiver", serve(listener, script.clone(), Arc::new(tell)));
        Self { address, script, seen, task }
    }

    /// From now on answers with this.
    pub fn always(&self, reply: Reply) {
        let mut script = self.script.lock().unwrap();
        script.next.clear();
        script.then = reply;
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// What came, once it is so many.
    pub async fn wait(&self, count: usize) -> Vec<Seen> {
        let mut seen = self.seen.clone();
        let enough = timeout(PATIENCE, seen.wait_for(|seen| seen.len() >= count)).await;
        enough.unwrap_or_else(|_| panic!("{} of {count} came", self.seen.borrow().len())).unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Seen {
    pub fn id(&self) -> String {
        self.header("webhook-id")
    }

    pub fn header(&self, name: &str) -> String {
        self.headers[name].to_str().unwrap().to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn title(&self) -> String {
        let json = self.json();
        let own = json["data"].get("customData").unwrap_or(&json["data"]);
        own["title"].as_str().unwrap().to_owned()
    }
}

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>, tell: Arc<watch::Sender<Vec<Seen>>>) {
    let env = Env::system();
    while let Ok((stream, _)) = listener.accept().await {
        let (script, tell, env) = (script.clone(), tell.clone(), env.clone());
        let service = service_fn(move |request| {
            let (script, tell, env) = (script.clone(), tell.clone(), env.clone());
            async move { Ok::<_, Infallible>(answer(request, &script, &tell, &env).await) }
        });
        bellwether_clock::spawn("receiver-connection", async move {
            // the client may go away in the middle: that is what some tests are about
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    script: &Mutex<Script>,
    tell: &watch::Sender<Vec<Seen>>,
    env: &Env,
) -> Response<Full<Bytes>> {
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let reply = {
        let mut script = script.lock().unwrap();
        script.next.pop_front().unwrap_or_else(|| script.then.clone())
    };
    tell.send_modify(|all| all.push(Seen { headers, body, at: env.now() }));
    let respond = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match reply {
        Reply::Status(status) => respond(status).body(Full::default()).unwrap(),
        Reply::With(status, name, value) => {
            respond(status).header(name, value).body(Full::default()).unwrap()
        }
        Reply::Huge(bytes) => respond(200).body(Full::from(vec![b'x'; bytes])).unwrap(),
        Reply::Silence => std::future::pending().await,
    }
}
