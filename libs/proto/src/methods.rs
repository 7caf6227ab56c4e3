//! The methods of a descriptor set. Everything else that it says, most of it comments, is skipped and never takes memory.

use prost::{DecodeError, Message};

/// One method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rpc {
    /// Full name of its service.
    pub service: String,
    /// Its short name.
    pub name: String,
    /// Whether either side streams.
    pub streaming: bool,
    /// The option `bellwether.common.v1.permission`; 0 where it has none.
    pub permission: i32,
}

/// The methods in an encoded `google.protobuf.FileDescriptorSet`.
///
/// # Errors
/// It is none.
pub fn rpcs(descriptors: &[u8]) -> Result<Vec<Rpc>, DecodeError> {
    let mut rpcs = Vec::new();
    for file in Set::decode(descriptors)?.file {
        for service in file.service {
            let full_name = match file.package.as_str() {
                "" => service.name,
                package => format!("{package}.{}", service.name),
            };
            rpcs.extend(service.method.into_iter().map(|method| Rpc {
                service: full_name.clone(),
                name: method.name,
                streaming: method.client_streaming || method.server_streaming,
                permission: method.options.map_or(0, |options| options.permission),
            }));
        }
    }
    Ok(rpcs)
}

// The same as in google/protobuf/descriptor.proto, of which these are the fields that matter here.

#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(message, repeated, tag = "1")]
    file: Vec<File>,
}

#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    service: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<Method>,
}

#[derive(Clone, PartialEq, Message)]
struct Method {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "4")]
    options: Option<Options>,
    #[prost(bool, tag = "5")]
    client_streaming: bool,
    #[prost(bool, tag = "6")]
    server_streaming: bool,
}

/// With the extension of `bellwether/common/v1/permission.proto`.
#[derive(Clone, PartialEq, Message)]
struct Options {
    #[prost(int32, tag = "50200")]
    permission: i32,
}
