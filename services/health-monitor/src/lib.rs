//! The health-monitor: samples in, verdicts out.
