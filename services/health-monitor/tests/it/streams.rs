//! Verdicts as a stream: order, resuming, refreshes.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use pb::{Decision, stream_verdicts_response::Message};
use tonic::Code;

use crate::harness::{Monitor, Source, analysis, place, split};

#[tokio::test]
async fn joined_streams_have_every_change_once() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut whole = monitor.verdicts(&["analyses/a"], 0).await;
    let mut seen = vec![whole.change().await];
    let mut source = Source::new(1);
    let mut joined = vec![seen[0].clone()];
    for _ in 0..4 {
        // silence and data in turn: two changes each
        monitor.clock.advance(Duration::from_secs(5));
        let mut part = monitor.verdicts(&[], joined.last().unwrap().sequence).await;
        joined.push(part.change().await);
        seen.push(whole.change().await);
        monitor.second(&mut source, (5, 0), (5, 0)).await;
        joined.push(part.change().await);
        seen.push(whole.change().await);
    }
    assert_eq!(joined, seen);
    let decisions: Vec<_> = seen.iter().skip(1).map(pb::Verdict::decision).collect();
    assert_eq!(decisions, [Decision::NoData, Decision::Undecided].repeat(4));
    assert!(seen.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));

    // and across a restart
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let mut rest = monitor.verdicts(&["analyses/a"], seen[2].sequence).await;
    for expected in &seen[3..] {
        assert_eq!(&rest.change().await, expected);
    }
    monitor.stop().await;
}

#[tokio::test]
async fn a_new_reader_gets_the_newest_of_each_and_then_what_follows() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    for id in ["a", "b", "c"] {
        monitor.start_analysis(analysis(id, split(1, 50.0))).await;
    }
    for after in [0, i64::MAX] {
        let mut verdicts = monitor.verdicts(&[], after).await;
        let mut names = vec![];
        for _ in 0..3 {
            names.push(verdicts.change().await.analysis);
        }
        assert_eq!(names, ["analyses/a", "analyses/b", "analyses/c"]);
    }
    let mut verdicts = monitor.verdicts(&[], 0).await;
    for _ in 0..3 {
        verdicts.change().await;
    }
    monitor.start_analysis(analysis("d", split(1, 50.0))).await;
    assert_eq!(verdicts.change().await.analysis, "analyses/d");
    monitor.stop().await;
}

#[tokio::test]
async fn between_changes_there_are_fresh_numbers() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    monitor.second(&mut source, (5, 0), (5, 0)).await;
    monitor.second(&mut source, (5, 0), (5, 0)).await;
    // a report that was made between the clock's second and its samples is not made again before the next
    monitor.clock.advance(Duration::from_secs(1));
    loop {
        if let Message::Verdict(verdict) = verdicts.next().await.unwrap().unwrap()
            && verdict.sequence == 0
            && verdict.checks[0].candidate_samples == 10
        {
            assert_eq!(verdict.decision(), Decision::Undecided);
            assert!(verdict.observed_through.is_some() && verdict.decide_time.is_some());
            break;
        }
    }
    monitor.stop().await;
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_lives() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut verdicts = monitor.verdicts(&[], 0).await;
    for _ in 0..2 {
        assert!(matches!(verdicts.next().await.unwrap(), Some(Message::Heartbeat(_))));
    }
    let stopped = bellwether_clock::spawn("stop", monitor.stop());
    let status = loop {
        match verdicts.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unavailable);
    stopped.await.unwrap();
}

#[tokio::test]
async fn an_unknown_analysis_is_not_found() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let request = pb::StreamVerdictsRequest { analyses: vec!["analyses/x".into()], after_sequence: 0 };
    assert_eq!(monitor.client.stream_verdicts(request).await.unwrap_err().code(), Code::NotFound);
    monitor.stop().await;
}
