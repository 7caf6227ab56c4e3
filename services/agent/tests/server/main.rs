//! A small application for the tests, as a program.

mod app;

use std::{io::Write, net::SocketAddr};

use anyhow::Context;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::var("PORT").context("PORT")?.parse().context("PORT")?;
    let name = std::env::var("NAME").unwrap_or_else(|_| "application".into());
    if std::env::var("CRASH").is_ok() {
        anyhow::bail!("told to crash");
    }
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    writeln!(std::io::stdout(), "{name} serves on {port}")?;
    app::serve(listener, name).await;
    Ok(())
}
