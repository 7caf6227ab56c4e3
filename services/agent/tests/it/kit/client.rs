//! A client with kept connections, and a load of many of them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bellwether_clock::spawn;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::task::JoinHandle;

type Http = legacy::Client<HttpConnector, Full<Bytes>>;

/// Keeps its connections, repeats nothing by itself.
#[derive(Clone)]
pub struct Client {
    http: Http,
    address: SocketAddr,
}

/// What was answered: how often each status, or error, and by whom.
#[derive(Debug, Default)]
pub struct Answers {
    pub statuses: BTreeMap<u16, usize>,
    pub served_by: BTreeMap<String, usize>,
    pub errors: Vec<String>,
}

/// Requests without a pause from several connections.
pub struct Load {
    tasks: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    answers: Arc<Mutex<Answers>>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http();
        Self { http, address }
    }

    /// HTTP/2 without TLS.
    pub fn http2(address: SocketAddr) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self { http, address }
    }

    pub fn request(&self, path: &str) -> http::request::Builder {
        Request::builder().uri(format!("http://{}{path}", self.address))
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.http.request(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self.send(self.request(path).body(Full::default()).unwrap()).await;
        let status = response.status();
        (status, read(response).await)
    }
}

/// The whole body as text.
pub async fn read(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

impl Load {
    /// GET `path` from this many connections.
    pub fn start(address: SocketAddr, path: &str, connections: usize) -> Self {
        Self::of((0..connections).map(|_| Client::new(address)).collect(), path)
    }

    /// GET `path` by this many streams of one HTTP/2 connection.
    pub fn start_http2(address: SocketAddr, path: &str, streams: usize) -> Self {
        Self::of(vec![Client::http2(address); streams], path)
    }

    fn of(clients: Vec<Client>, path: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::<Mutex<Answers>>::default();
        let task = |client: Client| {
            let path = path.to_owned();
            let (stop, answers) = (stop.clone(), answers.clone());
            spawn("load", async move {
                while !stop.load(Relaxed) {
                    let answer = one(&client, &path).await;
                    answers.lock().unwrap().add(answer);
                }
            })
        };
        Self { tasks: clients.into_iter().map(task).collect(), stop: stop.clone(), answers: answers.clone() }
    }

    pub fn answered(&self) -> usize {
        self.answers.lock().unwrap().statuses.values().sum()
    }

    /// Waits for this many more answers.
    pub async fn more(&self, answers: usize) {
        let goal = self.answered() + answers;
        super::until("answers to the load", || async { self.answered() >= goal }).await;
    }

    pub async fn stop(self) -> Answers {
        self.stop.store(true, Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        std::mem::take(&mut *self.answers.lock().unwrap())
    }
}

async fn one(client: &Client, path: &str) -> Result<(u16, String), String> {
    let request = client.request(path).body(Full::default()).unwrap();
    let response = client.http.request(request).await.map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    let by =
        response.headers().get("x-served-by").and_then(|name| name.to_str().ok()).unwrap_or("").to_owned();
    response.into_body().collect().await.map_err(|error| format!("{error:?}"))?;
    Ok((status, by))
}

impl Answers {
    fn add(&mut self, answer: Result<(u16, String), String>) {
        match answer {
            Ok((status, by)) => {
                *self.statuses.entry(status).or_default() += 1;
                *self.served_by.entry(by).or_default() += 1;
            }
            Err(error) => self.errors.push(error),
        }
    }

    /// Every request was answered with 200.
    pub fn assert_all_well(&self) {
        assert!(self.errors.is_empty(), "{:?}", self.errors);
        assert_eq!(self.statuses.keys().collect::<Vec<_>>(), [&200], "{self:?}");
    }
}
