//! As much load as connections can carry, as light as it can be: what is measured shares the cores with it.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, ensure};
use bellwether_clock::{Env, spawn};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::answer::{REQUEST, is_whole};

/// Requests per second over so many connections, one at a time on each, the next one as soon as the answer is there.
///
/// # Errors
/// When one of them fails, or nothing comes back.
pub async fn throughput(
    to: SocketAddr,
    connections: usize,
    span: Duration,
    env: &Env,
) -> anyhow::Result<f64> {
    let mut tasks = vec![];
    for _ in 0..connections {
        let stream = TcpStream::connect(to).await.with_context(|| format!("cannot connect to {to}"))?;
        stream.set_nodelay(true)?;
        tasks.push(spawn("connection", connection(stream, span, env.clone())));
    }
    let mut answers = 0;
    for task in tasks {
        answers += task.await??;
    }
    ensure!(answers > 0, "nothing came back from {to}");
    Ok(answers as f64 / span.as_secs_f64())
}

async fn connection(mut stream: TcpStream, span: Duration, env: Env) -> anyhow::Result<usize> {
    let (start, mut answers, mut buffer) = (env.now(), 0, Vec::new());
    while env.since(start) < span {
        stream.write_all(REQUEST).await?;
        buffer.clear();
        while !is_whole(&buffer)? {
            ensure!(stream.read_buf(&mut buffer).await? > 0, "the connection was closed");
        }
        answers += 1;
    }
    Ok(answers)
}
