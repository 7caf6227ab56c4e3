//! Platform and Router over the agent's gRPC service.
