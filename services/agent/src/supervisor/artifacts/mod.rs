//! What can be run: files of the host, and what was uploaded, by digest.

mod digest;
mod meta;
mod pins;
mod store;
mod unpack;
mod upload;

use std::path::{Path, PathBuf};

pub use meta::Format;
pub use pins::Pins;
pub use store::{Artifacts, StoreError};
pub use unpack::tar_gz as unpack_tar_gz;
pub use upload::{Header, Upload};

use super::{
    instance::{Problem, ProblemCode, Record},
    wish,
};

// === impl Artifacts ===

impl Artifacts {
    /// The path to run for an instance, after its bytes were found to be those that were approved; where nobody has
    /// pinned them, those that its fleet was first started with. This is done at each start; who can change the file
    /// between the look and the start can also change what runs.
    ///
    /// # Errors
    /// It is missing, or other bytes are there; the disk's.
    pub async fn verified(
        &self,
        artifact: &wish::Artifact,
        record: &Record,
        pins: &Pins,
    ) -> Result<PathBuf, Problem> {
        let problem = |code, text| Problem::new(code, &record.fleet, text);
        let Some(path) = artifact.path.clone() else {
            return self.verified_upload(&artifact.digest).await.map_err(|(code, text)| problem(code, text));
        };
        let found = of_file(&path).await.map_err(|text| problem(ProblemCode::ArtifactMissing, text))?;
        let (wanted, why) = if artifact.digest.is_empty() {
            let first = pins.first(&record.target, &record.fleet, &found).await;
            let first = first.map_err(|error| problem(ProblemCode::Disk, error.to_string()))?;
            (first, "the fleet was first started with")
        } else {
            (artifact.digest.clone(), "approved is")
        };
        if found != wanted {
            let text = format!("{} is {found}, {why} {wanted}", path.display());
            return Err(problem(ProblemCode::ArtifactDigest, text));
        }
        Ok(path)
    }

    async fn verified_upload(&self, digest: &str) -> Result<PathBuf, (ProblemCode, String)> {
        let (store, wanted) = (self.clone(), digest.to_owned());
        let checked = tokio::task::spawn_blocking(move || store.check(&wanted)).await;
        match checked {
            Ok(Ok(path)) => Ok(path),
            Ok(Err(error @ StoreError::Changed(_))) => Err((ProblemCode::ArtifactDigest, error.to_string())),
            Ok(Err(error)) => Err((ProblemCode::ArtifactMissing, error.to_string())),
            Err(error) => Err((ProblemCode::ArtifactMissing, error.to_string())),
        }
    }
}

/// sha256 of a file's bytes; or what is wrong with it, for people.
async fn of_file(path: &Path) -> Result<String, String> {
    let file = path.to_owned();
    match tokio::task::spawn_blocking(move || digest::of_file(&file)).await {
        Ok(found) => found.map_err(|error| format!("{}: {error}", path.display())),
        Err(_) => Err("the digest was not computed".to_owned()),
    }
}
