//! Ports: free ones, and ranges that no two stacks share.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;

/// Below the ports that the system gives out by itself, and away from the agent's default range.
const RANGES: std::ops::Range<u16> = 12_000..20_000;
/// Enough for a few targets with twice their instances.
const SIZE: u16 = 50;

/// Ports for the instances of one stack. Its first one is listened on for as long as this lives, so that nobody else on
/// this machine takes the same range.
#[derive(Debug)]
pub struct PortRange {
    claim: TcpListener,
}

// === impl PortRange ===

impl PortRange {
    /// Takes one that nobody has.
    ///
    /// # Errors
    /// When all are taken.
    pub fn take() -> anyhow::Result<Self> {
        let claim = RANGES
            .step_by(usize::from(SIZE))
            .find_map(|first| TcpListener::bind((Ipv4Addr::LOCALHOST, first)).ok());
        Ok(Self { claim: claim.context("no ports are left for instances")? })
    }

    /// As the agent is told: `FIRST-LAST`.
    ///
    /// # Errors
    /// When the system does not say what is listened on.
    pub fn text(&self) -> anyhow::Result<String> {
        let ports = self.ports()?;
        Ok(format!("{}-{}", ports.start(), ports.end()))
    }

    /// Each of them.
    ///
    /// # Errors
    /// As [`PortRange::text`].
    pub fn ports(&self) -> anyhow::Result<std::ops::RangeInclusive<u16>> {
        let claimed = self.claim.local_addr()?.port();
        Ok(claimed + 1..=claimed + SIZE - 1)
    }
}

/// An address that nobody listens on at the moment.
///
/// # Errors
/// When the system has none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
