//! Connections.

use bellwether_egress::{SystemLookup, dial};
use tokio::net::TcpStream;

use super::{Tools, chain};
use crate::probes::spec::Address;

// === impl Tools ===

impl Tools {
    /// Opens a connection.
    pub(super) async fn connect(&self, address: &Address) -> Result<TcpStream, String> {
        let Address::Port { host, port } = address else {
            return Err("an address of HTTP, where host:port is needed".to_owned());
        };
        let dialled = dial(self.client.policy(), &SystemLookup, host, *port).await;
        dialled.map_err(|error| chain(&error))
    }
}
