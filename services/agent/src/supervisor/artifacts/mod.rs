//! What can be run: files of the host, and what was uploaded, by digest.

mod digest;
mod meta;
mod store;
mod unpack;
mod upload;

use std::path::PathBuf;

pub use meta::Format;
pub use store::{Artifacts, StoreError};
pub use upload::{Header, Upload};

use super::{
    instance::{Problem, ProblemCode},
    wish,
};

// === impl Artifacts ===

impl Artifacts {
    /// The path to run, after its bytes were found to be those that were approved. This is done at each start; who
    /// can change the file between the look and the start can also change what runs.
    ///
    /// # Errors
    /// It is missing, or other bytes are there.
    pub async fn verified(&self, artifact: &wish::Artifact, fleet: &str) -> Result<PathBuf, Problem> {
        let missing = |text: String| Problem::new(ProblemCode::ArtifactMissing, fleet, text);
        let wrong = |path: &PathBuf, found: &str| {
            let text = format!("{} is {found}, approved is {}", path.display(), artifact.digest);
            Problem::new(ProblemCode::ArtifactDigest, fleet, text)
        };
        let Some(path) = artifact.path.clone() else {
            return self.verified_upload(&artifact.digest, fleet).await;
        };
        let file = path.clone();
        let found = tokio::task::spawn_blocking(move || digest::of_file(&file)).await;
        let found = found.map_err(|_| missing("the digest was not computed".into()))?;
        let found = found.map_err(|error| missing(format!("{}: {error}", path.display())))?;
        // where nobody has pinned the bytes there is nothing to compare them with
        if !artifact.digest.is_empty() && found != artifact.digest {
            return Err(wrong(&path, &found));
        }
        Ok(path)
    }

    async fn verified_upload(&self, digest: &str, fleet: &str) -> Result<PathBuf, Problem> {
        let (store, wanted) = (self.clone(), digest.to_owned());
        let checked = tokio::task::spawn_blocking(move || store.check(&wanted)).await;
        match checked {
            Ok(Ok(path)) => Ok(path),
            Ok(Err(error @ StoreError::Changed(_))) => {
                Err(Problem::new(ProblemCode::ArtifactDigest, fleet, error.to_string()))
            }
            Ok(Err(error)) => Err(Problem::new(ProblemCode::ArtifactMissing, fleet, error.to_string())),
            Err(error) => Err(Problem::new(ProblemCode::ArtifactMissing, fleet, error.to_string())),
        }
    }
}
