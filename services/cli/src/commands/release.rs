//! `bellwether release` and `plan`.

use std::path::Path;

use anyhow::{Context as _, bail};
use bellwether_proto::{
    executor::v1::{Artifact, Strategy, artifact::Source, strategy::Kind},
    planner::v1::{Bundle, SubmitReleaseRequest, SubmitReleaseResponse},
};

use super::watch;
use crate::{
    args::{ReleaseArgs, ReleaseSpec, StrategyArg},
    artifact,
    exit::Exit,
    names::Unfit,
    render::{self, Format, plan, release},
    session::Session,
};

/// Hands a release in; with `--wait` follows it to its end.
///
/// # Errors
/// When the artifact cannot be read, or what the server says.
pub async fn run(session: &Session, format: Format, args: &ReleaseArgs) -> anyhow::Result<Exit> {
    let answer = submit(session, &args.spec, args.request_id.clone(), false).await?;
    let Some(submitted) = answer.release else { bail!("the planner answered without a release") };
    if !args.wait {
        render::print(format, &submitted, |r| release::view(r, session.now()).join("\n"))?;
        render::note(&format!("follow it with `bellwether watch {}`", submitted.name));
        return Ok(Exit::Ok);
    }
    watch::release_to_its_end(session, format, &submitted, args.timeout).await
}

/// Shows what a release would do.
///
/// # Errors
/// As [`run`].
pub async fn plan(session: &Session, format: Format, spec: &ReleaseSpec) -> anyhow::Result<Exit> {
    let answer = submit(session, spec, String::new(), true).await?;
    let Some(plan) = &answer.plan else { bail!("the planner answered without a plan") };
    render::print(format, plan, |p| plan::view(p).join("\n"))?;
    if let (Format::Table, Some(release)) = (format, &answer.release) {
        for environment in &release.environments {
            let lines = release::open(&environment.conditions, session.now());
            let name = &environment.environment;
            render::line(&match lines.is_empty() {
                true => format!("\n{name} would start at once"),
                false => format!("\n{name} would wait for\n  {}", lines.join("\n  ")),
            })?;
        }
    }
    Ok(Exit::Ok)
}

async fn submit(
    session: &Session,
    spec: &ReleaseSpec,
    request_id: String,
    validate_only: bool,
) -> anyhow::Result<SubmitReleaseResponse> {
    let artifact = match &spec.artifact {
        Some(file) => Some(describe(session, spec, file, validate_only).await?),
        None => None,
    };
    let request = SubmitReleaseRequest {
        request_id,
        application: spec.application.clone(),
        bundle: Some(Bundle {
            version: spec.version.clone(),
            artifact,
            configuration: settings(&spec.set)?,
            notes: spec.notes.clone(),
            strategy: spec.strategy.map(|s| Strategy { kind: kind(s).into(), ..Default::default() }),
            allow_unhealthy_stable: spec.allow_unhealthy_stable,
            ..Default::default()
        }),
        validate_only,
        ..Default::default()
    };
    Ok(session.planner().submit_release(request).await?.into_inner())
}

async fn describe(
    session: &Session,
    spec: &ReleaseSpec,
    file: &Path,
    validate_only: bool,
) -> anyhow::Result<Artifact> {
    let path = file
        .canonicalize()
        .map_err(|error| Unfit(format!("cannot find the artifact {}: {error}", file.display())))?;
    let digest = artifact::digest(&path)
        .await
        .with_context(|| format!("cannot read the artifact {}", path.display()))?;
    let source = if spec.upload {
        if !validate_only {
            artifact::upload(session, &path, &digest).await?;
        }
        Source::Uploaded(true)
    } else {
        let text = path.to_str().context("the artifact's path is not UTF-8")?;
        Source::Path(text.to_owned())
    };
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Artifact { name, digest, source: Some(source) })
}

fn settings(set: &[String]) -> anyhow::Result<std::collections::HashMap<String, String>> {
    set.iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(Unfit(format!("--set takes NAME=VALUE, not {pair:?}")).into()),
        })
        .collect()
}

fn kind(strategy: StrategyArg) -> Kind {
    match strategy {
        StrategyArg::Canary => Kind::Canary,
        StrategyArg::BlueGreen => Kind::BlueGreen,
        StrategyArg::BlueGreenCanary => Kind::BlueGreenCanary,
        StrategyArg::Rolling => Kind::Rolling,
        StrategyArg::Recreate => Kind::Recreate,
    }
}
