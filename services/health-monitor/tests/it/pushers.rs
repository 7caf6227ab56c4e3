//! What one client may push, and that nobody else is the worse for it.

use std::time::Duration;

use bellwether_clock::spawn;
use bellwether_proto::monitor::v1 as pb;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::harness::{Client, Monitor, PATIENCE, Source, analysis, place, push, refusal, split};

const MIB: usize = 1024 * 1024;

/// A batch whose samples are of so many instances, the first of this number.
fn of_many(monitor: &Monitor, first: usize, count: usize) -> pb::SampleBatch {
    let source = Source::new(1);
    let named = |at: usize| pb::Sample { instance: format!("i-{at}"), ..source.candidate.0.clone() };
    let batch = source.batch(monitor.now());
    pb::SampleBatch { samples: (first..first + count).map(named).collect(), ..batch }
}

/// The analysis `a` gets what it is sent, and fails when it must.
async fn is_judged_as_ever(monitor: &mut Monitor, source: &mut Source) {
    for _ in 0..3 {
        monitor.second(source, (40, 0), (40, 0)).await;
    }
    monitor.second(source, (400, 400), (40, 0)).await;
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    while verdicts.change().await.decision() != pb::Decision::Fail {}
}

/// How many of the batches were taken when there are at least so many, and a while after that.
async fn taken(sent: &mut mpsc::Receiver<usize>, least: usize) -> usize {
    let mut last = 0;
    while last < least {
        last = tokio::time::timeout(PATIENCE, sent.recv()).await.expect("no more is taken").unwrap();
    }
    while let Ok(Some(number)) = tokio::time::timeout(Duration::from_millis(300), sent.recv()).await {
        last = number;
    }
    last
}

/// Pushes one batch so many times, and tells of each that the transport took.
fn push_all(mut client: Client, batch: pb::SampleBatch, times: usize) -> (mpsc::Receiver<usize>, Pushed) {
    let (told, sent) = mpsc::channel(times);
    let (messages, stream) = mpsc::channel(1);
    let pushing = spawn("push", async move { client.push_samples(ReceiverStream::new(stream)).await });
    spawn("fill", async move {
        for number in 1..=times {
            let request = pb::PushSamplesRequest { batch: Some(batch.clone()) };
            if messages.send(request).await.is_err() {
                return;
            }
            told.send(number).await.unwrap();
        }
    });
    (sent, pushing)
}

type Pushed = tokio::task::JoinHandle<Result<tonic::Response<pb::PushSamplesResponse>, tonic::Status>>;

#[tokio::test]
async fn who_pushes_more_than_his_share_is_held_back_and_loses_nothing() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    // of another fleet, so that what is judged is not changed by it; with more buckets than are of use
    let mut batch = of_many(&monitor, 0, 1_000);
    for sample in &mut batch.samples {
        sample.fleet = "other".into();
        sample.latency =
            Some(pb::LatencyHistogram { scale: 3, counts: vec![0; 1_000], ..Default::default() });
    }
    let size = prost::Message::encoded_len(&batch);
    assert!((MIB..2 * MIB).contains(&size), "{size}");
    let (share, times) = (16 * MIB / size, 40 * MIB / size);
    let (mut sent, mut pushed) = push_all(monitor.connect().await, batch, times);
    // the clock stands still: there is one second's share, and what waits on the way
    let first = taken(&mut sent, share).await;
    assert!(first < share + 8 * MIB / size, "{first} of {times}");
    // nobody waits on another connection
    assert_eq!(monitor.get("analyses/a").await.state(), pb::analysis::State::Active);
    monitor.clock.advance(Duration::from_secs(1));
    let second = taken(&mut sent, 2 * share).await;
    assert!(second < 2 * share + 8 * MIB / size, "{second} of {times}");
    // 40 MiB take a debug build on a busy machine a while
    let accepted = tokio::time::timeout(6 * PATIENCE, async {
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        loop {
            tokio::select! {
                answer = &mut pushed => return answer.unwrap().unwrap().into_inner().accepted_batches,
                _ = pace.tick() => monitor.clock.advance(Duration::from_millis(100)),
            }
        }
    });
    assert_eq!(accepted.await.unwrap(), times as u64);
    monitor.clock.advance(Duration::from_secs(10));
    is_judged_as_ever(&mut monitor, &mut Source::new(1)).await;
    monitor.stop().await;
}

