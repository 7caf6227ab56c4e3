//! Connections for what is no HTTP call: the same filter on the resolved address.

use std::{io, net::SocketAddr};

use tokio::net::TcpStream;

use crate::{AddressPolicy, Lookup};

/// There is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// None of the host's addresses may be called. Nothing was sent.
    #[error(
        "{host} is at an address that may not be called; allow its network in the configuration of the service that calls"
    )]
    Refused {
        /// The host.
        host: String,
    },
    /// The host has no address.
    #[error("{host} cannot be resolved")]
    Unresolved {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody takes a connection at any of its addresses that may be called.
    #[error("no connection to {address}")]
    Connect {
        /// The address that was tried last.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Connects to the first address of `host` that may be called and takes a connection. `host` as in a URL: an IPv6 address may
/// stand in brackets. For how long it may try is the caller's to say.
///
/// # Errors
/// There is no such address.
pub async fn dial(
    policy: &AddressPolicy,
    lookup: &dyn Lookup,
    host: &str,
    port: u16,
) -> Result<TcpStream, DialError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = lookup.lookup(bare).await;
    let found = found.map_err(|source| DialError::Unresolved { host: bare.to_owned(), source })?;
    let mut failed = DialError::Refused { host: bare.to_owned() };
    for address in found.into_iter().filter(|address| policy.permits(*address)) {
        let address = SocketAddr::new(address, port);
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(source) => failed = DialError::Connect { address, source },
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use async_trait::async_trait;
    use tokio::net::TcpListener;

    use super::*;

    /// Every name is at these addresses.
    struct At(Vec<IpAddr>);

    #[async_trait]
    impl Lookup for At {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    #[tokio::test]
    async fn only_addresses_that_may_be_called_are_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lookup = At(vec!["127.0.0.1".parse().unwrap()]);
        let closed = AddressPolicy::default();
        let refused = dial(&closed, &lookup, "shop.example", port).await;
        assert!(matches!(refused, Err(DialError::Refused { host }) if host == "shop.example"));
        let open = AddressPolicy::allowing(vec!["127.0.0.0/8".parse().unwrap()]);
        let stream = dial(&open, &lookup, "shop.example", port).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().port(), port);
        drop(listener);
        let gone = dial(&open, &lookup, "shop.example", port).await;
        assert!(matches!(gone, Err(DialError::Connect { .. })));
    }

    #[tokio::test]
    async fn the_next_address_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lookup = At(vec!["127.0.0.2".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
        let open = AddressPolicy::allowing(vec!["127.0.0.0/8".parse().unwrap()]);
        let stream = dial(&open, &lookup, "[shop.example]", port).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().ip(), "127.0.0.1".parse::<IpAddr>().unwrap());
    }
}
