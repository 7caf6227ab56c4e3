//! Ports for instances.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    ops::RangeInclusive,
    sync::{Mutex, PoisonError},
};

use bellwether_clock::Env;

/// The ports that instances may have.
#[derive(Debug)]
pub struct Ports {
    range: RangeInclusive<u16>,
    taken: Mutex<BTreeSet<u16>>,
    env: Env,
}

// === impl Ports ===

impl Ports {
    /// Out of this range.
    pub fn new(range: RangeInclusive<u16>, env: Env) -> Self {
        Self { range, taken: Mutex::default(), env }
    }

    /// Takes one on which nobody listens; none: there is none left. The search begins anywhere, so that two agents
    /// with one range rarely meet.
    pub fn take(&self) -> Option<u16> {
        let (first, last) = (*self.range.start(), *self.range.end());
        let count = u64::from(last.checked_sub(first)?) + 1;
        let start = self.env.random() % count;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = (0..count).map(|step| first + ((start + step) % count) as u16);
        let port = candidates.into_iter().find(|port| !taken.contains(port) && is_free(*port))?;
        taken.insert(port);
        Some(port)
    }

    /// Notes one that an adopted instance has.
    pub fn note(&self, port: u16) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
    }

    /// Gives one back.
    pub fn give_back(&self, port: u16) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }
}

/// Nobody listens on it.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_until_it_comes_back() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let used = listener.local_addr().unwrap().port();
        let ports = Ports::new(used..=used, Env::system());
        assert_eq!(ports.take(), None, "somebody listens on it");
        drop(listener);
        assert_eq!(ports.take(), Some(used));
        assert_eq!(ports.take(), None, "it is taken");
        ports.give_back(used);
        assert_eq!(ports.take(), Some(used));
    }
}
