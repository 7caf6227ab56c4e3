//! Growing pauses between attempts.

use std::time::Duration;

use bellwether_clock::Env;

/// Pauses that double from `first` up to `longest`, each varied by ±20 % so that clients do not march in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    env: Env,
    first: Duration,
    longest: Duration,
    attempt: u32,
}

/// How much a pause is varied, in percent.
const JITTER: u8 = 20;

// === impl Backoff ===

impl Backoff {
    /// Starts at `first`.
    pub fn new(env: Env, first: Duration, longest: Duration) -> Self {
        Self { env, first, longest, attempt: 0 }
    }

    /// The next pause; at least `asked`, where the server asked for one.
    pub fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.attempt.min(16)).min(self.longest);
        self.attempt = self.attempt.saturating_add(1);
        self.env.jitter(doubled, JITTER).max(asked.unwrap_or_default())
    }

    /// Starts over: the last attempt went well.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_their_limit() {
        let mut backoff = Backoff::new(Env::system(), Duration::from_millis(100), Duration::from_secs(1));
        for expected in [100.0, 200.0, 400.0, 800.0, 1000.0, 1000.0] {
            let pause = backoff.pause(None).as_secs_f64() * 1000.0;
            assert!((expected * 0.8..=expected * 1.2).contains(&pause), "{pause} for {expected}");
        }
        assert_eq!(backoff.pause(Some(Duration::from_secs(9))), Duration::from_secs(9));
        backoff.reset();
        assert!(backoff.pause(None) <= Duration::from_millis(120));
    }
}
