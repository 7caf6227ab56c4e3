//! Keeps a client on the fleet that it got, by a cookie. The cookie names the fleet by a hash; one that names no
//! fleet of the split (its rollout is over, or was taken back) is as good as none.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::matching::cookies;

/// The affinity of one target.
#[derive(Debug)]
pub struct Affinity {
    cookie: String,
    ttl: Duration,
    /// (fleet, what the cookie says for it), those with a share only.
    tags: Vec<(usize, String)>,
}

// === impl Affinity ===

impl Affinity {
    /// With this cookie, for these fleets (index, id), the ones that get a share.
    pub fn new<'a>(cookie: &str, ttl: Duration, fleets: impl Iterator<Item = (usize, &'a str)>) -> Self {
        let tags = fleets.map(|(fleet, id)| (fleet, tag(id))).collect();
        Self { cookie: cookie.to_owned(), ttl, tags }
    }

    /// The fleet that a client has been given before, if it still gets a share.
    pub fn fleet_of(&self, headers: &HeaderMap) -> Option<usize> {
        let mut mine = cookies(headers).filter(|(name, _)| *name == self.cookie).map(|(_, value)| value);
        mine.find_map(|value| self.tags.iter().find(|(_, tag)| tag == value)).map(|(fleet, _)| *fleet)
    }

    /// Tells a client to stay on this fleet.
    pub fn set_cookie(&self, fleet: usize) -> Option<HeaderValue> {
        let (_, tag) = self.tags.iter().find(|(tagged, _)| *tagged == fleet)?;
        let cookie =
            format!("{}={tag}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax", self.cookie, self.ttl.as_secs());
        HeaderValue::from_str(&cookie).ok()
    }
}

/// FNV-1a, 64 bits: a name for a fleet that tells nothing and fits a cookie.
fn tag(id: &str) -> String {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn sent(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())])
    }

    #[test]
    fn a_client_comes_back_to_its_fleet() {
        let affinity = Affinity::new("bw", DAY, [(0, "a"), (1, "b")].into_iter());
        for fleet in [0, 1] {
            let cookie = affinity.set_cookie(fleet).unwrap();
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            assert_eq!(affinity.fleet_of(&sent(&format!("x=1; {pair}; y=2"))), Some(fleet));
        }
    }

    #[test]
    fn a_fleet_without_a_share_is_forgotten() {
        let before = Affinity::new("bw", DAY, [(0, "a"), (1, "b")].into_iter());
        let cookie = before.set_cookie(1).unwrap();
        let after = Affinity::new("bw", DAY, [(0, "a")].into_iter());
        assert_eq!(after.fleet_of(&sent(cookie.to_str().unwrap())), None);
        assert_eq!(after.fleet_of(&sent("bw=")), None);
    }
}
