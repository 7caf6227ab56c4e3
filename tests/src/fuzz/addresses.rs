//! Addresses and values on command lines.

use std::str::FromStr;

use bellwether_egress::{AddressPolicy, Network};
use bellwether_executor::{AllowedCommand, PlatformArg, RunAs};

/// `NETWORK\nHOST`: the filter of outgoing calls.
pub(super) fn networks_and_hosts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (network, host) = text.split_once('\n').unwrap_or(("10.0.0.0/8", text));
    let allowed: Vec<Network> = network.parse().into_iter().collect();
    let (strict, open) = (AddressPolicy::allowing(Vec::new()), AddressPolicy::allowing(allowed));
    let permitted = strict.permits_host(host);
    assert!(!permitted || open.permits_host(host), "allowing a network refuses nothing");
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|it| it.to_canonical().is_loopback());
    assert!(!(loopback && permitted), "loopback is never called unless it is allowed");
}

/// One value for each parser.
pub(super) fn arguments(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // whether it is accepted is the parsers' own tests' matter
    let _ = PlatformArg::from_str(text);
    let _ = AllowedCommand::from_str(text);
    let _ = RunAs::from_str(text);
    let _ = Network::from_str(text);
}
