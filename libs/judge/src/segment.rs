//! A stretch of a rollout with one split of the traffic.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sample::Traffic;

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Grows with each segment, from 1.
    pub index: i32,
    /// How the candidate gets its requests.
    pub kind: SegmentKind,
    /// The candidate's configured share, a fraction.
    pub share: f64,
    /// The route revision from which on samples belong to it; 0: any.
    pub revision: i64,
    /// Whether mirrored requests count for errors.
    pub mirrored: bool,
    /// Match rules or affinity choose who gets the candidate.
    #[serde(default)]
    pub selected: bool,
    /// No PASS before this much observed time.
    pub min: Duration,
}

/// How the candidate gets its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SegmentKind {
    /// Both versions have live traffic.
    Split,
    /// Everything goes to the candidate.
    Full,
    /// By the preview route only.
    Preview,
    /// Copies or matched requests only.
    Shadow,
}

/// How the ticks of a segment are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Against the live baseline.
    Live,
    /// Against history or absolute limits.
    Alone,
}

// === impl Segment ===

impl Segment {
    /// No traffic anywhere.
    pub const NOWHERE: Self = Self {
        index: 0,
        kind: SegmentKind::Split,
        share: 0.0,
        revision: 0,
        mirrored: false,
        selected: false,
        min: Duration::ZERO,
    };

    /// How its ticks are judged. `has_baseline`: there is a fleet to compare with.
    pub fn mode(&self, has_baseline: bool) -> Mode {
        let live = match self.kind {
            SegmentKind::Split => true,
            SegmentKind::Shadow => self.mirrored,
            SegmentKind::Full | SegmentKind::Preview => false,
        };
        if live && has_baseline { Mode::Live } else { Mode::Alone }
    }

    /// Whether requests of the candidate that came this way count.
    pub fn counts(&self, traffic: Traffic) -> bool {
        match traffic {
            Traffic::Live => matches!(self.kind, SegmentKind::Split | SegmentKind::Full),
            Traffic::Mirrored => self.mirrored,
            Traffic::Preview => matches!(self.kind, SegmentKind::Preview | SegmentKind::Shadow),
            Traffic::Matched => matches!(self.kind, SegmentKind::Shadow | SegmentKind::Preview),
        }
    }

    /// Whether latency is judged: that of copies says nothing.
    pub fn judges_latency(&self) -> bool {
        !(self.mirrored && (self.kind == SegmentKind::Shadow || self.share <= 0.0))
    }

    /// The configured share that traffic can be tested against; None where there is none.
    pub fn testable_share(&self) -> Option<f64> {
        let free = self.kind == SegmentKind::Split && !self.mirrored && !self.selected;
        (free && self.share > 0.0 && self.share < 1.0).then_some(self.share)
    }

    /// Requests of the candidate without which nothing passes.
    pub fn least_requests(&self) -> u64 {
        match self.kind {
            SegmentKind::Preview => 20,
            SegmentKind::Split | SegmentKind::Full | SegmentKind::Shadow => 1,
        }
    }
}
