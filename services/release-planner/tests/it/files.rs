//! Applications, environments and bundles as users write them, with quick policies.

use bellwether_proto::{executor::v1 as executor, planner::v1 as pb};
use tonic::Status;

use super::house::House;

/// Runs a program, in these environments with that many instances.
pub fn shop(environments: &[(&str, i32)]) -> pb::Application {
    let policy = executor::RolloutPolicy {
        drain: Some(millis(0)),
        keep: Some(millis(600_000)),
        recovery_max: Some(millis(1_000)),
        ..Default::default()
    };
    let strategy = executor::Strategy {
        bake: Some(executor::Bake { min: Some(millis(0)), ..Default::default() }),
        ..Default::default()
    };
    let defaults = pb::Deployment {
        command: vec!["shop".into()],
        policy: Some(policy),
        strategy: Some(strategy),
        ..Default::default()
    };
    let deployment =
        |&(id, instances): &(&str, i32)| (id.to_owned(), pb::Deployment { instances, ..Default::default() });
    pb::Application {
        name: "shop".into(),
        defaults: Some(defaults),
        environments: environments.iter().map(deployment).collect(),
        ..Default::default()
    }
}

/// An environment that releases enter, or that they come to from `upstream` after a soak.
pub fn environment(id: &str, upstream: Option<&str>, soak_millis: u64) -> pb::Environment {
    pb::Environment {
        name: id.into(),
        upstreams: upstream.map(str::to_owned).into_iter().collect(),
        soak: Some(millis(soak_millis)),
        ..Default::default()
    }
}

/// Without migrations and with a configuration of its own, so that versions differ.
pub fn bundle(version: &str) -> pb::Bundle {
    pb::Bundle {
        version: version.into(),
        configuration: [("VERSION".to_owned(), version.to_owned())].into(),
        ..Default::default()
    }
}

pub fn submission(version: &str) -> pb::SubmitReleaseRequest {
    pb::SubmitReleaseRequest {
        application: "shop".into(),
        bundle: Some(bundle(version)),
        ..Default::default()
    }
}

pub fn millis(millis: u64) -> bellwether_proto::Duration {
    std::time::Duration::from_millis(millis).into()
}

// === impl House ===

impl House {
    pub async fn apply(&mut self, application: pb::Application) -> pb::Application {
        let request = pb::ApplyApplicationRequest { application: Some(application), ..Default::default() };
        self.client.apply_application(request).await.unwrap().into_inner().application.unwrap()
    }

    pub async fn apply_environment(&mut self, environment: pb::Environment) -> pb::Environment {
        let request = pb::ApplyEnvironmentRequest { environment: Some(environment), ..Default::default() };
        self.client.apply_environment(request).await.unwrap().into_inner().environment.unwrap()
    }

    /// A line of environments without approvals, each promoted from the one before after a soak.
    pub async fn line(&mut self, ids: &[&str], soak_millis: u64) {
        let mut upstream = None;
        for id in ids {
            self.apply_environment(environment(id, upstream, soak_millis)).await;
            upstream = Some(*id);
        }
    }

    pub async fn submit(&mut self, version: &str) -> pb::Release {
        self.client.submit_release(submission(version)).await.unwrap().into_inner().release.unwrap()
    }

    pub async fn release(&mut self, name: &str) -> pb::Release {
        let request = pb::GetReleaseRequest { name: name.into() };
        self.client.get_release(request).await.unwrap().into_inner().release.unwrap()
    }

    /// Approves as somebody, on the release as it is now.
    pub async fn approve(
        &mut self,
        person: &str,
        name: &str,
        environment: &str,
    ) -> Result<pb::Release, Status> {
        let etag = self.release(name).await.metadata.unwrap().etag;
        let request = pb::ApproveReleaseRequest {
            name: name.into(),
            environment: environment.into(),
            reason: "looks good".into(),
            etag,
            ..Default::default()
        };
        let answer = match person {
            "local" => self.client.approve_release(request).await,
            person => self.as_person(person).approve_release(request).await,
        };
        Ok(answer?.into_inner().release.unwrap())
    }
}
