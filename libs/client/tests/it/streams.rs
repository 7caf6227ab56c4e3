//! Many streams of one client.

use bellwether_proto::executor::v1::WatchTargetsRequest;

use crate::{
    fake::{Fake, current},
    harness::start,
};

#[tokio::test]
async fn a_thousand_streams_of_one_client() {
    let sessions = (0..1000).map(|n| vec![current(&n.to_string())]).collect();
    let server = start(Fake::with_sessions(sessions)).await;
    let mut client = server.client();
    let mut streams = Vec::new();
    for _ in 0..1000 {
        let mut stream = client.watch_targets(WatchTargetsRequest::default()).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        streams.push(stream);
    }
    assert_eq!(streams.len(), 1000);
}
