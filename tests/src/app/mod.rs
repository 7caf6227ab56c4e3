//! An application of its own on a stack that several scenarios share, with hands on its instances.

mod instances;
mod steer;

use std::{net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Context as _;
use bellwether::load::Load;
use bellwether_proto::{
    Duration,
    executor::v1::{Artifact, GetTargetRequest, Rollout, Target, artifact::Source, rollout::State},
    monitor::v1::{Check, ErrorRateCheck, check},
    planner::v1::{
        Application, Deployment, GetReleaseRequest, Release as Submitted, SubmitReleaseRequest,
        release_environment,
    },
};
use sha2::{Digest as _, Sha256};

use crate::{
    shop::{self, ENVIRONMENT, Release},
    stack::{Stack, free_address},
    wait::until,
};

/// An instance that was told where its permits are takes one before it listens, and waits until there is one.
const HELD: &str = r#"#!/bin/sh
until [ -z "$SHOP_PERMITS" ]; do
    for permit in "$SHOP_PERMITS"/*; do
        rmdir "$permit" 2>/dev/null && unset SHOP_PERMITS && break
    done
    [ -z "$SHOP_PERMITS" ] || sleep 0.05
done
"#;

/// An application.
pub struct App<'s> {
    /// Where it runs.
    pub stack: &'s Stack,
    /// Its id.
    pub name: String,
    /// Where its users reach it.
    pub front: SocketAddr,
    /// What is applied; change it and apply it again.
    pub deployment: Deployment,
    /// The downtime that it bears, likewise.
    pub downtime_tolerance: Option<Duration>,
    artifact: Artifact,
    directory: tempfile::TempDir,
}

// === impl App ===

impl<'s> App<'s> {
    /// Applies it with this many instances, judged by errors alone: how fast a machine answers on which much else runs says
    /// nothing. The environment is there already.
    ///
    /// # Errors
    /// What the planner says.
    pub async fn new(
        stack: &'s Stack,
        name: &str,
        instances: i32,
        change: impl FnOnce(&mut Deployment),
    ) -> anyhow::Result<Self> {
        let front = free_address()?;
        let mut deployment = shop::deployment(instances, &front.to_string());
        let kind = Some(check::Kind::ErrorRate(ErrorRateCheck::default()));
        let errors = Check { id: "errors".to_owned(), kind, ..Default::default() };
        deployment.health.get_or_insert_default().checks = vec![errors];
        change(&mut deployment);
        let directory = tempfile::Builder::new().prefix("bw-app-").tempdir()?;
        std::fs::create_dir(directory.path().join("permits"))?;
        let artifact = artifact(stack.program(), directory.path())?;
        let (name, downtime_tolerance) = (name.to_owned(), None);
        let app = Self { stack, name, front, deployment, downtime_tolerance, artifact, directory };
        app.apply().await?;
        Ok(app)
    }

    /// As [`App::new`], with a first version that serves.
    ///
    /// # Errors
    /// When it does not come to serve.
    pub async fn serving(
        stack: &'s Stack,
        name: &str,
        instances: i32,
        change: impl FnOnce(&mut Deployment),
    ) -> anyhow::Result<Self> {
        let app = Self::new(stack, name, instances, change).await?;
        let first = app.ended(&app.submit(&Release::unjudged("1")).await?).await?;
        anyhow::ensure!(first.state() == State::Succeeded, "the first deployment: {first:#?}");
        Ok(app)
    }

    /// Applies the deployment as it stands.
    ///
    /// # Errors
    /// What the planner says.
    pub async fn apply(&self) -> anyhow::Result<()> {
        let environments = [(ENVIRONMENT.to_owned(), self.deployment.clone())].into();
        let (name, downtime_tolerance) = (self.name.clone(), self.downtime_tolerance);
        let application = Application { name, environments, downtime_tolerance, ..Default::default() };
        shop::apply_application(self.stack, application).await
    }

    /// Its target's name.
    pub fn target_name(&self) -> String {
        format!("targets/{}@{ENVIRONMENT}", self.name)
    }

    /// The release, whose instances do not come to listen before they are permitted to.
    ///
    /// # Panics
    /// When the directory's path is not UTF-8.
    #[must_use]
    pub fn held(&self, release: Release) -> Release {
        release.set("SHOP_PERMITS", self.file("permits").to_str().unwrap_or_else(|| panic!("not UTF-8")))
    }

    /// Lets one more instance that is held, or will be, come to listen.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn permit(&self) -> anyhow::Result<()> {
        Ok(std::fs::create_dir(self.file("permits").join(uuid(self.stack)))?)
    }

    /// A file of its own.
    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Submits a release; returns its name.
    ///
    /// # Errors
    /// What the planner says.
    pub async fn submit(&self, release: &Release) -> anyhow::Result<String> {
        self.submit_as(release, |_| ()).await
    }

    /// As [`App::submit`], with more said in the request.
    ///
    /// # Errors
    /// What the planner says.
    pub async fn submit_as(
        &self,
        release: &Release,
        change: impl FnOnce(&mut SubmitReleaseRequest),
    ) -> anyhow::Result<String> {
        let mut request = shop::request_of(&self.name, self.artifact.clone(), release);
        change(&mut request);
        shop::hand_in(self.stack, request).await
    }

    /// Follows a release's rollout until `is_it` says so.
    ///
    /// # Errors
    /// When that is not within the deadline.
    pub async fn until(&self, release: &str, is_it: impl Fn(&Rollout) -> bool) -> anyhow::Result<Rollout> {
        match shop::rollout_until(self.stack, release, is_it).await {
            Ok(found) => Ok(found),
            // what the planner says matters where there is no rollout
            Err(error) => Err(error.context(format!("{:#?}", self.planned(release).await))),
        }
    }

    /// Follows a release's rollout to its end.
    ///
    /// # Errors
    /// As [`App::until`].
    pub async fn ended(&self, release: &str) -> anyhow::Result<Rollout> {
        self.until(release, |it| shop::is_over(it.state())).await
    }

    /// Why a release did not start here, as soon as that is so.
    ///
    /// # Errors
    /// When that is not within the deadline; with what it is instead.
    pub async fn refused(&self, release: &str) -> anyhow::Result<String> {
        let failed = |it: Submitted| {
            it.environments.into_iter().find(|it| it.state() == release_environment::State::Failed)
        };
        let found = until("it is refused", || async { failed(self.planned(release).await?)?.reason }).await;
        match found {
            Ok(reason) => Ok(reason.code),
            Err(error) => anyhow::bail!("{error}: {:#?}", self.planned(release).await),
        }
    }

    /// A release as the planner has it.
    async fn planned(&self, release: &str) -> Option<Submitted> {
        let request = GetReleaseRequest { name: release.to_owned() };
        self.stack.planner().get_release(request).await.ok()?.into_inner().release
    }

    /// Its target as it stands.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn target(&self) -> anyhow::Result<Target> {
        let request = GetTargetRequest { name: self.target_name() };
        let target = self.stack.executor().get_target(request).await?.into_inner().target;
        target.context("an answer without a target")
    }

    /// Its target as soon as `is_it` says so.
    ///
    /// # Errors
    /// When that is not within the deadline; with what it is instead.
    pub async fn target_until(&self, what: &str, is_it: impl Fn(&Target) -> bool) -> anyhow::Result<Target> {
        let what = format!("{}: {what}", self.name);
        let found = until(&what, || async { self.target().await.ok().filter(&is_it) }).await;
        match found {
            Ok(target) => Ok(target),
            Err(error) => anyhow::bail!("{error}: {:#?}", self.target().await),
        }
    }

    /// A load on it.
    pub fn load(&self, rps: u32) -> Load {
        shop::load(self.stack, self.front, rps)
    }
}

fn uuid(stack: &Stack) -> String {
    stack.env().uuid().to_string()
}

/// The program as the shop, behind its permits.
fn artifact(program: &Path, directory: &Path) -> anyhow::Result<Artifact> {
    let program = program.canonicalize()?;
    let text = format!("{HELD}exec {} \"$@\"\n", program.display());
    let file = directory.join("shop");
    std::fs::write(&file, &text)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    let path = file.to_str().context("the directory's path is not UTF-8")?.to_owned();
    let digest = hex::encode(Sha256::digest(&text));
    Ok(Artifact { name: "shop".to_owned(), digest, source: Some(Source::Path(path)) })
}
