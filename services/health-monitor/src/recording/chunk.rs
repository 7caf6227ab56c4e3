//! A minute of one target, as it is kept: a message, deflated, within a budget.

use std::io::Read as _;

use bellwether_judge::{Histogram, Traffic, tick::Counts};
use bellwether_proto::monitor::v1 as pb;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use prost::Message as _;

use crate::health::Minute;

use super::{
    probed, readings,
    track::{Key, STATUSES, Second},
};

/// 1 MiB an hour.
const MOST_BYTES: usize = 1024 * 1024 / 60;
/// A row that unpacks to more than this is none of ours.
const MOST_UNPACKED: u64 = 64 * 1024 * 1024;
/// Our first bucket in OpenTelemetry's numbering of milliseconds at scale 3.
const FIRST_BUCKET: i32 = -80;

/// Seconds in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The first of them, since 1970.
    pub start: i64,
    /// The last of them.
    pub last: i64,
    /// They.
    pub seconds: Vec<pb::RecordedSecond>,
}

// === impl Chunk ===

impl Chunk {
    /// What users did and got in each minute of it.
    pub fn minutes(&self) -> impl Iterator<Item = Minute> + '_ {
        let same =
            |a: &pb::RecordedSecond, b: &pb::RecordedSecond| a.unix_seconds / 60 == b.unix_seconds / 60;
        self.seconds.chunk_by(same).filter_map(Minute::of)
    }

    /// As it is kept. What does not fit is put together two by two until it does.
    pub fn pack(self) -> std::io::Result<Vec<u8>> {
        let mut seconds = self.seconds;
        loop {
            let message = pb::RecordedSeconds { seconds };
            let packed = deflated(&message.encode_to_vec())?;
            seconds = message.seconds;
            if packed.len() <= MOST_BYTES || seconds.len() <= 1 {
                return Ok(packed);
            }
            seconds = halved(seconds);
        }
    }
}

/// The seconds of a row; nothing where it cannot be read.
pub fn unpack(packed: &[u8]) -> Vec<pb::RecordedSecond> {
    inflated::<pb::RecordedSeconds>(packed)
        .inspect_err(|error| tracing::warn!(%error, "a recorded minute cannot be read"))
        .map(|message| message.seconds)
        .unwrap_or_default()
}

/// A message that was [deflated]; else why it is none.
pub fn inflated<M: prost::Message + Default>(packed: &[u8]) -> Result<M, String> {
    let mut bytes = Vec::new();
    let read = DeflateDecoder::new(packed).take(MOST_UNPACKED).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    M::decode(bytes.as_slice()).map_err(|error| error.to_string())
}

/// Bytes, deflated.
pub fn deflated(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes)?;
    encoder.finish()
}

/// Neighbours put together.
fn halved(seconds: Vec<pb::RecordedSecond>) -> Vec<pb::RecordedSecond> {
    let mut halved: Vec<pb::RecordedSecond> = Vec::with_capacity(seconds.len().div_ceil(2));
    for (index, second) in seconds.into_iter().enumerate() {
        match halved.last_mut() {
            Some(before) if index % 2 == 1 => {
                let until = second.unix_seconds + i64::from(second.seconds);
                before.seconds = i32::try_from(until - before.unix_seconds).unwrap_or(i32::MAX);
                second.counts.into_iter().for_each(|counts| join(&mut before.counts, counts));
                readings::join(&mut before.readings, second.readings);
                second.probes.into_iter().for_each(|run| probed::add(&mut before.probes, run));
            }
            _ => halved.push(second),
        }
    }
    halved
}

fn join(into: &mut Vec<pb::RecordedCounts>, more: pb::RecordedCounts) {
    let same = |a: &pb::RecordedCounts| {
        a.fleet == more.fleet && a.route_revision == more.route_revision && a.traffic == more.traffic
    };
    let Some(sum) = into.iter_mut().find(|counts| same(counts)) else { return into.push(more) };
    sum.requests += more.requests;
    sum.errors += more.errors;
    sum.connect_failures += more.connect_failures;
    for status in more.statuses {
        match sum.statuses.iter_mut().find(|known| known.status == status.status) {
            Some(known) => known.count += status.count,
            None => sum.statuses.push(status),
        }
    }
    for journey in more.journeys {
        match sum.journeys.iter_mut().find(|known| known.journey == journey.journey) {
            Some(known) => {
                known.requests += journey.requests;
                known.errors += journey.errors;
            }
            None => sum.journeys.push(journey),
        }
    }
    let mut latency = histogram(sum.latency.as_ref());
    latency.merge(&histogram(more.latency.as_ref()));
    sum.latency = latency_of(&latency);
}

