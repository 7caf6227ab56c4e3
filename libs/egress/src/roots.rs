//! The certificate authorities of the system, read when a call needs them.
//!
//! A machine or an image without any is fit for everything but `https`: so a client is made without looking, and looks
//! again until it has found some.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::SendError;

/// Reads the certificates.
type Read = fn() -> Vec<CertificateDer<'static>>;

/// Verifies servers by the system's authorities. All clones share what was read.
#[derive(Clone)]
pub(crate) struct SystemRoots(Arc<Inner>);

struct Inner {
    read: Read,
    provider: CryptoProvider,
    verifier: OnceLock<Arc<WebPkiServerVerifier>>,
}

// === impl SystemRoots ===

impl SystemRoots {
    pub(crate) fn new() -> Self {
        Self::reading(system)
    }

    fn reading(read: Read) -> Self {
        let provider = aws_lc_rs::default_provider();
        Self(Arc::new(Inner { read, provider, verifier: OnceLock::new() }))
    }

    /// TLS that asks these roots. After the crypto provider of the process was installed.
    pub(crate) fn config(&self) -> ClientConfig {
        let builder = ClientConfig::builder().dangerous();
        builder.with_custom_certificate_verifier(Arc::new(self.clone())).with_no_client_auth()
    }

    /// Reads the certificates where that has not been done.
    ///
    /// # Errors
    /// [`SendError::NoRoots`]: there are none. The next call looks again.
    pub(crate) async fn ready(&self) -> Result<(), SendError> {
        if self.0.verifier.get().is_some() {
            return Ok(());
        }
        let this = self.clone();
        let found = tokio::task::spawn_blocking(move || this.load()).await;
        if matches!(found, Ok(true)) { Ok(()) } else { Err(SendError::NoRoots) }
    }

    /// Whether there are any.
    fn load(&self) -> bool {
        let mut roots = RootCertStore::empty();
        let (_usable, unusable) = roots.add_parsable_certificates((self.0.read)());
        if unusable > 0 {
            tracing::warn!(unusable, "some of the system's certificates of authorities cannot be read");
        }
        let provider = Arc::new(self.0.provider.clone());
        // fails for want of roots alone: there are no revocation lists that could be wrong
        let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build() else {
            return false;
        };
        // of two calls at the same time the first one's is kept
        let _ = self.0.verifier.set(verifier);
        true
    }

    fn verifier(&self) -> Result<&WebPkiServerVerifier, rustls::Error> {
        let missing = || rustls::Error::General("no certificate authorities have been read".to_owned());
        self.0.verifier.get().map(|verifier| &**verifier).ok_or_else(missing)
    }
}

impl ServerCertVerifier for SystemRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier()?.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for SystemRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemRoots").field("read", &self.0.verifier.get().is_some()).finish()
    }
}

/// What the system trusts: `SSL_CERT_FILE`, `SSL_CERT_DIR`, or where its distribution keeps them.
fn system() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(%error, "certificates of authorities cannot be read");
    }
    found.certs
}

#[cfg(test)]
mod tests;