#[tokio::test]
async fn a_million_names_are_refused_and_harm_nobody() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    monitor.second(&mut source, (40, 0), (40, 0)).await;
    let mut refused = None;
    for first in (0..1_000_000).step_by(10_000) {
        monitor.clock.advance(Duration::from_secs(1));
        let batch = of_many(&monitor, first, 10_000);
        let batch = pb::SampleBatch { source: "many".into(), ..without_latency(batch) };
        if let Err(status) = monitor.push(batch).await {
            refused = Some((first, status));
            break;
        }
    }
    let (first, status) = refused.expect("a million names are taken");
    assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::ResourceExhausted, "TOO_MANY_SERIES"));
    assert_eq!(first, 90_000, "100,000 are known, two of them from before");
    is_judged_as_ever(&mut monitor, &mut source).await;
    // and what is not told of any more makes room
    monitor.clock.advance(Duration::from_secs(1_300));
    let batch = without_latency(of_many(&monitor, first, 10_000));
    assert_eq!(monitor.push(batch).await.unwrap(), 1);
    monitor.stop().await;
}

fn without_latency(mut batch: pb::SampleBatch) -> pb::SampleBatch {
    batch.samples.iter_mut().for_each(|sample| sample.latency = None);
    batch
}

#[tokio::test]
async fn ten_mebibytes_in_one_message_are_refused_with_the_reason() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    monitor.second(&mut source, (40, 0), (40, 0)).await;
    let mut huge = of_many(&monitor, 0, 10_000);
    huge.samples.iter_mut().for_each(|sample| sample.instance = "x".repeat(1_100));
    assert!(prost::Message::encoded_len(&huge) > 10 * MIB);
    let status = monitor.push(huge).await.unwrap_err();
    assert_eq!(refusal(&status).0, "MESSAGE_TOO_LARGE", "{status:?}");
    is_judged_as_ever(&mut monitor, &mut source).await;
    monitor.stop().await;
}

#[tokio::test]
async fn one_client_has_room_for_so_many_streams() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    monitor.second(&mut source, (40, 0), (40, 0)).await;
    let mut open = Vec::new();
    // one connection has room for 256
    for number in 0..1_025 {
        let mut client = if number % 200 == 0 { monitor.connect().await } else { monitor.client.clone() };
        if number % 200 == 0 {
            monitor.client = client.clone();
        }
        let (messages, stream) = mpsc::channel(1);
        let batch = source.batch(monitor.now());
        messages.send(pb::PushSamplesRequest { batch: Some(batch) }).await.unwrap();
        let pushing = spawn("push", async move { client.push_samples(ReceiverStream::new(stream)).await });
        open.push((messages, pushing));
    }
    let ended = tokio::time::timeout(PATIENCE, async {
        let (answer, at, _) = futures::future::select_all(open.iter_mut().map(|(_, pushing)| pushing)).await;
        (answer.unwrap().unwrap_err(), at)
    });
    let (status, at) = ended.await.expect("all streams are open");
    open.swap_remove(at);
    assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::ResourceExhausted, "TOO_MANY_STREAMS"));
    // those that are open go on, and one that ends makes room
    let (messages, pushing) = open.pop().unwrap();
    drop(messages);
    assert_eq!(pushing.await.unwrap().unwrap().into_inner().accepted_batches, 1);
    monitor.client = monitor.connect().await;
    let batch = source.batch(monitor.now());
    assert_eq!(push(&mut monitor.client, vec![batch]).await.unwrap(), 1);
    is_judged_as_ever(&mut monitor, &mut source).await;
    monitor.stop().await;
}
