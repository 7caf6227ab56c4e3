//! The keys that requests are signed with. They live for one attempt.

use std::{env, fmt, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::io::AsyncReadExt as _;

use crate::routing::SecretRef;

/// A key. Its content shows nowhere.
pub struct Key(Vec<u8>);

/// A key cannot be had. Says where it should be, never what is there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such variable.
    #[error("the environment variable {0} is not set")]
    Variable(String),
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no secret of Standard Webhooks.
    #[error("{place} does not hold whsec_ and 24 to 64 bytes in base64")]
    Form {
        /// Where it is.
        place: String,
    },
}

const PREFIX: &str = "whsec_";
/// Bytes read of a file: more than a secret has.
const MAX_FILE: u64 = 4096;

// === impl Key ===

impl Key {
    /// Reads the key that `reference` points to.
    ///
    /// # Errors
    /// When there is none.
    pub async fn read(reference: &SecretRef) -> Result<Self, SecretError> {
        let (place, text) = match reference {
            SecretRef::Env(name) => {
                let text = env::var(name).map_err(|_| SecretError::Variable(name.clone()))?;
                (name.clone(), text)
            }
            SecretRef::File(path) => {
                let place = path.display().to_string();
                let text = read_file(path)
                    .await
                    .map_err(|source| SecretError::File { path: place.clone(), source })?;
                (place, text)
            }
        };
        Self::parse(&text).ok_or(SecretError::Form { place })
    }

    /// From `whsec_…`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim().strip_prefix(PREFIX)?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

async fn read_file(path: &std::path::Path) -> io::Result<String> {
    let mut text = String::new();
    tokio::fs::File::open(path).await?.take(MAX_FILE).read_to_string(&mut text).await?;
    Ok(text)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
