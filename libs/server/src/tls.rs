//! TLS from files that are read again when they change.

use std::{fmt, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use crate::TlsFiles;

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or holds no PEM of its kind.
    #[error("cannot read {0}")]
    Pem(String, #[source] rustls::pki_types::pem::Error),
    /// The file holds no certificate.
    #[error("{0} holds no certificate")]
    NoCertificate(String),
    /// Key and certificate do not go together, or the key is of an unknown kind.
    #[error("certificate and key cannot be used")]
    Key(#[source] rustls::Error),
}

/// The certificate in force. Cheap to clone; all clones see a reload.
#[derive(Clone)]
pub(crate) struct Tls {
    files: TlsFiles,
    key: Arc<ArcSwap<CertifiedKey>>,
}

#[derive(Debug)]
struct Resolver(Arc<ArcSwap<CertifiedKey>>);

/// Makes aws-lc-rs the process's crypto provider. The first thing in every main; harmless when repeated.
pub fn install_crypto_provider() {
    // an error says that one is installed already, and it is the same: no other is linked
    let _ = aws_lc_rs::default_provider().install_default();
}

// === impl Tls ===

impl Tls {
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let key = Arc::new(ArcSwap::from_pointee(read(&files)?));
        Ok(Self { files, key })
    }

    /// Reads the files again. The certificate in force stays where they cannot be used.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        self.key.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    /// The files to watch for changes.
    pub(crate) fn paths(&self) -> [&Path; 2] {
        [&self.files.certificate, &self.files.key]
    }

    /// Accepts TLS 1.2 and 1.3 with HTTP/2 or HTTP/1.1.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Key)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver(self.key.clone())));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

// === impl Resolver ===

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let name = |path: &Path| path.display().to_string();
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsError::Pem(name(&files.certificate), error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(name(&files.certificate)));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::Pem(name(&files.key), error))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Key)
}
