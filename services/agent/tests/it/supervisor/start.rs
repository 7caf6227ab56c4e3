//! A supervisor that cannot be started leaves traffic alone and nothing behind.

use std::process::{Command, Output};

use rustix::process::Signal;

use crate::kit::{Agent, Client};

/// A supervisor that is expected to refuse.
fn refused(directory: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bellwether-agent"))
        .args(["supervisor", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory)
        .output()
        .unwrap()
}

#[test]
fn with_a_bad_tokens_file_nothing_is_started() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("tokens.toml"), "no tokens").unwrap();
    let output = refused(directory.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(16), "{said}");
    assert!(said.contains("tokens.toml"), "{said}");
    assert!(!said.contains("goes on without"), "nothing was there: {said}");
    assert!(!directory.path().join("agent/gateway").exists(), "a gateway was started");
}

#[tokio::test]
async fn traffic_goes_on_when_the_next_supervisor_cannot_be_started() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    let gateway = agent.gateway();
    agent.end_supervisor(Signal::TERM);
    let tokens = agent.directory.path().join("tokens.toml");
    std::fs::write(&tokens, "no tokens").unwrap();
    let output = refused(agent.directory.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(16), "{said}");
    assert!(said.contains(&format!("gateway process {gateway}")) && said.contains("tokens.toml"), "{said}");
    assert_eq!(Client::new(agent.ingress).get("/").await.1, "stable");
    std::fs::remove_file(&tokens).unwrap();
    agent.start_supervisor().await;
    agent.until_ready("stable", 1).await;
    assert_eq!(agent.gateway(), gateway, "it was taken over");
}
