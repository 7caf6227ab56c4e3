//! Which addresses may be called.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Public addresses are allowed, special ones only inside the listed networks.
///
/// Special are those of the IANA registries for IPv4 and IPv6 that are not globally reachable, multicast, and the
/// metadata services of the clouds. An IPv6 address that stands for an IPv4 address (mapped, NAT64) is judged as that
/// one.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    allow: Vec<Network>,
}

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

/// A text is no network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a network: expected an address or ADDRESS/BITS, e.g. 10.0.0.0/8")]
pub struct NetworkError(String);

/// Not globally reachable (IANA IPv4 Special-Purpose Address Registry), multicast, reserved; 168.63.129.16 is
/// Azure's wire server. The other metadata addresses lie in link-local, shared and IETF space.
const SPECIAL_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Global unicast is `2000::/3`; these parts of it are special: IETF protocols with Teredo, documentation, 6to4.
const SPECIAL_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// The well-known NAT64 prefix (RFC 6052).
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

// === impl AddressPolicy ===

impl AddressPolicy {
    /// Public addresses, and these.
    pub fn allowing(allow: Vec<Network>) -> Self {
        Self { allow }
    }

    /// Whether `address` may be called.
    pub fn permits(&self, address: IpAddr) -> bool {
        let meant = meant(address);
        is_public(meant) || self.allow.iter().any(|net| net.contains(meant) || net.contains(address))
    }

    /// Whether `host` of a URL may be called as far as can be seen without resolving it: names may.
    pub fn permits_host(&self, host: &str) -> bool {
        literal(host).is_none_or(|address| self.permits(address))
    }
}

/// The address that a URL's host is, when it is one.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// The address that is reached in the end.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(mapped) = v6.to_ipv4_mapped() {
        return mapped.into();
    }
    if Network::from(NAT64).contains(address) {
        let [.., a, b, c, d] = v6.octets();
        return Ipv4Addr::new(a, b, c, d).into();
    }
    address
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|net| Network::from(*net).contains(address)),
        IpAddr::V6(_) => {
            Network::from(GLOBAL_V6).contains(address)
                && !SPECIAL_V6.iter().any(|net| Network::from(*net).contains(address))
        }
    }
}

// === impl Network ===

impl Network {
    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                let differ = u64::from(base.to_bits() ^ address.to_bits());
                differ >> shift == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                (base.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl From<(Ipv4Addr, u8)> for Network {
    fn from((base, bits): (Ipv4Addr, u8)) -> Self {
        Self { base: base.into(), bits }
    }
}

impl From<(Ipv6Addr, u8)> for Network {
    fn from((base, bits): (Ipv6Addr, u8)) -> Self {
        Self { base: base.into(), bits }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NetworkError(text.to_owned());
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| error())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| error())?;
        if bits > most { Err(error()) } else { Ok(Self { base, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(policy: &AddressPolicy, address: &str) -> bool {
        policy.permits(address.parse().unwrap())
    }

    #[test]
    fn n11_special_addresses_are_refused() {
        let policy = AddressPolicy::default();
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!permits(&policy, address), "{address} must be refused");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        let policy = AddressPolicy::default();
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(permits(&policy, address), "{address} must be allowed");
        }
    }

    #[test]
    fn listed_networks_are_allowed_and_nothing_beside_them() {
        let policy = AddressPolicy::allowing(vec!["10.8.0.0/16".parse().unwrap(), "::1".parse().unwrap()]);
        assert!(permits(&policy, "10.8.255.1"));
        assert!(permits(&policy, "::ffff:10.8.0.1"), "a mapped address is judged as the IPv4 address");
        assert!(permits(&policy, "::1"));
        assert!(!permits(&policy, "10.9.0.1"));
        assert!(!permits(&policy, "127.0.0.1"));
    }

    #[test]
    fn hosts_of_urls_are_judged_when_they_are_addresses() {
        let policy = AddressPolicy::default();
        assert!(!policy.permits_host("127.0.0.1"));
        assert!(!policy.permits_host("[::1]"));
        assert!(policy.permits_host("localhost"), "a name is judged when it is resolved");
    }

    #[test]
    fn networks_are_parsed_strictly() {
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("9.9.9.9".parse().unwrap()));
        assert!("::/0".parse::<Network>().unwrap().contains("::1".parse().unwrap()));
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text:?}");
        }
    }
}
