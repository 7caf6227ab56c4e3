//! Calls to addresses that somebody else chose: webhooks, hooks, probes, metric sources.
//!
//! Whoever may name a URL could otherwise reach what only this machine reaches: the cloud's metadata service, a
//! database on loopback, the routers' management. So every such call goes through [`Client`], which
//!
//! - checks the address it *connects to*, not the name: [`AddressPolicy`] sits in the resolver that the connector
//!   uses, so a name that changes its address between check and use gains nothing, and in front of URLs that hold an
//!   address, which the connector does not resolve;
//! - follows no redirect and uses no proxy from the environment;
//! - reads at most so many bytes of the answer, for at most so long.

mod address;
mod client;
mod dial;
mod resolver;
mod roots;

pub use address::{AddressPolicy, Network, NetworkError};
pub use client::{Answer, BuildError, Call, Client, Exchange, Limits, SendError};
pub use dial::{DialError, dial};
pub use resolver::{Lookup, SystemLookup};
