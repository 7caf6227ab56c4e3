//! What users of a target sent and got.

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;
use tonic::Code;

use crate::harness::{Monitor, Source, TARGET, place, refusal};

async fn traffic(monitor: &mut Monitor, target: &str) -> pb::GetTrafficResponse {
    let request = pb::GetTrafficRequest { target: target.into() };
    monitor.client.get_traffic(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn all_fleets_count_and_a_restart_forgets_nothing() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    assert_eq!(traffic(&mut monitor, TARGET).await.requests, 0, "nothing was seen yet");
    let mut source = Source::new(1);
    for _ in 0..120 {
        monitor.second(&mut source, (2, 1), (18, 0)).await;
    }
    let seen = traffic(&mut monitor, TARGET).await;
    assert!((seen.requests_per_second - 20.0).abs() < 1.0, "{seen:?}");
    assert!((seen.error_percent - 5.0).abs() < 0.1, "{seen:?}");
    assert!(time::span(seen.observed.as_ref().unwrap()).unwrap().as_secs() >= 118, "{seen:?}");
    assert_eq!(traffic(&mut monitor, "targets/blog@production").await.requests, 0);
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    assert_eq!(traffic(&mut monitor, TARGET).await, seen);
    monitor.stop().await;
}

#[tokio::test]
async fn a_target_has_a_name() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let status = monitor.client.get_traffic(pb::GetTrafficRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).1), (Code::InvalidArgument, vec!["target".to_owned()]));
    monitor.stop().await;
}
