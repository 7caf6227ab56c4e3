//! Why a process does not start, each with an exit code of its own.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{IdentityError, MethodsError, TlsError};

/// Why a process does not start. Its exit codes are documented in `docs/errors/exit-codes.md`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else listens there.
    #[error("address {address} is in use: stop the other process, or choose another with --listen")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The data directory cannot be made, read or written.
    #[error("cannot use the data directory {}: check that it exists and belongs to this user", path.display())]
    DataDir {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The journal was written by a newer version.
    #[error("the journal has schema {found}, this version knows {known}: install the newer version again")]
    NewerSchema {
        /// The journal's schema.
        found: u32,
        /// The newest one that this version opens.
        known: u32,
    },
    /// Another process is active on the journal.
    #[error("the journal {journal} belongs to another process ({owner}): stop it, or start with --standby")]
    JournalOwned {
        /// The journal.
        journal: String,
        /// Who has it.
        owner: String,
    },
    /// The journal is damaged or cannot be opened for another reason.
    #[error("cannot open the journal {journal}")]
    Journal {
        /// The journal.
        journal: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Tokens.
    #[error("cannot use the identities")]
    Identity(#[from] IdentityError),
    /// TLS.
    #[error("cannot use TLS")]
    Tls(#[from] TlsError),
    /// Plain text on an address that others reach.
    #[error("{address} is not on loopback: give --tls-cert and --tls-key, or --insecure to serve plain text")]
    PlainText {
        /// The address.
        address: SocketAddr,
    },
    /// The contracts in this build cannot be used; a defect of the build.
    #[error("the descriptor set of this build is not usable")]
    Descriptors(#[from] MethodsError),
    /// The service must not go on.
    #[error("the service has stopped")]
    Stopped {
        /// The process's exit code.
        exit_code: u8,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Telemetry cannot be set up.
    #[error("cannot set up telemetry")]
    Telemetry(#[source] Box<dyn std::error::Error + Send + Sync>),
}

// === impl StartError ===

impl StartError {
    /// The process's exit code. 1 is for everything without a code of its own, 2 for a wrong command line, 130 for a
    /// second signal.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::AddressInUse { .. } => 10,
            Self::Listen { .. } => 11,
            Self::DataDir { .. } => 12,
            Self::NewerSchema { .. } => 13,
            Self::JournalOwned { .. } => 14,
            Self::Journal { .. } => 15,
            Self::Identity(_) => 16,
            Self::Tls(_) => 17,
            Self::PlainText { .. } => 18,
            Self::Telemetry(_) => 19,
            Self::Stopped { exit_code, .. } => *exit_code,
            Self::Descriptors(_) => 70,
        }
    }
}
