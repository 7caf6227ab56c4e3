use bellwether_judge::{Histogram, Sample, Traffic};

use super::*;

const TARGET: &str = "targets/shop@live";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn batch(second: i64, requests: u64) -> Batch {
    let sample = Sample {
        fleet: "old".into(),
        instance: "a".into(),
        revision: 1,
        traffic: Traffic::Live,
        requests,
        errors: 0,
        connect_failures: 0,
        statuses: Vec::new(),
        journeys: Vec::new(),
        latency: Histogram::default(),
    };
    Batch {
        source: "gateway".into(),
        incarnation: "1".into(),
        time: at(second),
        interval: Duration::from_secs(1),
        samples: vec![sample],
    }
}

/// With these seconds counted.
async fn recorder(seconds: std::ops::Range<i64>) -> Recorder {
    let recorder = Recorder::new(Store::open(None).await.unwrap()).await.unwrap();
    for (requests, second) in (1..).zip(seconds) {
        recorder.observe(TARGET, &batch(second, requests), at(second));
    }
    recorder
}

async fn seen(recorder: &Recorder) -> Vec<i64> {
    let seconds = recorder.seconds(TARGET, at(0), at(1_000_000)).await.unwrap();
    seconds.iter().map(|second| second.unix_seconds).collect()
}

#[tokio::test]
async fn what_is_written_while_somebody_reads_is_there_once() {
    let all: Vec<_> = (600..750).collect();
    let recorder = recorder(600..750).await;
    assert_eq!(seen(&recorder).await, all);
    // who reads is first at the file, and what he reads there is from before it is written
    let (read, kept) = futures::join!(seen(&recorder), recorder.keep(at(750)));
    kept.unwrap();
    assert_eq!(read, all);
    assert_eq!(seen(&recorder).await, all);
    // who writes is first
    let now = at(900);
    let (kept, read) = futures::join!(recorder.keep(now), seen(&recorder));
    kept.unwrap();
    assert_eq!(read, all);
    assert!(recorder.lock().values().all(Track::is_kept));
}

#[tokio::test]
async fn who_stops_writing_halfway_loses_nothing() {
    let recorder = recorder(600..700).await;
    {
        let mut keeping = std::pin::pin!(recorder.keep(at(900)));
        assert!(futures::poll!(keeping.as_mut()).is_pending(), "the file takes a moment");
    }
    assert_eq!(seen(&recorder).await, (600..700).collect::<Vec<_>>());
    recorder.keep(at(900)).await.unwrap();
    assert_eq!(seen(&recorder).await, (600..700).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_row_holds_a_minute_however_late_it_is_written() {
    let recorder = recorder(600..800).await;
    let due = || recorder.due(at(900), false);
    let mut starts = Vec::new();
    while let Some((_, chunk)) = due().pop() {
        starts.push((chunk.start, chunk.last));
        recorder.put(vec![(TARGET.to_owned(), chunk)]).await.unwrap();
    }
    assert_eq!(starts, [(600, 659), (660, 719), (720, 779), (780, 799)]);
}

#[test]
fn a_second_that_was_put_together_with_the_one_before_is_not_there_twice() {
    let second = |at, seconds| pb::RecordedSecond { unix_seconds: at, seconds, ..Default::default() };
    let found = joined(vec![second(56, 2), second(58, 2)], (55..62).map(|at| second(at, 1)).collect());
    let found: Vec<_> = found.iter().map(|second| second.unix_seconds).collect();
    assert_eq!(found, [56, 58, 60, 61]);
}
