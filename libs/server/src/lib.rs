//! Serving: limits, TLS, identity, permissions, telemetry, health, reflection, drain.
//!
//! Every service of Bellwether is served by a [`Server`]. A main is [`run_main`] with the service's `build` inside.

mod accept;
mod args;
mod background;
mod config;
mod connection;
mod cors;
mod greeting;
mod http;
mod identity;
mod journal;
mod listen;
mod metrics;
mod permission;
mod private_file;
mod readiness;
mod reasons;
mod reflection;
mod reload;
mod rpc;
mod run;
mod server;
mod shutdown;
mod signals;
mod start_error;
pub mod telemetry;
mod tls;

pub use args::{ServeArgs, default_data_dir};
pub use config::{Limits, ServeConfig, TlsFiles};
pub use cors::{Origin, OriginError};
pub use identity::{
    Caller, Identities, IdentityError, IdentityFiles, Kind, OnBehalfOf, Peer, Principal, Token, TokenFile,
    TokenFileError, authenticate, ensure_service_token, generate_secret, secret_hash,
};
pub use journal::{follow_journal, hourly, open_journal, stop_with_journal, trim_hourly};
pub use listen::{Listener, bind};
pub use metrics::{Labels, Metrics};
pub use permission::{Method, Methods, MethodsError, Permission, Role, holds};
pub use readiness::Readiness;
pub use reasons::*;
pub use rpc::Deadline;
pub use run::{Host, run_main};
pub use server::Server;
pub use shutdown::Shutdown;
pub use signals::on_signals;
pub use start_error::StartError;
pub use tls::{TlsError, install_crypto_provider};
