//! Waiting by watching.

use std::time::Duration;

use bellwether_proto::executor::v1 as pb;
use pb::{rollout::State, watch_rollouts_response::Message};

use super::house::House;

const LONG: Duration = Duration::from_secs(20);

// === impl House ===

impl House {
    /// The rollout, as soon as `holds`.
    pub async fn until(&mut self, name: &str, holds: impl Fn(&pb::Rollout) -> bool) -> pb::Rollout {
        let last = std::cell::RefCell::new(None);
        let wait = async {
            let filter = format!("name = {name:?}");
            let request = pb::WatchRolloutsRequest { filter, ..pb::WatchRolloutsRequest::default() };
            let mut stream = self.client.watch_rollouts(request).await.unwrap().into_inner();
            loop {
                let rollout = match stream.message().await.unwrap().unwrap().message.unwrap() {
                    Message::Snapshot(rollout) => rollout,
                    Message::Changed(change) => change.rollout.unwrap(),
                    _ => continue,
                };
                if holds(&rollout) {
                    return rollout;
                }
                *last.borrow_mut() = Some(rollout);
            }
        };
        let found = tokio::time::timeout(LONG, wait).await;
        found.unwrap_or_else(|_| panic!("not within {LONG:?}: {:#?}", last.borrow().as_ref().map(brief)))
    }

    pub async fn in_state(&mut self, name: &str, state: State) -> pb::Rollout {
        self.until(name, |rollout| rollout.state() == state).await
    }

    pub async fn ended(&mut self, name: &str) -> pb::Rollout {
        self.until(name, |rollout| rollout.end_time.is_some()).await
    }

    /// The rollout, as soon as a step of this kind is at work and the candidate has this share.
    pub async fn at(&mut self, name: &str, kind: &str, percent: f64) -> pb::Rollout {
        self.until(name, |rollout| at(rollout) == Some(kind) && share(rollout) == percent).await
    }
}

/// The kind of the step at work.
pub fn at(rollout: &pb::Rollout) -> Option<&str> {
    let step = rollout.steps.get(usize::try_from(rollout.step_index).unwrap())?;
    Some(step.kind.as_str())
}

/// The candidate's share as it was read back.
pub fn share(rollout: &pb::Rollout) -> f64 {
    let fleet = rollout.name.trim_start_matches("rollouts/");
    rollout.split_observed.iter().find(|share| share.fleet == fleet).map_or(0.0, |share| share.percent)
}

pub fn reason(rollout: &pb::Rollout) -> &str {
    &rollout.reason.as_ref().unwrap().code
}

fn brief(rollout: &pb::Rollout) -> String {
    let steps: Vec<_> =
        rollout.steps.iter().map(|step| format!("{} {:?}", step.name, step.state())).collect();
    format!(
        "{:?} {:?} at {:?}; wanted {:?}; observed {:?}; waits {:?}; steps {steps:#?}; instances {:?}",
        rollout.state(),
        rollout.reason,
        at(rollout),
        rollout.split_wanted,
        rollout.split_observed,
        rollout.waiting_on,
        rollout.instances,
    )
}
