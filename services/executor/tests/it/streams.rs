//! Watches under bad conditions.

use std::{collections::BTreeSet, time::Duration};

use bellwether_proto::executor::v1 as pb;
use pb::watch_targets_response::Message;

use super::house::{Client, House, TARGET, direct, open};

/// How many rollouts the readers follow.
const LAST: usize = 6;

/// Joins the streams of a client that is cut after every few messages, until it has seen the last rollout's end.
async fn joined(mut client: Client, cuts: [usize; 5]) -> Vec<(i64, String)> {
    let (mut seen, mut token, mut ends) = (Vec::new(), String::new(), 0);
    for cut in cuts.iter().cycle() {
        let request = pb::WatchTargetsRequest { resume_token: token.clone(), ..Default::default() };
        let mut stream = client.watch_targets(request).await.unwrap().into_inner();
        for _ in 0..*cut {
            match stream.message().await.unwrap().unwrap().message.unwrap() {
                Message::Changed(change) => {
                    let change = change.change.unwrap();
                    token = change.resume_token;
                    ends += usize::from(change.fact == "ROLLOUT_SUCCEEDED");
                    seen.push((change.sequence, change.fact));
                    if ends == LAST {
                        return seen;
                    }
                }
                Message::Current(current) => token = current.resume_token,
                Message::Heartbeat(heartbeat) => token = heartbeat.resume_token,
                Message::Reset(reset) => panic!("{reset:?}"),
                Message::Snapshot(_) | Message::Deleted(_) => {}
            }
        }
    }
    seen
}

#[tokio::test]
async fn x09_the_joined_streams_of_clients_that_are_cut_equal_the_journal() {
    let mut house = House::passing().await;
    house.target(1).await;
    let readers = [[2, 3, 5, 8, 13], [3, 2, 4, 2, 5], [2, 7, 2, 8, 2]]
        .map(|cuts| bellwether_clock::spawn("reader", joined(house.client.clone(), cuts)));
    for version in 1..=LAST {
        let rollout = house.rollout(direct(&version.to_string())).await;
        house.ended(&rollout.name).await;
    }
    let mut streams = Vec::new();
    for reader in readers {
        streams.push(tokio::time::timeout(Duration::from_secs(20), reader).await.unwrap().unwrap());
    }
    let world = house.stop().await;
    let journal = open(&world.file(), &world.env).await;
    let feed = journal.feed(0, 10_000).await.unwrap();
    for seen in streams {
        let first = seen.first().unwrap().0;
        let last = seen.last().unwrap().0;
        let expected: Vec<(i64, String)> = feed
            .iter()
            .map(|record| (i64::try_from(record.position).unwrap(), record.kind.to_string()))
            .filter(|(position, _)| (first..=last).contains(position))
            .collect();
        assert_eq!(seen, expected, "no gap, no repetition, the journal's order");
    }
    journal.close().await;
}

#[tokio::test]
async fn x10_readers_that_never_read_cost_little_and_disturb_nobody() {
    let mut house = House::passing().await;
    house.target(1).await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        let request = pb::WatchTargetsRequest { filter: format!("name = {TARGET:?}"), ..Default::default() };
        idle.push(house.client.watch_targets(request).await.unwrap().into_inner());
    }
    let before = resident_mib();
    let mut facts = BTreeSet::new();
    for version in 1..=30 {
        let rollout = house.rollout(direct(&version.to_string())).await;
        facts.insert(house.ended(&rollout.name).await.display_name);
    }
    assert_eq!(facts.len(), 30);
    let grown = resident_mib().saturating_sub(before);
    assert!(grown < 256, "1,000 readers that do not read have cost {grown} MiB");
    drop(idle);
}

/// What this process, client and server, holds in memory.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
