//! Where requests come in: listening address, host and path lead to a route.

use std::{net::SocketAddr, sync::Arc};

use http::{HeaderName, header::HOST, request::Parts};

use super::{
    route::Route,
    sessions::SessionTest,
    table::{Ingress, Tls},
};

/// All ways in.
#[derive(Debug, Default)]
pub struct Entries {
    /// By listening address; each with the most specific entry first.
    listeners: Vec<(SocketAddr, Vec<Entry>)>,
}

/// One way in.
#[derive(Debug)]
pub struct Entry {
    listen: SocketAddr,
    host: Option<String>,
    path_prefix: String,
    tls: Option<Tls>,
    /// Where it leads.
    pub route: Arc<Route>,
    /// The fleet, whatever the split.
    pub preview: Option<usize>,
    /// Reads the session of a request of a user.
    pub session: Option<SessionTest>,
    /// Where answers of instances say their version.
    pub version_header: Option<HeaderName>,
}

// === impl Entries ===

impl Entries {
    /// Sorted for use.
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut listeners: Vec<(SocketAddr, Vec<Entry>)> = Vec::new();
        for entry in entries {
            match listeners.iter_mut().find(|(listen, _)| *listen == entry.listen) {
                Some((_, of_listener)) => of_listener.push(entry),
                None => listeners.push((entry.listen, vec![entry])),
            }
        }
        for (_, entries) in &mut listeners {
            let rank = |entry: &Entry| (entry.host.is_some(), entry.path_prefix.len());
            entries.sort_by_key(|entry| std::cmp::Reverse(rank(entry)));
        }
        Self { listeners }
    }

    /// Where a request that came in at `listen` leads.
    pub fn find(&self, listen: SocketAddr, request: &Parts) -> Option<&Entry> {
        let (_, entries) = self.listeners.iter().find(|(address, _)| *address == listen)?;
        let host = entries.iter().any(|entry| entry.host.is_some()).then(|| host(request)).flatten();
        entries.iter().find(|entry| entry.holds(host, request.uri.path()))
    }

    /// Whether a listening address is one for TLS.
    pub fn wants_tls(&self, listen: SocketAddr) -> bool {
        self.tls().any(|(address, _)| address == listen)
    }

    /// The certificate and key of each listening address that has some.
    pub fn tls(&self) -> impl Iterator<Item = (SocketAddr, &Tls)> {
        self.listeners.iter().filter_map(|(listen, entries)| {
            entries.iter().find_map(|entry| entry.tls.as_ref()).map(|tls| (*listen, tls))
        })
    }
}

// === impl Entry ===

impl Entry {
    /// To the split of a route; sessions are hashed under `secret`.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn ingress(ingress: &Ingress, route: &Arc<Route>, secret: [u64; 2]) -> Result<Self, String> {
        let session = ingress.session.as_ref().map(|key| SessionTest::new(key, secret)).transpose()?;
        Ok(Self {
            session,
            version_header: version_header(ingress)?,
            listen: ingress.listen,
            host: ingress.host.as_ref().map(|host| host.to_ascii_lowercase()),
            path_prefix: ingress.path_prefix.trim_end_matches('/').to_owned(),
            tls: ingress.tls.clone(),
            route: route.clone(),
            preview: None,
        })
    }

    /// To one fleet of a route; answers say their version as those of the first of `ingress` that does so.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn preview(
        listen: SocketAddr,
        fleet: usize,
        route: &Arc<Route>,
        ingress: &[Ingress],
    ) -> Result<Self, String> {
        let named = ingress.iter().find(|ingress| ingress.version_header.is_some());
        Ok(Self {
            listen,
            host: None,
            path_prefix: String::new(),
            tls: None,
            route: route.clone(),
            preview: Some(fleet),
            session: None,
            version_header: named.map(version_header).transpose()?.flatten(),
        })
    }

    fn holds(&self, host: Option<&str>, path: &str) -> bool {
        let host_holds = match &self.host {
            None => true,
            Some(mine) => host.is_some_and(|host| host.eq_ignore_ascii_case(mine)),
        };
        host_holds && below(path, &self.path_prefix)
    }
}

fn version_header(ingress: &Ingress) -> Result<Option<HeaderName>, String> {
    let name = ingress.version_header.as_ref();
    name.map(|name| name.parse().map_err(|_| format!("{name:?} is no header name"))).transpose()
}

/// Whether a path is the prefix or below it: `/shop` holds `/shop` and `/shop/x`, not `/shopping`.
fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.is_empty())
}

/// The host that a request names, without port.
fn host(request: &Parts) -> Option<&str> {
    let named = request.uri.host().or_else(|| request.headers.get(HOST)?.to_str().ok())?;
    let port_at = named.rfind(':').filter(|_| !named.ends_with(']'));
    Some(port_at.map_or(named, |at| named.get(..at).unwrap_or(named)))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_prefix_ends_at_a_slash() {
        assert!(below("/shop", "/shop") && below("/shop/cart", "/shop") && below("/any", ""));
        assert!(!below("/shopping", "/shop") && !below("/", "/shop"));
    }

    #[test]
    fn a_host_is_named_without_its_port() {
        for (sent, host_of_it) in
            [("shop:8080", "shop"), ("shop", "shop"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
        {
            let (parts, ()) = Request::builder().header(HOST, sent).body(()).unwrap().into_parts();
            assert_eq!(host(&parts), Some(host_of_it));
        }
    }
}
