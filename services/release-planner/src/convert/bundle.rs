//! Bundles.

use bellwether_plan::{Artifact, ArtifactSource, Bundle, ChangeType, Commit, Migration, Pinned};
use bellwether_proto::{
    executor::v1::{self as executor, artifact::Source},
    planner::v1 as pb,
};
use bellwether_resource::time;

/// The bundle of a request that was found right.
pub(crate) fn bundle(given: &pb::Bundle) -> serde_json::Result<Bundle> {
    Ok(Bundle {
        version: given.version.clone(),
        artifact: given.artifact.as_ref().map(artifact).unwrap_or_default(),
        configuration: given.configuration.clone().into_iter().collect(),
        migrations: given.migrations.iter().map(migration).collect(),
        notes: given.notes.clone(),
        commits: given.commits.iter().map(commit).collect(),
        change_type: match given.change_type() {
            pb::ChangeType::Unspecified | pb::ChangeType::Normal => ChangeType::Normal,
            pb::ChangeType::Standard => ChangeType::Standard,
            pb::ChangeType::Emergency => ChangeType::Emergency,
        },
        purl: given.purl.clone(),
        strategy: Pinned(serde_json::to_value(&given.strategy)?),
        allow_unhealthy_stable: given.allow_unhealthy_stable,
    })
}

/// For the contract.
pub(crate) fn bundle_message(bundle: &Bundle) -> pb::Bundle {
    let change_type = match bundle.change_type {
        ChangeType::Standard => pb::ChangeType::Standard,
        ChangeType::Normal => pb::ChangeType::Normal,
        ChangeType::Emergency => pb::ChangeType::Emergency,
    };
    pb::Bundle {
        version: bundle.version.clone(),
        artifact: artifact_message(&bundle.artifact),
        purl: bundle.purl.clone(),
        configuration: bundle.configuration.clone().into_iter().collect(),
        migrations: bundle.migrations.iter().map(migration_message).collect(),
        notes: bundle.notes.clone(),
        commits: bundle.commits.iter().map(commit_message).collect(),
        change_type: change_type.into(),
        strategy: serde_json::from_value(bundle.strategy.0.clone()).ok().flatten(),
        allow_unhealthy_stable: bundle.allow_unhealthy_stable,
    }
}

fn artifact(given: &executor::Artifact) -> Artifact {
    Artifact {
        name: given.name.clone(),
        digest: given.digest.clone(),
        source: given.source.clone().map(|source| match source {
            Source::Path(path) => ArtifactSource::Path(path),
            Source::Uploaded(_) => ArtifactSource::Uploaded,
            Source::Image(image) => ArtifactSource::Image(image),
        }),
    }
}

/// For the contract; `None`: there is none.
pub(super) fn artifact_message(artifact: &Artifact) -> Option<executor::Artifact> {
    let source = artifact.source.clone()?;
    Some(executor::Artifact {
        name: artifact.name.clone(),
        digest: artifact.digest.clone(),
        source: Some(match source {
            ArtifactSource::Path(path) => Source::Path(path),
            ArtifactSource::Uploaded => Source::Uploaded(true),
            ArtifactSource::Image(image) => Source::Image(image),
        }),
    })
}

fn migration(given: &pb::Migration) -> Migration {
    Migration { id: given.id.clone(), reversible: given.reversible, description: given.description.clone() }
}

fn migration_message(migration: &Migration) -> pb::Migration {
    pb::Migration {
        id: migration.id.clone(),
        reversible: migration.reversible,
        description: migration.description.clone(),
    }
}

fn commit(given: &pb::Commit) -> Commit {
    let time = given.time.as_ref().and_then(time::timestamp);
    Commit { id: given.id.clone(), author: given.author.clone(), time }
}

fn commit_message(commit: &Commit) -> pb::Commit {
    let time = commit.time.map(time::to_timestamp);
    pb::Commit { id: commit.id.clone(), author: commit.author.clone(), time }
}
