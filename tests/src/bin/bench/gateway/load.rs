//! Load over plain connections, as light as it can be: what is measured shares the cores with it.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use bellwether_clock::{Env, spawn};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::stats::{millis, quantile};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: bench\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";

/// What came back.
pub struct Measured {
    /// Of each answer, in milliseconds.
    took: Vec<f64>,
    span: Duration,
}

/// When a connection sends.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as it has its answer.
    Closed,
    /// At fixed times, the first one after `offset`.
    Every { interval: Duration, offset: Duration },
}

/// As many requests as the connections can carry, one at a time on each.
///
/// # Errors
/// When one of them fails.
pub async fn closed(
    to: &[SocketAddr],
    connections: usize,
    span: Duration,
    env: &Env,
) -> anyhow::Result<Measured> {
    run(to, connections, span, env, |_| Pace::Closed).await
}

/// So many requests per second, spread evenly over the connections. A request that is sent late because the one before
/// it was slow is measured from when it was due.
///
/// # Errors
/// When one of them fails.
pub async fn paced(
    to: &[SocketAddr],
    connections: usize,
    rps: f64,
    span: Duration,
    env: &Env,
) -> anyhow::Result<Measured> {
    let interval = Duration::from_secs_f64(connections as f64 / rps);
    let offset = |number: usize| interval.mul_f64(number as f64 / connections as f64);
    run(to, connections, span, env, |number| Pace::Every { interval, offset: offset(number) }).await
}

async fn run(
    to: &[SocketAddr],
    connections: usize,
    span: Duration,
    env: &Env,
    pace: impl Fn(usize) -> Pace,
) -> anyhow::Result<Measured> {
    let mut tasks = vec![];
    for (number, address) in to.iter().cycle().take(connections).enumerate() {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        tasks.push(spawn("connection", connection(stream, pace(number), span, env.clone())));
    }
    let mut took = vec![];
    for task in tasks {
        took.extend(task.await??);
    }
    Ok(Measured { took, span })
}

async fn connection(mut stream: TcpStream, pace: Pace, span: Duration, env: Env) -> anyhow::Result<Vec<f64>> {
    let (start, mut took, mut buffer, mut due) = (env.now(), vec![], Vec::new(), Duration::ZERO);
    if let Pace::Every { offset, .. } = pace {
        due = offset;
    }
    loop {
        let mut late = Duration::ZERO;
        if let Pace::Every { interval, .. } = pace {
            late = env.since(start).saturating_sub(due);
            tokio::time::sleep(due.saturating_sub(env.since(start))).await;
            due += interval;
        }
        if env.since(start) >= span {
            return Ok(took);
        }
        let sent = env.now();
        stream.write_all(REQUEST).await?;
        answer(&mut stream, &mut buffer).await?;
        took.push(millis(env.since(sent) + late));
    }
}

/// Reads one answer, whole.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the connection was closed");
        if let Some(length) = length(buffer)? {
            match buffer.len() {
                read if read < length => {}
                read if read == length => return Ok(()),
                read => bail!("{read} bytes came for an answer of {length}"),
            }
        }
    }
}

/// The bytes of the answer at the start of `bytes`, once its head is there.
fn length(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    let body = head.lines().find_map(named).with_context(|| format!("an answer without a length: {head}"))?;
    Ok(Some(end + 4 + body))
}

// === impl Measured ===

impl Measured {
    /// How many.
    pub fn answers(&self) -> usize {
        self.took.len()
    }

    /// Answers per second.
    pub fn rps(&self) -> f64 {
        self.took.len() as f64 / self.span.as_secs_f64()
    }

    /// What this share of the answers took at most, in milliseconds.
    pub fn millis(&self, share: f64) -> f64 {
        quantile(&self.took, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_to_their_end() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\n";
        assert_eq!(length(head).unwrap(), Some(head.len() + 5));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\nContent").unwrap(), None);
        assert!(length(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
