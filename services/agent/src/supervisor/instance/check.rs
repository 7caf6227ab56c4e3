//! Asks an instance whether it is well.

use std::{io, net::SocketAddr, time::Duration};

use bellwether_clock::spawn;
use http::{Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::supervisor::wish::{Check, Probe};

/// Between questions to an instance that is not ready yet.
const EAGER: Duration = Duration::from_millis(50);

/// Counts answers in a row.
#[derive(Debug)]
pub struct Judge {
    check: Check,
    /// Positive: that many times yes in a row; negative: no.
    row: i64,
}

// === impl Judge ===

impl Judge {
    /// Nothing was asked yet.
    pub fn new(check: Check) -> Self {
        Self { check, row: 0 }
    }

    /// Asks once; tells what the answers in a row say, if they say anything.
    pub async fn ask(&mut self, address: SocketAddr) -> Option<bool> {
        let well = ask(&self.check.probe, address, self.check.timeout).await;
        self.row = match well {
            true => self.row.max(0) + 1,
            false => self.row.min(0) - 1,
        };
        let (successes, failures) = (self.check.successes.max(1), self.check.failures.max(1));
        if self.row >= i64::from(successes) {
            Some(true)
        } else if self.row <= -i64::from(failures) {
            Some(false)
        } else {
            None
        }
    }

    /// Waits until it is time to ask again: sooner while an answer is longed for, an instance that starts should not
    /// wait for a second after it is ready.
    pub async fn rest(&self, settled: bool) {
        let eager = self.check.interval.min(EAGER);
        sleep(if settled { self.check.interval } else { eager }).await;
    }
}

async fn ask(probe: &Probe, address: SocketAddr, within: Duration) -> bool {
    let asked = async {
        let stream = TcpStream::connect(address).await?;
        match probe {
            Probe::Tcp => Ok(true),
            Probe::Http(path) => get(stream, address, path).await,
        }
    };
    timeout(within, asked).await.is_ok_and(|asked: io::Result<bool>| asked.unwrap_or(false))
}

async fn get(stream: TcpStream, address: SocketAddr, path: &str) -> io::Result<bool> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let connection = spawn("check", connection);
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::USER_AGENT, "bellwether-agent")
        .body(Empty::<bytes::Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other);
    connection.abort();
    Ok((200..400).contains(&response?.status().as_u16()))
}
