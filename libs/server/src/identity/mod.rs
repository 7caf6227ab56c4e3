//! Who calls: from the transport, never from the payload.

mod authenticate;
mod caller;
mod identities;
mod secret;
mod service_token;
mod tokens;

pub use authenticate::{Peer, authenticate};
pub use caller::{Caller, Kind, OnBehalfOf, Principal};
pub use identities::{Identities, IdentityError, IdentityFiles};
pub use secret::{generate_secret, secret_hash};
pub use service_token::ensure_service_token;
pub use tokens::{Token, TokenFile, TokenFileError};
