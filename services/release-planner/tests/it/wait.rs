//! Waiting by watching.

use std::time::Duration;

use bellwether_proto::planner::v1 as pb;
use pb::{release::State, release_environment::State as Stage, watch_releases_response::Message};
use tonic::Status;
use tonic_types::StatusExt as _;

use super::house::House;

const LONG: Duration = Duration::from_secs(20);

// === impl House ===

impl House {
    /// The release, as soon as `holds`.
    pub async fn until(&mut self, name: &str, holds: impl Fn(&pb::Release) -> bool) -> pb::Release {
        let last = std::cell::RefCell::new(None);
        let wait = async {
            let filter = format!("name = {name:?}");
            let request = pb::WatchReleasesRequest { filter, ..Default::default() };
            let mut stream = self.client.watch_releases(request).await.unwrap().into_inner();
            loop {
                let release = match stream.message().await.unwrap().unwrap().message.unwrap() {
                    Message::Snapshot(release) => release,
                    Message::Changed(change) => change.release.unwrap(),
                    _ => continue,
                };
                if holds(&release) {
                    return release;
                }
                *last.borrow_mut() = Some(release);
            }
        };
        let found = tokio::time::timeout(LONG, wait).await;
        found.unwrap_or_else(|_| panic!("not within {LONG:?}: {:#?}", last.borrow().as_ref().map(brief)))
    }

    pub async fn in_state(&mut self, name: &str, state: State) -> pb::Release {
        self.until(name, |release| release.state() == state).await
    }

    pub async fn in_stage(&mut self, name: &str, environment: &str, state: Stage) -> pb::Release {
        self.until(name, |release| stage(release, environment).state() == state).await
    }

    /// The release, as soon as this is why it stands where it stands.
    pub async fn because(&mut self, name: &str, environment: &str, code: &str) -> pb::Release {
        self.until(name, |release| code_of(release, environment) == code).await
    }
}

/// The release in an environment of its road.
pub fn stage<'r>(release: &'r pb::Release, environment: &str) -> &'r pb::ReleaseEnvironment {
    release.environments.iter().find(|stage| stage.environment == environment).unwrap()
}

pub fn code_of<'r>(release: &'r pb::Release, environment: &str) -> &'r str {
    &stage(release, environment).reason.as_ref().unwrap().code
}

/// The codes of what is not met.
pub fn unmet(release: &pb::Release, environment: &str) -> Vec<String> {
    let conditions = stage(release, environment).conditions.iter();
    let unmet = conditions.filter(|condition| condition.state() == pb::condition::State::Unmet);
    unmet.map(|condition| condition.code.clone()).collect()
}

/// The reason of a refusal.
pub fn refusal(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

fn brief(release: &pb::Release) -> String {
    let stages = release.environments.iter();
    let stages: Vec<_> =
        stages.map(|s| format!("{} {:?} {:?}", s.environment, s.state(), s.reason)).collect();
    format!("{:?} {stages:#?}", release.state())
}
