//! Serving: limits, identity, permissions, telemetry, health, reflection, drain, clock, task spawner.
