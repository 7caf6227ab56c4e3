//! One scene after the other: submit, show, measure.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bellwether_client::{Watch, WatchEvent};
use bellwether_clock::Env;
use bellwether_proto::{
    executor::v1::{Artifact, Rollout, WatchRolloutsRequest, artifact::Source, rollout::State},
    planner::v1::{ApplyApplicationRequest, ApplyEnvironmentRequest, SubmitReleaseRequest},
};

use super::{application, measure, report::Row, script::Scene, stage::Stage};
use crate::{
    artifact,
    live::Live,
    load::{Load, LoadConfig, Tally},
    render::{self, Format, fact, rollout as view},
    session::Session,
};

/// A release that takes longer than this has hung.
const SCENE_TIMEOUT: Duration = Duration::from_secs(120);

/// The demonstration at work.
pub(super) struct Play {
    session: Session,
    env: Env,
    artifact: Artifact,
    config: LoadConfig,
    /// Starts once the first version serves: before that there is nobody to answer.
    load: Option<Load>,
    rollouts: Watch<Rollout>,
}

// === impl Play ===

impl Play {
    /// Applies environment and application.
    pub(super) async fn begin(stage: &Stage, env: Env, rps: u32) -> anyhow::Result<Self> {
        let session = stage.session();
        let environment =
            ApplyEnvironmentRequest { environment: Some(application::environment()), ..Default::default() };
        session.planner().apply_environment(environment).await?;
        let application = ApplyApplicationRequest {
            application: Some(application::application(&stage.front.to_string(), &stage.server)),
            ..Default::default()
        };
        session.planner().apply_application(application).await?;
        let client = session.executor();
        let rollouts = Watch::new(env.clone(), move |resume_token| {
            let mut client = client.clone();
            async move {
                client.watch_rollouts(WatchRolloutsRequest { filter: String::new(), resume_token }).await
            }
        });
        let config = LoadConfig {
            base: format!("http://{}", stage.front),
            rps,
            timeout: Duration::from_secs(10),
            in_flight: 2_000,
        };
        Ok(Self { session, env, artifact: shop().await?, config, load: None, rollouts })
    }

    /// Plays one scene to its end.
    pub(super) async fn scene(&mut self, scene: &Scene) -> anyhow::Result<Row> {
        render::line(&format!("\n{} ({}): {}", scene.name, scene.strategy_name(), scene.text))?;
        let (before, start) = (self.tally(), self.env.now());
        let request = SubmitReleaseRequest {
            application: application::APPLICATION.to_owned(),
            bundle: Some(scene.bundle(self.artifact.clone())),
            ..Default::default()
        };
        let submitted = self.session.planner().submit_release(request).await?.into_inner().release;
        let release = submitted.context("the planner answered without a release")?.name;
        let ended = tokio::time::timeout(SCENE_TIMEOUT, self.follow(&release)).await;
        let Ok(rollout) = ended else {
            bail!("{} is not at its end after {SCENE_TIMEOUT:?}; its release is {release}", scene.name)
        };
        let after = self.tally();
        let row = measure::row(scene, &rollout?, &before, &after, self.env.since(start));
        for failure in after.failures.iter().skip(before.failures.len()) {
            render::line(&format!("  failed by the rollout: {failure}"))?;
        }
        for caught in &row.caught_by {
            render::line(&format!("  caught by {}", caught.text))?;
        }
        let detected = row.detection_ms.map_or(String::new(), |ms| format!(", detected after {ms:.0} ms"));
        let back = row
            .traffic_back_ms
            .map_or(String::new(), |ms| format!(", traffic back {ms:.1} ms after the verdict"));
        render::line(&format!(
            "  {} after {:.1} s{detected}{back}; {} requests, {} failed by the rollout",
            row.outcome, row.duration_s, row.requests, row.failed_by_rollout
        ))?;
        Ok(row)
    }

    /// Shows the release's rollout until it has ended.
    async fn follow(&mut self, release: &str) -> anyhow::Result<Rollout> {
        let live = Live::start(Format::Table);
        let mut repaint = tokio::time::interval(Duration::from_millis(200));
        let mut shown: Option<Rollout> = None;
        loop {
            tokio::select! {
                event = self.rollouts.next() => match event? {
                    WatchEvent::Snapshot(rollout) if rollout.release == release => shown = Some(rollout),
                    WatchEvent::Changed { change, resource } if resource.release == release => {
                        let text = fact::of_rollout(&change.fact, &resource).map(|text| format!("  {text}"));
                        live.fact(&resource, text)?;
                        shown = Some(resource);
                    }
                    WatchEvent::Snapshot(_) | WatchEvent::Changed { .. } | WatchEvent::Current
                    | WatchEvent::Deleted { .. } | WatchEvent::Heartbeat => {}
                },
                _ = repaint.tick() => {}
            }
            let Some(rollout) = &shown else { continue };
            self.start_load(rollout);
            if is_over(rollout.state()) {
                live.clear();
                return Ok(rollout.clone());
            }
            let mut lines = vec![self.load_line()];
            lines.extend(view::view(rollout, self.env.now()));
            live.show(&lines);
        }
    }

    fn start_load(&mut self, rollout: &Rollout) {
        let serves = rollout.split_observed.iter().any(|share| share.percent > 0.0);
        if self.load.is_none() && serves {
            self.load = Some(Load::start(self.config.clone(), self.env.clone()));
        }
    }

    fn tally(&self) -> Tally {
        self.load.as_ref().map(Load::tally).unwrap_or_default()
    }

    fn load_line(&self) -> String {
        let tally = self.tally();
        format!(
            "load       {} requests/s: {} good, {} failed as the version was told, {} failed by a rollout",
            self.config.rps, tally.good, tally.injected, tally.failed
        )
    }
}

fn is_over(state: State) -> bool {
    match state {
        State::Succeeded
        | State::RolledBack
        | State::Superseded
        | State::Cancelled
        | State::NeedsOperator => true,
        State::Unspecified | State::Pending | State::Running | State::RollingBack | State::Recovering => {
            false
        }
    }
}

/// The shop is this very program.
async fn shop() -> anyhow::Result<Artifact> {
    let path = std::env::current_exe().context("cannot find this program's file")?;
    let digest = artifact::digest(&path).await.context("cannot read this program's file")?;
    let text = path.to_str().context("this program's path is not UTF-8")?.to_owned();
    Ok(Artifact { name: "shop".to_owned(), digest, source: Some(Source::Path(text)) })
}
