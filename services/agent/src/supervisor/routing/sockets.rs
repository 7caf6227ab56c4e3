//! The listening sockets. The supervisor holds them, so that connections wait in them while the gateway restarts.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{SocketAddr, TcpListener},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::net::{
    self, AddressFamily, SocketFlags, SocketType,
    sockopt::{set_ipv6_v6only, set_socket_reuseaddr},
};

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// The listening sockets by address.
#[derive(Debug, Default)]
pub struct Sockets(BTreeMap<SocketAddr, TcpListener>);

// === impl Sockets ===

impl Sockets {
    /// Takes over sockets that a gateway has accepted on.
    pub fn adopt(&mut self, sockets: Vec<(SocketAddr, OwnedFd)>) {
        self.0.extend(sockets.into_iter().map(|(address, socket)| (address, socket.into())));
    }

    /// Listens on exactly these addresses; returns those that cannot be had, and why.
    pub fn set(&mut self, addresses: &BTreeSet<SocketAddr>) -> BTreeMap<SocketAddr, io::Error> {
        self.0.retain(|address, _| addresses.contains(address));
        let mut failed = BTreeMap::new();
        for address in addresses {
            if !self.0.contains_key(address) {
                match listen(*address) {
                    Ok(socket) => drop(self.0.insert(*address, socket)),
                    Err(error) => drop(failed.insert(*address, error)),
                }
            }
        }
        failed
    }

    /// To hand them to a gateway.
    pub fn all(&self) -> Vec<(SocketAddr, BorrowedFd<'_>)> {
        self.0.iter().map(|(address, socket)| (*address, socket.as_fd())).collect()
    }

    /// The addresses that are listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.keys().copied().collect()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
    // connections of a moment ago that linger must not keep the address from being listened on again
    set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        set_ipv6_v6only(&socket, true)?;
    }
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_told_and_the_others_are_listened_on() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let (free, held) = (taken, free);
        let busy = held.local_addr().unwrap();
        let mut sockets = Sockets::default();
        let failed = sockets.set(&BTreeSet::from([free, busy]));
        assert_eq!(failed[&busy].kind(), io::ErrorKind::AddrInUse);
        assert_eq!(sockets.addresses(), [free]);
        assert!(std::net::TcpStream::connect(free).is_ok());
        sockets.set(&BTreeSet::new());
        assert!(std::net::TcpStream::connect(free).is_err());
    }
}
