//! Artifacts as they are uploaded.

use bellwether_proto::agent::v1::{
    ArtifactFormat, ArtifactHeader, PutArtifactRequest, PutArtifactResponse, put_artifact_request::Part,
};
use bellwether_resource::{Violations, error::Problem};
use tonic::{Status, Streaming};

use super::problem::{ARTIFACT_STREAM, of_store};
use crate::supervisor::{Format, Header, Host, Upload, is_target_name};

const MAX_CHUNK: usize = 1024 * 1024;

/// Stores an artifact. What is there already is not sent again: the answer comes before the chunks.
pub async fn put(
    host: &Host,
    mut parts: Streaming<PutArtifactRequest>,
) -> Result<PutArtifactResponse, Status> {
    let Some(Part::Header(header)) = parts.message().await?.and_then(|message| message.part) else {
        return Err(ARTIFACT_STREAM.because("the header does not come first").into());
    };
    let header = read(header)?;
    let digest = header.digest.clone();
    let begun = host.artifacts().begin(header, host.env()).map_err(|error| of_store(&error))?;
    let Some(mut upload) = begun else {
        return Ok(PutArtifactResponse { digest, existed: true });
    };
    while let Some(message) = parts.message().await? {
        upload = write(upload, message.part).await?;
    }
    let env = host.env().clone();
    blocking(move || upload.finish(&env).map_err(|error| of_store(&error))).await?;
    let (store, in_use) = (host.artifacts().clone(), host.artifacts_in_use().await);
    if let Err(error) = blocking(move || store.prune(&in_use).map_err(|error| of_store(&error))).await {
        tracing::warn!(%error, "old artifacts stay");
    }
    Ok(PutArtifactResponse { digest, existed: false })
}

async fn write(mut upload: Upload, part: Option<Part>) -> Result<Upload, Status> {
    match part {
        Some(Part::Chunk(chunk)) if chunk.len() <= MAX_CHUNK => {
            let written = blocking(move || {
                let written = upload.write(&chunk).map_err(|error| of_store(&error));
                written.map(|()| upload)
            });
            written.await
        }
        Some(Part::Chunk(_)) => Err(ARTIFACT_STREAM.because("a chunk is larger than 1 MiB").into()),
        Some(Part::Header(_)) => Err(ARTIFACT_STREAM.because("a second header came").into()),
        None => Err(ARTIFACT_STREAM.because("an empty part came").into()),
    }
}

fn read(header: ArtifactHeader) -> Result<Header, Problem> {
    let mut violations = Violations::new();
    let format =
        violations.enumeration("header.format", header.format).unwrap_or(ArtifactFormat::Unspecified);
    let target = header.target;
    violations.check(
        target.is_empty() || is_target_name(&target),
        "header.target",
        &target,
        "targets/<application>@<environment>",
    );
    let size_bytes = u64::try_from(header.size_bytes).unwrap_or(0);
    violations.check(size_bytes > 0, "header.size_bytes", header.size_bytes, "1 to 4 GiB");
    violations.finish()?;
    let format = match format {
        ArtifactFormat::Unspecified | ArtifactFormat::Executable => Format::Executable,
        ArtifactFormat::TarGz => Format::TarGz,
    };
    let digest = header.digest.strip_prefix("sha256:").unwrap_or(&header.digest).to_owned();
    Ok(Header { digest, size_bytes, format, target, entry_point: header.entry_point })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Status> {
    let worked = tokio::task::spawn_blocking(work).await;
    Ok(worked.map_err(|error| Status::internal(error.to_string()))??)
}
