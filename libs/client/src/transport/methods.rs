//! Which methods are unary.

use std::{collections::HashSet, sync::LazyLock};

use prost::Message as _;
use prost_types::FileDescriptorSet;

static UNARY: LazyLock<HashSet<String>> = LazyLock::new(|| unary(bellwether_proto::DESCRIPTORS));

/// Is the method of this path a unary one of ours? Other people's methods may stream: they get no deadline by
/// themselves.
pub(super) fn is_unary(path: &str) -> bool {
    UNARY.contains(path)
}

fn unary(descriptors: &[u8]) -> HashSet<String> {
    let files = FileDescriptorSet::decode(descriptors).map(|set| set.file).unwrap_or_default();
    let mut paths = HashSet::new();
    for file in &files {
        for service in &file.service {
            for method in service.method.iter().filter(|m| !m.client_streaming() && !m.server_streaming()) {
                paths.insert(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    paths
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
