//! Resolves names for the connector and drops what may not be called.

use std::{io, net::IpAddr, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::AddressPolicy;

/// Turns a name into addresses.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `host`, in the order to try them.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

/// None of the addresses of a name may be called.
#[derive(Debug, thiserror::Error)]
#[error("{host} is at an address that may not be called")]
pub(crate) struct Refused {
    pub(crate) host: String,
}

pub(crate) struct FilteredResolver {
    pub(crate) policy: Arc<AddressPolicy>,
    pub(crate) lookup: Arc<dyn Lookup>,
}

// === impl SystemLookup ===

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

// === impl FilteredResolver ===

impl Resolve for FilteredResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookup) = (self.policy.clone(), self.lookup.clone());
        Box::pin(async move {
            let mut found = lookup.lookup(name.as_str()).await?;
            found.retain(|address| policy.permits(*address));
            if found.is_empty() {
                return Err(Refused { host: name.as_str().to_owned() }.into());
            }
            // port 0 stands for the URL's
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
