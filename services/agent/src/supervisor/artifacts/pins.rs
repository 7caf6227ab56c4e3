//! What fleets were first started with whose artifact nobody has pinned: what runs is what was approved, and approved
//! was what lay there then.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tokio::sync::Mutex;

use crate::durable::{self, FileError};

/// sha256 by fleet.
type Digests = BTreeMap<String, String>;

/// The digests by target, a file for each. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pins {
    directory: PathBuf,
    /// Those of targets that were asked for.
    known: Arc<Mutex<BTreeMap<String, Digests>>>,
}

// === impl Pins ===

impl Pins {
    /// Below this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, known: Arc::default() }
    }

    /// What the fleet was first started with; `found` where that is now. It is written down when this returns.
    ///
    /// # Errors
    /// The file system's; a file that does not hold digests.
    pub async fn first(&self, target: &str, fleet: &str, found: &str) -> Result<String, FileError> {
        let mut known = self.known.lock().await;
        let digests = self.of(&mut known, target)?;
        if let Some(first) = digests.get(fleet) {
            return Ok(first.clone());
        }
        let mut next = digests.clone();
        next.insert(fleet.to_owned(), found.to_owned());
        self.write(target, &next).await?;
        *digests = next;
        Ok(found.to_owned())
    }

    /// Forgets the fleets of a target that are not among these.
    ///
    /// # Errors
    /// The file system's; a file that does not hold digests.
    pub async fn keep(&self, target: &str, fleets: &[&str]) -> Result<(), FileError> {
        let mut known = self.known.lock().await;
        let digests = self.of(&mut known, target)?;
        let mut next = digests.clone();
        next.retain(|fleet, _| fleets.contains(&fleet.as_str()));
        if next != *digests {
            self.write(target, &next).await?;
            *digests = next;
        }
        Ok(())
    }

    fn of<'a>(
        &self,
        known: &'a mut BTreeMap<String, Digests>,
        target: &str,
    ) -> Result<&'a mut Digests, FileError> {
        if !known.contains_key(target) {
            known.insert(target.to_owned(), durable::load(&self.file(target))?.unwrap_or_default());
        }
        Ok(known.entry(target.to_owned()).or_default())
    }

    async fn write(&self, target: &str, digests: &Digests) -> Result<(), FileError> {
        let file = self.file(target);
        if digests.is_empty() {
            return durable::remove(&file);
        }
        let failed = |source| FileError::Io { path: self.directory.clone(), source };
        std::fs::create_dir_all(&self.directory).map_err(failed)?;
        durable::save(&file, digests).await
    }

    fn file(&self, target: &str) -> PathBuf {
        // a target's name is safe as a file's name, apart from its first word
        self.directory.join(format!("{}.json", target.trim_start_matches("targets/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_digest_stays_until_the_fleet_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let pins = || Pins::new(directory.path().join("pins"));
        assert_eq!(pins().first("targets/shop@test", "a", "1").await.unwrap(), "1");
        let later = pins();
        assert_eq!(later.first("targets/shop@test", "a", "2").await.unwrap(), "1", "also after a restart");
        assert_eq!(later.first("targets/shop@test", "b", "2").await.unwrap(), "2");
        assert_eq!(later.first("targets/other@test", "a", "3").await.unwrap(), "3");
        later.keep("targets/shop@test", &["b"]).await.unwrap();
        assert_eq!(later.first("targets/shop@test", "a", "4").await.unwrap(), "4");
        later.keep("targets/shop@test", &[]).await.unwrap();
        assert!(!directory.path().join("pins/shop@test.json").exists());
    }
}
