//! How fast a journal is.

use std::{sync::Arc, time::Duration};

use bellwether_clock::{Env, spawn};

use crate::{Commit, Journal, NewEvent};

/// Bytes of an event as services commit them.
const PAYLOAD: usize = 256;

/// Commits by `writers` at the same time, each to a stream of its own, one after the other; how many per second over
/// `span`.
pub async fn grouped_commits_per_s(
    journal: &Arc<dyn Journal>,
    env: &Env,
    writers: usize,
    span: Duration,
) -> f64 {
    let start = env.now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (journal, env) = (journal.clone(), env.clone());
            spawn("writer", async move {
                let stream: Arc<str> = format!("speed/{writer}").into();
                let mut version = 0;
                while env.since(start) < span {
                    let commit = Commit::new(env.now()).append(stream.clone(), version, vec![event()]);
                    journal.commit(commit).await.unwrap();
                    version += 1;
                }
                version
            })
        })
        .collect();
    let mut commits = 0;
    for task in tasks {
        commits += task.await.unwrap();
    }
    commits as f64 / env.since(start).as_secs_f64()
}

/// Commits one after the other, nothing else going on; how long each took.
pub async fn single_commits(journal: &Arc<dyn Journal>, env: &Env, commits: u64) -> Vec<Duration> {
    let mut took = vec![];
    for version in 0..commits {
        let start = env.now();
        let commit = Commit::new(start).append("speed/single", version, vec![event()]);
        journal.commit(commit).await.unwrap();
        took.push(env.since(start));
    }
    took.sort_unstable();
    took
}

fn event() -> NewEvent {
    NewEvent::new("Measured", vec![b'x'; PAYLOAD])
}
