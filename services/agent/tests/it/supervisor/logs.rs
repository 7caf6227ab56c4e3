//! Logs, artifacts, observations, samples as they are told.

use std::time::Duration;

use bellwether_proto::{
    agent::v1::{
        ArtifactFormat, ArtifactHeader, PutArtifactRequest, TailLogsRequest, WatchObservedRequest,
        put_artifact_request::Part,
    },
    executor::v1::artifact::Source,
};
use sha2::{Digest, Sha256};

use crate::kit::{Agent, Client, SOON, TARGET};

#[tokio::test]
async fn lines_are_told_and_followed() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    let request = TailLogsRequest { target: TARGET.into(), follow: true, ..TailLogsRequest::default() };
    let mut lines = agent.client.tail_logs(request).await.unwrap().into_inner();
    let first = lines.message().await.unwrap().unwrap();
    assert!(first.line.starts_with("stable serves on"), "{first:?}");
    Client::new(agent.ingress).get("/say/hello").await;
    let next = tokio::time::timeout(SOON, lines.message()).await.unwrap().unwrap().unwrap();
    assert_eq!((next.line.as_str(), next.fleet.as_str()), ("hello", "stable"));
    assert!(next.time.is_some());
}

/// All lines that there are.
async fn lines(agent: &mut Agent, fleet: &str) -> Vec<String> {
    let request =
        TailLogsRequest { target: TARGET.into(), fleet: fleet.into(), ..TailLogsRequest::default() };
    let mut lines = agent.client.tail_logs(request).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(line) = lines.message().await.unwrap() {
        all.push(line.line);
    }
    all
}

#[tokio::test]
async fn what_is_gone_can_still_be_read() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    agent.fleet("next", 1);
    agent.converge().await;
    agent.until_ready("next", 1).await;
    agent.split(&[("next", 100.0)]);
    agent.desired.fleets.retain(|fleet| fleet.id == "next");
    agent.converge().await;
    agent.until("stable is gone", |observed| observed.instances.iter().all(|it| it.fleet == "next")).await;
    let of_stable = lines(&mut agent, "stable").await;
    assert!(of_stable.iter().any(|line| line.starts_with("stable serves on")), "{of_stable:?}");
    let of_all = lines(&mut agent, "").await;
    assert!(of_all.iter().all(|line| !line.starts_with("stable")), "what runs is asked for: {of_all:?}");

    // nothing runs: the last that ran
    agent.split(&[]);
    agent.desired.fleets.clear();
    agent.converge().await;
    agent.until("nothing runs", |observed| observed.instances.is_empty()).await;
    let of_last = lines(&mut agent, "").await;
    assert!(of_last.iter().any(|line| line.starts_with("next serves on")), "{of_last:?}");
    assert!(of_last.iter().all(|line| !line.starts_with("stable")), "{of_last:?}");
}

#[tokio::test]
async fn changes_are_told_to_those_who_watch() {
    let mut agent = Agent::start().await;
    let request = WatchObservedRequest { targets: vec![TARGET.into()] };
    let mut observations = agent.client.watch_observed(request).await.unwrap().into_inner();
    let first = observations.message().await.unwrap().unwrap().observed.unwrap();
    assert_eq!((first.generation, first.instances.len()), (0, 0));
    agent.fleet("stable", 1);
    agent.converge().await;
    let ready = async {
        while let Some(message) = observations.message().await.unwrap() {
            if message.observed.unwrap().instances.iter().any(|instance| instance.ready) {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(SOON, ready).await.unwrap());
}

async fn put(agent: &mut Agent, header: ArtifactHeader, bytes: &[u8]) -> Result<bool, tonic::Status> {
    let header = PutArtifactRequest { part: Some(Part::Header(header)) };
    let chunks =
        bytes.chunks(1024 * 1024).map(|chunk| PutArtifactRequest { part: Some(Part::Chunk(chunk.to_vec())) });
    let parts: Vec<_> = std::iter::once(header).chain(chunks).collect();
    Ok(agent.client.put_artifact(tokio_stream::iter(parts)).await?.into_inner().existed)
}

fn header(bytes: &[u8]) -> ArtifactHeader {
    ArtifactHeader {
        digest: hex::encode(Sha256::digest(bytes)),
        size_bytes: i64::try_from(bytes.len()).unwrap(),
        target: TARGET.into(),
        ..ArtifactHeader::default()
    }
}

#[tokio::test]
async fn an_uploaded_archive_runs() {
    let mut agent = Agent::start().await;
    let program = std::fs::read(env!("CARGO_BIN_EXE_agent-test-server")).unwrap();
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut entry = tar::Header::new_gnu();
    entry.set_size(program.len() as u64);
    entry.set_mode(0o644);
    archive.append_data(&mut entry, "shop/bin/server", program.as_slice()).unwrap();
    let bytes = archive.into_inner().unwrap().finish().unwrap();
    let mut header = header(&bytes);
    header.format = ArtifactFormat::TarGz.into();
    header.entry_point = "shop/bin/server".into();
    assert!(!put(&mut agent, header.clone(), &bytes).await.unwrap());
    assert!(put(&mut agent, header.clone(), &[]).await.unwrap(), "it is there already");
    let artifact = agent.fleet("stable", 1).spec.as_mut().unwrap().artifact.as_mut().unwrap();
    artifact.source = Some(Source::Uploaded(true));
    artifact.digest = header.digest.clone();
    agent.split(&[("stable", 100.0)]);
    agent.converge().await;
    agent.until_ready("stable", 1).await;
    assert_eq!(Client::new(agent.ingress).get("/").await.1, "stable");
    // what was changed on the disk is not run
    let place =
        agent.directory.path().join("agent/artifacts").join(&header.digest).join("root/shop/bin/server");
    std::fs::remove_file(&place).unwrap();
    std::fs::write(&place, "changed").unwrap();
    agent.desired.fleets[0].count = 2;
    agent.converge().await;
    let digest = agent
        .until("the problem", |observed| observed.problems.iter().any(|it| it.code == "ARTIFACT_DIGEST"));
    digest.await;
}

#[tokio::test]
async fn wrong_bytes_are_refused_and_three_of_a_target_are_kept() {
    let mut agent = Agent::start().await;
    let wrong = ArtifactHeader { digest: "0".repeat(64), ..header(b"bytes") };
    let status = put(&mut agent, wrong, b"bytes").await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    for number in 0..5 {
        let bytes = format!("artifact {number}").into_bytes();
        put(&mut agent, header(&bytes), &bytes).await.unwrap();
        // times of uploads decide which are the last
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let kept = (0..5).filter(|number| {
        let digest = header(format!("artifact {number}").as_bytes()).digest;
        agent.directory.path().join("agent/artifacts").join(digest).exists()
    });
    assert_eq!(kept.collect::<Vec<_>>(), [2, 3, 4]);
}
