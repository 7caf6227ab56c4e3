//! A shop on its way from development to production.

use std::{collections::BTreeMap, time::Duration};

use bellwether_plan::{
    Answers, Application, ApplicationType, ApprovalRule, Approver, ApproverKind, Artifact, ArtifactSource,
    Audience, Bundle, Capabilities, Commit, Deployment, Environment, EnvironmentId, HealthBounds, History,
    Pinned, Plan, PlanError, PlanInput, Promotion, Release, Traffic, Tuning, Upstreams, make,
};
use jiff::Timestamp;
use serde_json::json;

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) struct World {
    pub(crate) application: Application,
    pub(crate) environments: BTreeMap<EnvironmentId, Environment>,
    pub(crate) bundle: Bundle,
    pub(crate) history: BTreeMap<EnvironmentId, History>,
    pub(crate) traffic: BTreeMap<EnvironmentId, Traffic>,
    pub(crate) answers: Answers,
}

// === impl World ===

impl World {
    /// A shop in all three environments, nothing released yet.
    pub(crate) fn new(kind: ApplicationType) -> Self {
        let deployment = |instances| Deployment {
            platform: "agent".into(),
            capabilities: Capabilities::all(),
            instances,
            tuning: Tuning::default(),
            health: HealthBounds::default(),
            spec: Pinned(json!({"spec": {"command": ["{artifact}"]}})),
        };
        let application = Application {
            id: "shop".into(),
            generation: 3,
            kind,
            downtime_tolerance: None,
            rollback_slo: None,
            stakeholders: BTreeMap::from([(Audience::Executive, vec!["mailto:ceo@example.com".into()])]),
            deployments: [("development", 1), ("staging", 2), ("production", 4)]
                .map(|(id, instances)| (id.into(), deployment(instances)))
                .into(),
        };
        let bundle = Bundle {
            version: "1.4.2".into(),
            artifact: Artifact {
                source: Some(ArtifactSource::Path("/opt/shop-1.4.2".into())),
                ..Artifact::default()
            },
            commits: vec![Commit { id: "c0ffee".into(), author: "alice".into(), time: Some(NOW) }],
            ..Bundle::default()
        };
        Self {
            application,
            environments: environments(),
            bundle,
            history: BTreeMap::new(),
            traffic: BTreeMap::new(),
            answers: Answers::default(),
        }
    }

    /// With 1.4.1 live everywhere.
    pub(crate) fn serving(mut self) -> Self {
        let history = History {
            serving: Some("1.4.1".into()),
            last_releases: 20,
            failed_releases: 1,
            last_release_time: Some(NOW - Duration::from_secs(3 * 24 * 3600)),
            rollback_tested: true,
            ..History::default()
        };
        self.history = self.environments.keys().map(|id| (id.clone(), history.clone())).collect();
        self
    }

    pub(crate) fn each_deployment(mut self, change: impl Fn(&mut Deployment)) -> Self {
        self.application.deployments.values_mut().for_each(change);
        self
    }

    pub(crate) fn plan(&self) -> Result<Plan, Vec<PlanError>> {
        make(PlanInput {
            application: &self.application,
            environments: &self.environments,
            bundle: &self.bundle,
            history: &self.history,
            traffic: &self.traffic,
            answers: &self.answers,
            now: NOW,
        })
    }

    /// Handed in by alice.
    pub(crate) fn release(&self) -> Release {
        Release::new(
            "0190-1".into(),
            self.plan().unwrap(),
            self.bundle.clone(),
            human("alice"),
            "shop".into(),
            BTreeMap::new(),
            NOW,
            None,
        )
    }
}

pub(crate) fn human(id: &str) -> Approver {
    Approver { id: id.into(), kind: ApproverKind::Human, roles: vec!["approver".into()] }
}

pub(crate) fn at(second: u64) -> Timestamp {
    NOW + Duration::from_secs(second)
}

fn environments() -> BTreeMap<EnvironmentId, Environment> {
    let environment = |id: &str, upstreams: &[&str], soak, users| Environment {
        id: id.into(),
        generation: 1,
        promotion: Promotion::Auto,
        upstreams: upstreams.iter().map(|&id| id.into()).collect(),
        upstream_mode: Upstreams::All,
        soak: Duration::from_secs(soak),
        approvals: Vec::new(),
        share_of_users_percent: users,
    };
    let production = Environment {
        approvals: vec![ApprovalRule::people("four-eyes", 1)],
        ..environment("production", &["staging"], 3, 100.0)
    };
    [environment("development", &[], 0, 0.0), environment("staging", &["development"], 3, 0.0), production]
        .map(|environment| (environment.id.clone(), environment))
        .into()
}
