//! An application that answers as a test tells it to, by method and path.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bellwether_clock::spawn;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// What comes back.
#[derive(Clone)]
pub enum Reply {
    /// This status, these headers, this body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
    /// A page, after this long.
    Late(Duration, &'static str),
    /// Nothing, for ever.
    Hang,
    /// The head of an answer, and of its body nothing more than this.
    Stuck(&'static str),
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

type Answer = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// The application.
pub struct Shop {
    pub address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A page.
pub fn page(body: &str) -> Reply {
    Reply::Say(200, vec![("content-type", "text/html".into())], body.into())
}

/// A JSON document.
pub fn json(body: &str) -> Reply {
    Reply::Say(200, vec![("content-type", "application/json".into())], body.into())
}

/// A status without a word.
pub fn status(status: u16) -> Reply {
    Reply::Say(status, Vec::new(), String::new())
}

// === impl Shop ===

impl Shop {
    pub async fn open(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Arc::new(answer)));
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (of_task, log) = (answer.clone(), asked.clone());
        spawn("shop", async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn("customer", serve(stream, of_task.clone(), log.clone()));
            }
        });
        Self { address, answer, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers like this.
    pub fn change(&self, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    answer: Arc<Mutex<Answer>>,
    log: Arc<Mutex<Vec<Asked>>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream).await? {
        log.lock().unwrap().push(asked.clone());
        let answer = answer.lock().unwrap().clone();
        match answer(&asked) {
            Reply::Say(status, headers, body) => {
                let headers: String =
                    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let length = body.len();
                let text =
                    format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\n\r\n{body}");
                stream.write_all(text.as_bytes()).await?;
            }
            Reply::Late(delay, body) => {
                tokio::time::sleep(delay).await;
                let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).await?;
            }
            Reply::Bytes(bytes) => {
                stream.write_all(&bytes).await?;
                return Ok(());
            }
            Reply::Stuck(begin) => {
                let text = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{begin}");
                stream.write_all(text.as_bytes()).await?;
                stream.flush().await?;
                return std::future::pending().await;
            }
            Reply::Hang => return std::future::pending().await,
        }
        stream.flush().await?;
    }
    Ok(())
}

/// None: nobody is there any more.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut asked = Asked::default();
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    asked.line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        asked.headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = asked.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    asked.body = String::from_utf8(body).unwrap();
    Ok(Some(asked))
}
