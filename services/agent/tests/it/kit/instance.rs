//! An application inside the test.

use std::net::SocketAddr;

use bellwether_agent::gateway::{self, Fleet, Protocol};
use bellwether_clock::spawn;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::app;

/// An instance of the test application.
pub struct Instance {
    pub name: String,
    pub address: SocketAddr,
    server: JoinHandle<()>,
}

impl Instance {
    pub async fn start(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn("instance", app::serve(listener, name.to_owned()));
        Self { name: name.to_owned(), address, server }
    }

    /// Refuses connections from now on.
    pub async fn stop(self) {
        self.server.abort();
        let _ = self.server.await;
    }

    pub fn in_table(&self) -> gateway::Instance {
        let (id, address) = (self.name.clone(), self.address);
        gateway::Instance {
            id,
            address,
            protocol: Protocol::Auto,
            drain_until: None,
            version: self.name.clone(),
        }
    }
}

/// A fleet of these.
pub fn fleet(instances: &[&Instance]) -> Fleet {
    Fleet { instances: instances.iter().map(|instance| instance.in_table()).collect() }
}
