//! Pure statistics: sequential tests that stay right under continuous looking, and the verdict made of them.
//!
//! A test keeps an **e-process** E: non-negative, at most 1 at the start, a supermartingale under its null. It
//! rejects at level α as soon as E ≥ 1/α; by Ville's inequality the chance of ever doing so under the null is at
//! most α, however often one looks and whenever one stops. All work is done with ln E.
//!
//! - The **minimum** of two e-processes tests that one of two nulls holds: both must be refuted.
//! - A **mean** with fixed weights combines checks under any dependence.
//! - A tick with nothing in it, or a lost one, is the factor 1.
//!
//! [`Analysis`] is the whole: it differences cumulative counters into ticks, feeds every check, and gives a
//! decision. The tests themselves are public so that they can be checked against reference values.

pub mod analysis;
pub mod anomaly;
pub mod betting;
pub mod burn;
mod by_name;
pub mod capacity;
mod check;
mod count_check;
pub mod counters;
pub mod dispersion;
pub mod gauge;
mod gauge_check;
pub mod hard_limits;
pub mod histogram;
pub mod history;
pub mod hours;
pub mod interval;
pub mod journeys;
pub mod kayenta;
pub mod latency;
mod latency_check;
pub mod math;
pub mod mixture;
pub mod non_inferiority;
pub mod one_sided;
pub mod panel;
pub mod placebo;
pub mod power;
pub mod proportion;
pub mod ratio;
pub mod readings;
mod recent;
pub mod sample;
pub mod segment;
pub mod settings;
pub mod share;
pub mod sim;
pub mod tick;
pub mod verdict;
mod wander;
mod warning;
mod weights;

pub use analysis::{Analysis, ProbeRun};
pub use dispersion::Canaries;
pub use histogram::Histogram;
pub use history::History;
pub use latency::{LatencyEdges, LatencyTest};
pub use mixture::Mixture;
pub use panel::Panel;
pub use readings::{Reading, Readings, Value};
pub use sample::{Batch, Sample, Traffic};
pub use segment::{Segment, SegmentKind};
pub use settings::Settings;
pub use tick::{Counts, Side, Tick};
pub use verdict::{Assessment, BaselineKind, Decision, Level, Report, Why};
pub use wander::Wander;
