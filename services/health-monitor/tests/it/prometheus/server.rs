//! A server that answers as it is told, by the path that a policy names.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bellwether_clock::{Timestamp, spawn};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// What is said to a query.
#[derive(Clone)]
pub enum Reply {
    /// This status and body.
    Say(u16, String),
    /// By what the query contains.
    Each(Vec<(&'static str, Reply)>),
    /// Nothing, for ever.
    Hang,
    /// The connection is closed.
    Hangup,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub path: String,
    pub authorization: Option<String>,
    pub body: String,
}

type Replies = Arc<Mutex<BTreeMap<String, Reply>>>;

/// The server.
pub struct Server {
    pub address: SocketAddr,
    replies: Replies,
    asked: Arc<Mutex<Vec<Asked>>>,
}

// === impl Server ===

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (replies, asked) = (Replies::default(), Arc::<Mutex<Vec<Asked>>>::default());
        let (of_task, log) = (replies.clone(), asked.clone());
        spawn("fake prometheus", async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn("fake connection", serve(stream, of_task.clone(), log.clone()));
            }
        });
        Self { address, replies, asked }
    }

    /// Says this to queries under `/case`, from now on.
    pub fn says(&self, case: &str, reply: Reply) {
        self.replies.lock().unwrap().insert(case.to_owned(), reply);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn url(&self, case: &str) -> String {
        format!("http://{}/{case}", self.address)
    }
}

async fn serve(mut stream: TcpStream, replies: Replies, log: Arc<Mutex<Vec<Asked>>>) {
    let Some(asked) = read(&mut stream).await else { return };
    let case = asked.path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let reply = replies.lock().unwrap().get(&case).cloned();
    let reply = match reply {
        Some(Reply::Each(each)) => {
            each.into_iter().find(|(part, _)| asked.body.contains(part)).map(|(_, it)| it)
        }
        reply => reply,
    };
    log.lock().unwrap().push(asked);
    match reply {
        Some(Reply::Say(status, body)) => {
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            // a client that has read enough goes away
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(body.as_bytes()).await;
        }
        Some(Reply::Hang) => std::future::pending().await,
        Some(Reply::Each(_) | Reply::Hangup) | None => {}
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut asked, mut length, mut line) = (Asked::default(), 0, String::new());
    reader.read_line(&mut line).await.ok()?;
    asked.path = line.split(' ').nth(1)?.to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => asked.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}

/// An answer with these series: labels in JSON, value; each scraped at `now` and a second before, when it was `before`.
pub fn matrix(now: Timestamp, series: &[(&str, f64, f64)]) -> Reply {
    let series: Vec<String> = series
        .iter()
        .map(|(labels, before, value)| {
            let at = now.as_second();
            format!(r#"{{"metric":{{{labels}}},"values":[[{},"{before}"],[{at},"{value}"]]}}"#, at - 1)
        })
        .collect();
    whole(&series.join(","))
}

/// An answer with these series as they are.
pub fn whole(series: &str) -> Reply {
    Reply::Say(200, format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#))
}

/// An answer with these values now: labels in JSON, value.
pub fn vector(now: Timestamp, values: &[(String, f64)]) -> Reply {
    let at = now.as_second();
    let values: Vec<String> = values
        .iter()
        .map(|(labels, value)| format!(r#"{{"metric":{{{labels}}},"value":[{at},"{value}"]}}"#))
        .collect();
    let values = values.join(",");
    Reply::Say(200, format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{values}]}}}}"#))
}
