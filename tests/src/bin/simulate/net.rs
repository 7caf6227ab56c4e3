//! The simulated network under our servers and clients.

use std::{io, net::SocketAddr};

use bellwether_client::Transport;
use bellwether_server::Listener;
use http::Uri;
use hyper_util::rt::TokioIo;
use tower::service_fn;
use turmoil::net::{TcpListener, TcpStream};

use crate::world::World;

/// Where every host listens.
pub(crate) const PORT: u16 = 7400;

/// A host's way in.
pub(crate) struct Simulated(TcpListener);

// === impl Simulated ===

impl Simulated {
    pub(crate) async fn bind() -> io::Result<Self> {
        TcpListener::bind(("0.0.0.0", PORT)).await.map(Self)
    }
}

impl Listener for Simulated {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// To `host`, as the service of this name.
pub(crate) fn as_service(world: &World, host: &str, name: &'static str) -> anyhow::Result<Transport> {
    let builder = Transport::builder(url(host)).service(name).token_file(world.service_token());
    Ok(builder.build_with(|endpoint| endpoint.connect_with_connector_lazy(service_fn(connect)))?)
}

/// To `host`, as a person who may do everything.
pub(crate) fn as_person(host: &str) -> anyhow::Result<Transport> {
    let builder = Transport::builder(url(host)).token(World::PERSON);
    Ok(builder.build_with(|endpoint| endpoint.connect_with_connector_lazy(service_fn(connect)))?)
}

fn url(host: &str) -> String {
    format!("http://{host}:{PORT}")
}

async fn connect(uri: Uri) -> io::Result<TokioIo<TcpStream>> {
    let host = uri.host().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    TcpStream::connect((host, uri.port_u16().unwrap_or(PORT))).await.map(TokioIo::new)
}
