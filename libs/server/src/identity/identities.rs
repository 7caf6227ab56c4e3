//! The tokens in force, by their hash.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use bellwether_clock::Env;

use super::{Token, TokenFile, TokenFileError, ensure_service_token, secret_hash};
use crate::{Kind, Role};

/// Where identities come from.
#[derive(Clone, Debug, Default)]
pub struct IdentityFiles {
    /// `tokens.toml`; absent: no tokens.
    pub tokens: Option<PathBuf>,
    /// The service token's file, made where absent; none: services have no identity of their own.
    pub service_token: Option<PathBuf>,
}

/// Whom a bearer token stands for. Cheap to clone; all clones see a reload.
#[derive(Clone, Debug)]
pub struct Identities {
    files: IdentityFiles,
    service: Option<String>,
    by_hash: Arc<ArcSwap<HashMap<String, Arc<Token>>>>,
}

/// Why identities cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// `tokens.toml`.
    #[error("tokens file {path}")]
    Tokens {
        /// Its path.
        path: String,
        /// What is wrong.
        #[source]
        source: TokenFileError,
    },
    /// The service token.
    #[error("service token file {path}")]
    Service {
        /// Its path.
        path: String,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
}

// === impl Identities ===

impl Identities {
    /// Reads the files, and makes the service token where it is absent.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn load(files: IdentityFiles, env: &Env) -> Result<Self, IdentityError> {
        let service = files
            .service_token
            .as_ref()
            .map(|path| {
                ensure_service_token(path, env)
                    .map_err(|source| IdentityError::Service { path: path.display().to_string(), source })
            })
            .transpose()?;
        let service = service.map(|secret| secret_hash(&secret));
        let identities = Self { files, service, by_hash: Arc::default() };
        identities.reload()?;
        Ok(identities)
    }

    /// Reads `tokens.toml` again. What is in force stays where it cannot be read.
    ///
    /// # Errors
    /// [`IdentityError::Tokens`].
    pub fn reload(&self) -> Result<(), IdentityError> {
        let file = match &self.files.tokens {
            Some(path) => TokenFile::read(path)
                .map_err(|source| IdentityError::Tokens { path: path.display().to_string(), source })?,
            None => TokenFile::default(),
        };
        let by_hash =
            file.tokens.into_iter().map(|token| (token.sha256.to_ascii_lowercase(), Arc::new(token)));
        self.by_hash.store(Arc::new(by_hash.collect()));
        Ok(())
    }

    /// The file to watch for changes.
    pub fn tokens_path(&self) -> Option<&PathBuf> {
        self.files.tokens.as_ref()
    }

    /// Whom this bearer token stands for. The look-up is by hash, so its time tells nothing of the secret.
    /// `service` is the name under which a holder of the service token calls.
    pub(super) fn find(&self, secret: &str, service: &str) -> Option<Arc<Token>> {
        let hash = secret_hash(secret);
        if self.service.as_ref() == Some(&hash) {
            return Some(Arc::new(Token {
                principal: service.to_owned(),
                kind: Kind::Service,
                sha256: hash,
                roles: vec![Role::Service],
                team: None,
                applications: Vec::new(),
                acts_for_others: true,
            }));
        }
        self.by_hash.load().get(&hash).cloned()
    }
}
