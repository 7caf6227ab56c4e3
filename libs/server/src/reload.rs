//! Notices that files have changed.

use std::{fs, path::PathBuf, time::Duration};

use sha2::{Digest as _, Sha256};

/// Calls `changed` whenever the content of one of `paths` is another than before: looked at every `every`, so it works
/// on every file system and with directories that are swapped by a link. Never returns.
pub(crate) async fn watch(paths: Vec<PathBuf>, every: Duration, mut changed: impl FnMut()) {
    let mut before = digest(&paths);
    loop {
        tokio::time::sleep(every).await;
        let now = digest(&paths);
        if now != before {
            before = now;
            changed();
        }
    }
}

/// A file that cannot be read counts as empty. The files are a few kilobytes: reading them takes less than handing that
/// to another thread, which a simulation could not repeat.
fn digest(paths: &[PathBuf]) -> Vec<[u8; 32]> {
    paths.iter().map(|path| Sha256::digest(fs::read(path).unwrap_or_default()).into()).collect()
}
