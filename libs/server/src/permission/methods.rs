//! The methods that a server knows, from the descriptor set.

use std::{collections::HashMap, sync::Arc};

use bellwether_proto::{Rpc, common::v1::Permission, rpcs};

/// Open to everybody, with or without identity: what load balancers and `grpcurl` need before anything else.
/// Service, method, whether it streams.
const EXEMPT: &[(&str, &str, bool)] = &[
    ("grpc.health.v1.Health", "Check", false),
    ("grpc.health.v1.Health", "List", false),
    ("grpc.health.v1.Health", "Watch", true),
    ("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", true),
    ("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo", true),
];

/// Methods of other people's contracts that we serve, with what we ask for them.
const FOREIGN: &[(&str, &str, Permission)] =
    &[("opentelemetry.proto.collector.metrics.v1.MetricsService", "Export", Permission::PushSamples)];

/// One method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Full name of its service.
    pub service: String,
    /// Its short name.
    pub name: String,
    /// What the caller must hold; none: nothing, not even an identity.
    pub permission: Option<Permission>,
    /// Whether either side streams: such calls have no deadline of their own.
    pub streaming: bool,
}

/// All methods by request path.
#[derive(Clone, Debug)]
pub struct Methods(HashMap<String, Arc<Method>>);

/// Why the descriptor set cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MethodsError {
    /// It is not a descriptor set.
    #[error("the descriptor set cannot be decoded")]
    Decode(#[source] prost::DecodeError),
    /// A method's option is not a known permission.
    #[error("method {0} has an unknown permission")]
    Unknown(String),
}

// === impl Method ===

impl Method {
    /// Whether it changes anything: what reads alone is not audited.
    pub fn mutates(&self) -> bool {
        !matches!(self.permission, None | Some(Permission::View | Permission::PushSamples))
    }

    fn path(&self) -> String {
        format!("/{}/{}", self.service, self.name)
    }
}

// === impl Methods ===

impl Methods {
    /// Reads the encoded `FileDescriptorSet`. A method without the option is held as `PERMISSION_UNSPECIFIED`, which
    /// nobody holds.
    ///
    /// # Errors
    /// [`MethodsError`].
    pub fn load(descriptors: &[u8]) -> Result<Self, MethodsError> {
        let mut methods = Self(HashMap::new());
        for rpc in rpcs(descriptors).map_err(MethodsError::Decode)? {
            methods.add(method(rpc)?);
        }
        methods.add_fixed();
        Ok(methods)
    }

    /// The method of this request path.
    pub fn find(&self, path: &str) -> Option<&Arc<Method>> {
        self.0.get(path)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.0.values().map(AsRef::as_ref)
    }

    fn add(&mut self, method: Method) {
        self.0.insert(method.path(), Arc::new(method));
    }

    fn add_fixed(&mut self) {
        for &(service, name, streaming) in EXEMPT {
            self.add(Method { service: service.into(), name: name.into(), permission: None, streaming });
        }
        for &(service, name, permission) in FOREIGN {
            let permission = Some(permission);
            self.add(Method { service: service.into(), name: name.into(), permission, streaming: false });
        }
    }
}

fn method(rpc: Rpc) -> Result<Method, MethodsError> {
    let Rpc { service, name, streaming, permission } = rpc;
    match Permission::try_from(permission) {
        Ok(permission) => Ok(Method { service, name, permission: Some(permission), streaming }),
        Err(_) => Err(MethodsError::Unknown(format!("{service}.{name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_every_contract_has_a_permission() {
        let methods = Methods::load(bellwether_proto::DESCRIPTORS).unwrap();
        let open: Vec<_> = methods
            .iter()
            .filter(|m| m.permission == Some(Permission::Unspecified))
            .map(Method::path)
            .collect();
        assert!(open.is_empty(), "no permission: {open:?}");
        assert!(methods.iter().any(|m| m.service.starts_with("bellwether.")));
    }

    #[test]
    fn only_health_and_reflection_are_open() {
        let methods = Methods::load(bellwether_proto::DESCRIPTORS).unwrap();
        for method in methods.iter().filter(|m| m.permission.is_none()) {
            assert!(
                method.service.starts_with("grpc.health.") || method.service.starts_with("grpc.reflection.")
            );
        }
    }

    #[test]
    fn what_is_no_descriptor_set_is_an_error() {
        assert!(matches!(Methods::load(&[0xff, 0xff]), Err(MethodsError::Decode(_))));
    }

    #[test]
    fn streams_and_permissions_are_read() {
        let methods = Methods::load(bellwether_proto::DESCRIPTORS).unwrap();
        let read = |name: &str| {
            let method = methods.find(&format!("/bellwether.executor.v1.ExecutorService/{name}")).unwrap();
            (method.permission, method.streaming)
        };
        assert_eq!(read("GetTarget"), (Some(Permission::View), false));
        assert_eq!(read("WatchTargets"), (Some(Permission::View), true));
        assert_eq!(read("StartRollout"), (Some(Permission::StartRollout), false));
    }
}
