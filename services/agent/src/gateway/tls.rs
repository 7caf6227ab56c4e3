//! Certificates and keys by listening address, read again when their files change.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use thiserror::Error;

use super::{entry::Entries, table::Tls};

/// The certificates in use.
#[derive(Debug, Default)]
pub struct TlsStore(ArcSwap<Vec<Loaded>>);

#[derive(Clone, Debug)]
struct Loaded {
    listen: SocketAddr,
    files: Tls,
    /// When the files were last changed, as seen before they were read.
    seen: [Option<SystemTime>; 2],
    config: Arc<ServerConfig>,
}

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not fit.
    #[error("{}", path.display())]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
}

// === impl TlsStore ===

impl TlsStore {
    /// What to serve at a listening address; none: plain text, or nothing where its entries say TLS.
    pub fn config(&self, listen: SocketAddr) -> Option<Arc<ServerConfig>> {
        self.0.load().iter().find(|loaded| loaded.listen == listen).map(|loaded| loaded.config.clone())
    }

    /// Takes up the files that these entries name; those already loaded and unchanged are kept.
    ///
    /// # Errors
    /// Names the file; nothing was changed then.
    pub fn load(&self, entries: &Entries) -> Result<(), TlsError> {
        let loaded =
            entries.tls().map(|(listen, files)| self.one(listen, files)).collect::<Result<Vec<_>, _>>()?;
        self.0.store(Arc::new(loaded));
        Ok(())
    }

    /// Takes up what has changed; where that cannot be used, what was there before stays.
    pub fn reload(&self, entries: &Entries) {
        let old = self.0.load();
        let loaded = entries.tls().filter_map(|(listen, files)| {
            self.one(listen, files).map_or_else(
                |error| {
                    tracing::warn!(%error, %listen, "a certificate cannot be used");
                    old.iter().find(|loaded| loaded.listen == listen).cloned()
                },
                Some,
            )
        });
        self.0.store(Arc::new(loaded.collect()));
    }

    fn one(&self, listen: SocketAddr, files: &Tls) -> Result<Loaded, TlsError> {
        let old = self.0.load();
        let same = old.iter().find(|loaded| loaded.listen == listen && loaded.files == *files);
        match same.filter(|loaded| loaded.seen == changed(files)) {
            Some(loaded) => Ok(loaded.clone()),
            None => Loaded::read(listen, files),
        }
    }
}

// === impl Loaded ===

impl Loaded {
    fn read(listen: SocketAddr, files: &Tls) -> Result<Self, TlsError> {
        let seen = changed(files);
        let file = |path: &PathBuf| {
            let path = path.clone();
            move |source| TlsError::File { path, source }
        };
        let chain = CertificateDer::pem_file_iter(&files.certificate).map_err(file(&files.certificate))?;
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(file(&files.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(file(&files.key))?;
        let pair = |source| TlsError::Pair { path: files.certificate.clone(), source };
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(pair)?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { listen, files: files.clone(), seen, config: Arc::new(config) })
    }
}

fn changed(files: &Tls) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
}
