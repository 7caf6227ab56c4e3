//! Which methods are unary.

use std::{collections::HashSet, sync::LazyLock};

static UNARY: LazyLock<HashSet<String>> = LazyLock::new(|| unary(bellwether_proto::DESCRIPTORS));

/// Is the method of this path a unary one of ours? Other people's methods may stream: they get no deadline by
/// themselves.
pub(super) fn is_unary(path: &str) -> bool {
    UNARY.contains(path)
}

fn unary(descriptors: &[u8]) -> HashSet<String> {
    let rpcs = bellwether_proto::rpcs(descriptors).unwrap_or_default();
    let unary = rpcs.into_iter().filter(|rpc| !rpc.streaming);
    unary.map(|rpc| format!("/{}/{}", rpc.service, rpc.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_not_unary() {
        assert!(is_unary("/bellwether.executor.v1.ExecutorService/GetTarget"));
        assert!(!is_unary("/bellwether.executor.v1.ExecutorService/WatchTargets"));
        assert!(!is_unary("/bellwether.monitor.v1.HealthMonitorService/PushSamples"));
        assert!(!is_unary("/grpc.health.v1.Health/Watch"));
    }
}
