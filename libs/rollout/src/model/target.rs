//! What a target is, apart from what runs on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An application in an environment: how many instances, where they run, how traffic reaches them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetSpec {
    /// `<application>@<environment>`.
    pub name: String,
    /// Who owns it; filters and permissions use it.
    pub team: String,
    /// Free key-value pairs; filters use them.
    pub labels: BTreeMap<String, String>,
    /// n: how many instances carry 100 % of the traffic. At least 1 for a target that is rolled out to.
    pub instances: u32,
    /// The name of the platform driver's configuration.
    pub platform: String,
    /// The name of the router driver's configuration; empty: the platform routes too.
    pub router: String,
    /// The ports that every instance listens on.
    pub ports: Vec<Port>,
    /// Where traffic comes in.
    pub ingress: Vec<Ingress>,
    /// Where a preview of a candidate is reached.
    pub preview: Option<Ingress>,
    /// Opaque configuration for the platform driver.
    pub platform_config: serde_json::Value,
}

/// A port of an instance; the platform chooses its number and tells the instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Its name, unique in the target (`http`).
    pub name: String,
    /// What is spoken there.
    #[serde(default)]
    pub protocol: Protocol,
    /// The variable that tells the instance its number; empty: `PORT` for the first, `PORT_<NAME>` for others.
    #[serde(default)]
    pub env: String,
}

/// What an instance speaks on a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protocol {
    /// HTTP/1.1 (WebSocket too).
    #[default]
    Http,
    /// HTTP/2 without TLS, gRPC.
    Http2,
    /// Plain TCP.
    Tcp,
}

/// One way in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ingress {
    /// `address:port` that the router listens on; empty: the router's shared listener.
    pub listen: String,
    /// The host name; empty: any.
    pub host: String,
    /// The path prefix; empty: any.
    pub path: String,
    /// A header `name: value` that selects it; used for previews. Empty: none.
    pub header: String,
    /// The instance port it leads to; empty: the first.
    pub port: String,
    /// TLS at the listener.
    pub tls: Option<Tls>,
    /// The cookie by which requests of one session are known; empty: none.
    pub session_cookie: String,
    /// The header by which they are, instead; empty: none.
    pub session_header: String,
    /// The header in which answers say the version that gave them; empty: none.
    pub version_header: String,
}

/// Certificate and key, reloaded when the files change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// PEM file with the certificate chain.
    pub certificate_file: String,
    /// PEM file with the private key.
    pub key_file: String,
}
