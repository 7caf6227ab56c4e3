//! Load at one rate in turns, and what was found of each address.

use std::{net::SocketAddr, time::Duration};

use super::{
    CONNECTIONS,
    paced::{self, Load},
    peers::Peer,
};
use crate::{
    run::Run,
    stats::{max, median, quantile},
};

/// What was found of one address, round by round.
#[derive(Default)]
pub struct Found {
    /// Requests per second with all connections busy.
    pub rps: Vec<f64>,
    /// Milliseconds at the fixed rate.
    pub p50: Vec<f64>,
    /// The same at p99.
    pub p99: Vec<f64>,
    /// p99 of how late requests were sent.
    pub late: Vec<f64>,
}

/// Half of the gateway's throughput, at the instances and at each proxy in turns.
pub struct Loads<'a> {
    /// Where the instances are.
    pub instances: &'a [SocketAddr],
    /// Where the gateway is.
    pub front: SocketAddr,
    /// The others.
    pub peers: &'a [Peer],
    /// How often.
    pub rounds: usize,
    /// Requests per second.
    pub half: f64,
    /// How long each time.
    pub span: Duration,
}

// === impl Loads ===

impl Loads<'_> {
    /// Puts it on, round by round.
    ///
    /// # Errors
    /// A request fails.
    pub async fn put_on(
        &self,
        direct: &mut Found,
        ours: &mut Found,
        theirs: &mut [Found],
        run: &Run,
    ) -> anyhow::Result<()> {
        for _ in 0..self.rounds {
            direct.latency(self.instances, self.half, self.span, run).await?;
            ours.latency(&[self.front], self.half, self.span, run).await?;
            for (peer, found) in self.peers.iter().zip(&mut *theirs) {
                found.latency(&[peer.address], self.half, self.span, run).await?;
            }
        }
        Ok(())
    }
}

// === impl Found ===

impl Found {
    /// One more round at this rate.
    async fn latency(
        &mut self,
        to: &[SocketAddr],
        rps: f64,
        span: Duration,
        run: &Run,
    ) -> anyhow::Result<()> {
        let load = Load { to: to.to_vec(), connections: CONNECTIONS, rps, span };
        let found = paced::run(load, run.env.clone()).await?;
        self.p50.push(quantile(&found.took, 0.5));
        self.p99.push(quantile(&found.took, 0.99));
        self.late.push(quantile(&found.late, 0.99));
        Ok(())
    }

    /// Milliseconds at p99 beside what was found without a gateway in the same rounds; the median of the rounds.
    pub fn added(&self, direct: &Self) -> f64 {
        let added: Vec<f64> =
            self.p99.iter().zip(&direct.p99).map(|(with, without)| with - without).collect();
        median(&added)
    }

    /// For people.
    pub fn words(&self, direct: &Self) -> String {
        format!(
            "{:.0} requests/s (best {:.0}), p50 + {:.3} ms, p99 + {:.3} ms (sent {:.3} ms late at p99)",
            median(&self.rps),
            max(&self.rps),
            median(&self.p50) - median(&direct.p50),
            self.added(direct),
            median(&self.late),
        )
    }
}
