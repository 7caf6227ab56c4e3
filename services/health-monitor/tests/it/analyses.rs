//! The life of an analysis.

use std::time::Duration;

use bellwether_proto::{common::v1::Metadata, monitor::v1 as pb};
use pb::analysis::State;
use tonic::Code;

use crate::harness::{Monitor, PATIENCE, analysis, full, place, refusal, split};

fn start(analysis: pb::Analysis, request_id: &str) -> pb::StartAnalysisRequest {
    pb::StartAnalysisRequest { request_id: request_id.into(), analysis: Some(analysis) }
}

#[tokio::test]
async fn starting_twice_is_starting_once() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let first = monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    monitor.enter("analyses/a", split(2, 20.0)).await.unwrap();
    let again = monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    assert_eq!(again.metadata.as_ref().unwrap().create_time, first.metadata.as_ref().unwrap().create_time);
    assert_eq!(again.segment, Some(split(2, 20.0)));
    let other = pb::Analysis { candidate_fleet: "newer".into(), ..analysis("a", split(1, 10.0)) };
    let status = monitor.client.start_analysis(start(other, "")).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::AlreadyExists, "NAME_TAKEN"));

    // a request id binds its payload, across restarts
    monitor.client.start_analysis(start(analysis("b", split(1, 10.0)), "r")).await.unwrap();
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    monitor.client.start_analysis(start(analysis("b", split(1, 10.0)), "r")).await.unwrap();
    let status = monitor.client.start_analysis(start(analysis("c", split(1, 10.0)), "r")).await.unwrap_err();
    assert_eq!(refusal(&status).0, "REQUEST_ID_REUSED");
    monitor.stop().await;
}

#[tokio::test]
async fn segments_go_forward_only() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(2, 10.0))).await;
    assert_eq!(monitor.enter("analyses/a", split(2, 15.0)).await.unwrap().segment, Some(split(2, 15.0)));
    let status = monitor.enter("analyses/a", split(1, 10.0)).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::FailedPrecondition, "STATE_CONFLICT"));
    assert_eq!(monitor.enter("analyses/x", split(1, 10.0)).await.unwrap_err().code(), Code::NotFound);

    // what was not planned has no weight, and would be a check that cannot fail
    let unplanned = pb::Analysis { one_sided_planned: false, ..analysis("b", split(1, 10.0)) };
    monitor.start_analysis(unplanned).await;
    let status = monitor.enter("analyses/b", full(2)).await.unwrap_err();
    assert_eq!(refusal(&status), ("INVALID_FIELDS".into(), vec!["segment.kind".into()]));
    monitor.stop().await;
}

#[tokio::test]
async fn a_stopped_analysis_stays_stopped() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    for _ in 0..2 {
        let request = pb::StopAnalysisRequest { request_id: String::new(), name: "analyses/a".into() };
        let stopped = monitor.client.stop_analysis(request).await.unwrap().into_inner().analysis.unwrap();
        assert_eq!(stopped.state(), State::Stopped);
    }
    assert_eq!(
        monitor.enter("analyses/a", split(2, 10.0)).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    assert_eq!(monitor.get("analyses/a").await.state(), State::Stopped);
    monitor.stop().await;
}

#[tokio::test]
async fn what_nobody_wants_expires() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("wanted", split(1, 10.0))).await;
    monitor.start_analysis(analysis("forgotten", split(1, 10.0))).await;
    let mut verdicts = monitor.verdicts(&["analyses/wanted"], 0).await;
    verdicts.change().await;
    monitor.clock.advance(Duration::from_secs(3_500));
    // the reader's refresh says that it is wanted
    verdicts.change().await;
    while !matches!(
        verdicts.next().await.unwrap().unwrap(),
        pb::stream_verdicts_response::Message::Verdict(verdict) if verdict.sequence == 0
    ) {}
    monitor.clock.advance(Duration::from_secs(200));
    let list = pb::ListAnalysesRequest { filter: "state = EXPIRED".into(), ..Default::default() };
    let expired = tokio::time::timeout(PATIENCE, async {
        loop {
            let found = monitor.client.list_analyses(list.clone()).await.unwrap().into_inner().analyses;
            if !found.is_empty() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    let names: Vec<_> = expired.await.unwrap().into_iter().map(|analysis| analysis.name).collect();
    assert_eq!(names, ["analyses/forgotten"]);
    monitor.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged_the_newest_first() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    for (id, team) in [("a", "shop"), ("b", "cart"), ("c", "shop"), ("d", "shop")] {
        let metadata = Metadata { team: team.into(), ..Default::default() };
        monitor
            .start_analysis(pb::Analysis { metadata: Some(metadata), ..analysis(id, split(1, 10.0)) })
            .await;
        monitor.clock.advance(Duration::from_secs(1));
    }
    let mut names = vec![];
    let mut page_token = String::new();
    loop {
        let request = pb::ListAnalysesRequest {
            page_size: 2,
            page_token,
            filter: "team = shop AND state = ACTIVE".into(),
        };
        let page = monitor.client.list_analyses(request).await.unwrap().into_inner();
        names.extend(page.analyses.into_iter().map(|analysis| analysis.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["analyses/d", "analyses/c", "analyses/a"]);
    let bad =
        pb::ListAnalysesRequest { page_size: -1, page_token: "x".into(), filter: "colour = red".into() };
    let status = monitor.client.list_analyses(bad).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["filter", "page_size", "page_token"]);
    monitor.stop().await;
}
