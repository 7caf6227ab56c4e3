//! `kill -9` of the real program, and restarts in the middle.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use bellwether_clock::Env;
use bellwether_proto::monitor::v1 as pb;
use pb::Decision;

use crate::harness::{Client, Monitor, PATIENCE, Source, analysis, connect, full, place, push, split};

/// The program, killed when it is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // SIGKILL: nothing is saved
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

async fn run(dir: &Path) -> (Program, Client) {
    let address_file = dir.join("address");
    let _absent = std::fs::remove_file(&address_file);
    let child = Command::new(env!("CARGO_BIN_EXE_bellwether-health-monitor"))
        .args(["--listen", "127.0.0.1:0", "--address-file"])
        .arg(&address_file)
        .arg("--data-dir")
        .arg(dir)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let program = Program(child);
    let address = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Ok(address) =
                std::fs::read_to_string(&address_file).unwrap_or_default().parse::<SocketAddr>()
            {
                return address;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    (program, connect(address.await.unwrap()).await)
}

async fn verdict(client: &mut Client) -> pb::Verdict {
    let request = pb::GetAnalysisRequest { name: "analyses/a".into() };
    client.get_analysis(request).await.unwrap().into_inner().analysis.unwrap().verdict.unwrap()
}

#[tokio::test]
async fn kill_9_neither_forgets_nor_counts_twice() {
    let dir = place();
    let env = Env::system();
    let mut source = Source::new(1);
    let mut program = run(dir.path()).await;
    let start =
        pb::StartAnalysisRequest { request_id: String::new(), analysis: Some(analysis("a", split(1, 50.0))) };
    program.1.start_analysis(start).await.unwrap();
    for round in 1..=3 {
        for _ in 0..5 {
            source.candidate.count((20, 0));
            source.baseline.count((20, 0));
            push(&mut program.1, vec![source.batch(env.now())]).await.unwrap();
        }
        drop(program);
        program = run(dir.path()).await;
        push(&mut program.1, vec![source.batch(env.now())]).await.unwrap();
        let errors = verdict(&mut program.1).await.checks.swap_remove(0);
        assert_eq!((errors.candidate_samples, errors.baseline_samples), (round * 100, round * 100));
    }
    source.candidate.count((100, 50));
    source.baseline.count((100, 0));
    push(&mut program.1, vec![source.batch(env.now())]).await.unwrap();
    let request = pb::StreamVerdictsRequest { analyses: vec![], after_sequence: 0 };
    let mut stream = program.1.stream_verdicts(request.clone()).await.unwrap().into_inner();
    let failed = loop {
        let message =
            tokio::time::timeout(PATIENCE, stream.message()).await.unwrap().unwrap().unwrap().message;
        if let Some(pb::stream_verdicts_response::Message::Verdict(verdict)) = message
            && verdict.decision() == Decision::Fail
        {
            break verdict;
        }
    };
    // what was sent was durable
    drop(program);
    let (_program, mut client) = run(dir.path()).await;
    let mut stream = client.stream_verdicts(request).await.unwrap().into_inner();
    let message = stream.message().await.unwrap().unwrap().message.unwrap();
    assert_eq!(message, pb::stream_verdicts_response::Message::Verdict(failed));
}

#[tokio::test]
async fn evidence_goes_on_after_a_restart() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    for _ in 0..10 {
        monitor.second(&mut source, (30, 1), (30, 1)).await;
    }
    monitor.clock.advance(Duration::from_secs(1));
    let before = monitor.verdict("analyses/a").await;
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let after = monitor.verdict("analyses/a").await;
    assert!((after.log_evidence - before.log_evidence).abs() < 1e-9);
    assert_eq!(after.checks[0].candidate_samples, 300);
    monitor.stop().await;
}

#[tokio::test]
async fn a_pass_stays_although_its_evidence_is_lost() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    for _ in 0..20 {
        monitor.second(&mut source, (200, 0), (200, 0)).await;
    }
    let mut verdicts = monitor.verdicts(&[], 0).await;
    while verdicts.change().await.decision() != Decision::Pass {}
    drop(verdicts);
    let now = monitor.stop().await;
    // the row is overwritten every 5 s: after a crash it may be older than the decision, or not be there at all
    for name in ["evidence.db", "evidence.db-wal", "evidence.db-shm"] {
        let _absent = std::fs::remove_file(dir.path().join(name));
    }
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    assert_eq!(monitor.verdict("analyses/a").await.decision(), Decision::Pass);
    monitor.enter("analyses/a", full(2)).await.unwrap();
    assert_eq!(monitor.verdict("analyses/a").await.decision(), Decision::Undecided);
    monitor.stop().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let dir = place();
    let (_program, _client) = run(dir.path()).await;
    let second = Command::new(env!("CARGO_BIN_EXE_bellwether-health-monitor"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(!second.stderr.is_empty());
}
