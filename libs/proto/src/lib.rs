//! The generated contracts, their JSON form, the descriptor set and the methods in it. No logic.
//!
//! The comments of the messages are those of `proto/`, which is the API's reference.

#![allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]

/// `bellwether.common.v1`: what every contract shares.
pub mod common {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/bellwether.common.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/bellwether.common.v1.serde.rs"));
    }
}

/// The encoded `FileDescriptorSet` of every contract with its imports and comments: for reflection, for the permission
/// option of each method, and for checking user YAML against its message.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

mod methods;

pub use methods::{Rpc, rpcs};
pub use pbjson_types::{Duration, Timestamp};

/// `bellwether.monitor.v1`: the health-monitor.
pub mod monitor {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/bellwether.monitor.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/bellwether.monitor.v1.serde.rs"));
    }
}

/// `bellwether.notifier.v1`: the notifier.
pub mod notifier {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/bellwether.notifier.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/bellwether.notifier.v1.serde.rs"));
    }
}

/// `bellwether.executor.v1`: the executor.
pub mod executor {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/bellwether.executor.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/bellwether.executor.v1.serde.rs"));
    }
}

/// `bellwether.agent.v1`: the embedded platform.
pub mod agent {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/bellwether.agent.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/bellwether.agent.v1.serde.rs"));
    }
}

/// `bellwether.planner.v1`: the release-planner.
pub mod planner {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/bellwether.planner.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/bellwether.planner.v1.serde.rs"));
    }
}

/// The metadata of calls that Bellwether gives a meaning to.
pub mod metadata {
    /// The name under which a holder of the service token calls, e.g. `release-planner`.
    pub const SERVICE_NAME: &str = "bellwether-service";
    /// For whom a service acts, `<human|agent|service|local>/<name>`.
    pub const ACTING_FOR: &str = "bellwether-on-behalf-of";
    /// The roles of that one, separated by commas.
    pub const ACTING_ROLES: &str = "bellwether-on-behalf-of-roles";
}
