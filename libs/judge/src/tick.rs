//! What happened on both sides between two looks.

use serde::{Deserialize, Serialize};

use crate::{Histogram, Traffic};

/// Counts of one side, not cumulative.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Attempts.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Of the errors, those without a connection.
    pub connect_failures: u64,
    /// Answers by status, in the order of the settings.
    pub statuses: Vec<u64>,
    /// Attempts and errors by journey, in the order of the settings.
    pub journeys: Vec<(u64, u64)>,
    /// Latencies, warm instances only.
    pub latency: Histogram,
}

/// Both sides over the same stretch of time and under the same route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// The version that is judged.
    pub candidate: Counts,
    /// The version that it is compared with.
    pub baseline: Counts,
}

/// Which side of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The version that is judged.
    Candidate,
    /// The version that it is compared with.
    Baseline,
}

/// What of a tick is told: requests and latencies may come from different sources, at different moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// Requests, errors, statuses, journeys.
    Requests,
    /// Latencies.
    Latency,
}

// === impl Part ===

impl Part {
    /// Whether requests are told.
    pub fn has_requests(self) -> bool {
        self != Self::Latency
    }
}

// === impl Counts ===

impl Counts {
    /// How much there is of a part: requests, or where they are not told, latencies.
    pub fn counted(&self, part: Part) -> u64 {
        if part.has_requests() { self.requests } else { self.latency.total() }
    }

    /// With room for so many statuses and journeys.
    pub fn sized(statuses: usize, journeys: usize) -> Self {
        Self { statuses: vec![0; statuses], journeys: vec![(0, 0); journeys], ..Self::default() }
    }

    /// Makes room for so many statuses and journeys.
    pub fn size(&mut self, statuses: usize, journeys: usize) {
        self.statuses.resize(statuses, 0);
        self.journeys.resize(journeys, (0, 0));
    }

    /// Adds another's counts, but not its latencies.
    pub fn add_requests(&mut self, other: &Counts) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.connect_failures += other.connect_failures;
        for (sum, more) in self.statuses.iter_mut().zip(&other.statuses) {
            *sum += more;
        }
        for (sum, more) in self.journeys.iter_mut().zip(&other.journeys) {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
    }

    /// Adds another's counts with the latencies, except those of copies, which say nothing.
    pub fn add(&mut self, other: &Counts, traffic: Traffic) {
        self.add_requests(other);
        if traffic != Traffic::Mirrored {
            self.latency.merge(&other.latency);
        }
    }

    /// Back to nothing, keeping the memory.
    pub fn clear(&mut self) {
        self.requests = 0;
        self.errors = 0;
        self.connect_failures = 0;
        self.statuses.fill(0);
        self.journeys.fill((0, 0));
        self.latency.clear();
    }
}

// === impl Tick ===

impl Tick {
    /// With room for so many statuses and journeys.
    pub fn sized(statuses: usize, journeys: usize) -> Self {
        Self { candidate: Counts::sized(statuses, journeys), baseline: Counts::sized(statuses, journeys) }
    }

    /// Makes room for so many statuses and journeys.
    pub fn size(&mut self, statuses: usize, journeys: usize) {
        self.candidate.size(statuses, journeys);
        self.baseline.size(statuses, journeys);
    }

    /// One side.
    pub fn side_mut(&mut self, side: Side) -> &mut Counts {
        match side {
            Side::Candidate => &mut self.candidate,
            Side::Baseline => &mut self.baseline,
        }
    }

    /// Back to nothing, keeping the memory.
    pub fn clear(&mut self) {
        self.candidate.clear();
        self.baseline.clear();
    }
}