/// A second as the contract says it.
pub fn recorded(at: i64, second: &Second, journeys: &[String]) -> pb::RecordedSecond {
    let counts = second.counts.iter().map(|(key, counts)| counts_of(key, counts, journeys)).collect();
    let (readings, probes) = (second.readings.recorded(), second.probes.clone());
    pb::RecordedSecond { unix_seconds: at, seconds: 1, counts, readings, probes }
}

fn counts_of(key: &Key, counts: &Counts, journeys: &[String]) -> pb::RecordedCounts {
    let status = |(status, count): (u16, &u64)| pb::StatusCount { status: status.into(), count: *count };
    let journey = |(id, (requests, errors)): (&String, &(u64, u64))| pb::JourneyCount {
        journey: id.clone(),
        requests: *requests,
        errors: *errors,
    };
    pb::RecordedCounts {
        fleet: key.fleet.clone(),
        route_revision: key.revision,
        traffic: traffic_of(key.traffic).into(),
        requests: counts.requests,
        errors: counts.errors,
        connect_failures: counts.connect_failures,
        statuses: STATUSES.into_iter().zip(&counts.statuses).filter(|(_, n)| **n > 0).map(status).collect(),
        journeys: journeys.iter().zip(&counts.journeys).filter(|(_, n)| n.0 > 0).map(journey).collect(),
        latency: latency_of(&counts.latency),
    }
}

/// A histogram as the contract says it.
pub fn latency_of(histogram: &Histogram) -> Option<pb::LatencyHistogram> {
    let mut used = histogram.iter().filter(|(_, count)| *count > 0).map(|(bucket, _)| bucket);
    let first = used.next()?;
    let last = used.last().unwrap_or(first);
    Some(pb::LatencyHistogram {
        scale: 3,
        zero_count: 0,
        offset: i32::try_from(first).unwrap_or(0) + FIRST_BUCKET,
        counts: (first..=last).map(|bucket| histogram.count(bucket)).collect(),
    })
}

/// A histogram that was recorded: on our grid, at scale 3.
pub fn histogram(recorded: Option<&pb::LatencyHistogram>) -> Histogram {
    let Some(recorded) = recorded else { return Histogram::default() };
    let first = usize::try_from(recorded.offset - FIRST_BUCKET).unwrap_or(0);
    Histogram::from_counts(first, &recorded.counts)
}

fn traffic_of(traffic: Traffic) -> pb::TrafficKind {
    match traffic {
        Traffic::Live => pb::TrafficKind::Live,
        Traffic::Mirrored => pb::TrafficKind::Mirrored,
        Traffic::Preview => pb::TrafficKind::Preview,
        Traffic::Matched => pb::TrafficKind::Matched,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(at: i64, buckets: usize) -> pb::RecordedSecond {
        // hard to deflate
        let noise = |i: usize| (i as u64 * 2_654_435_761 + at as u64 * 40_503) % 1_000_003;
        pb::RecordedSecond {
            unix_seconds: at,
            seconds: 1,
            counts: vec![pb::RecordedCounts {
                fleet: "new".into(),
                requests: 10,
                errors: 1,
                latency: latency_of(&Histogram::from_counts(0, &(0..buckets).map(noise).collect::<Vec<_>>())),
                ..Default::default()
            }],
            readings: Vec::new(),
            probes: Vec::new(),
        }
    }

    fn chunk(buckets: usize) -> Chunk {
        Chunk { start: 0, last: 59, seconds: (0..60).map(|at| second(at, buckets)).collect() }
    }

    #[test]
    fn a_minute_comes_back_as_it_was() {
        let minute = chunk(20);
        assert_eq!(unpack(&minute.clone().pack().unwrap()), minute.seconds);
        assert!(unpack(b"nonsense").is_empty());
    }

    #[test]
    fn what_does_not_fit_becomes_coarser_and_loses_no_count() {
        let packed = chunk(256).pack().unwrap();
        assert!(packed.len() <= MOST_BYTES, "{}", packed.len());
        let seconds = unpack(&packed);
        assert!(seconds.len() < 60);
        assert_eq!(seconds.iter().map(|s| s.seconds).sum::<i32>(), 60);
        assert_eq!(seconds.iter().flat_map(|s| &s.counts).map(|c| c.requests).sum::<u64>(), 600);
        let latencies: u64 = chunk(256)
            .seconds
            .iter()
            .flat_map(|s| &s.counts)
            .map(|c| histogram(c.latency.as_ref()).total())
            .sum();
        let kept: u64 =
            seconds.iter().flat_map(|s| &s.counts).map(|c| histogram(c.latency.as_ref()).total()).sum();
        assert_eq!(kept, latencies);
    }
}
