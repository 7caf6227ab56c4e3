//! The monitor's own configuration of sources: what the operator says, with credentials that no policy and no probe sees.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use bellwether_resource::name::is_id;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use url::Url;

/// Bytes read of a file with a secret.
const MOST_SECRET: u64 = 64 * 1024;

/// What `--sources FILE` holds: TOML with a table `[prometheus.NAME]` for each server, `[secrets.NAME]` for what probes send,
/// and `[probes]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Servers {
    /// Prometheus servers by name.
    #[serde(default)]
    pub prometheus: BTreeMap<String, Server>,
    /// What probes may send, by name.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// What holds for all probes.
    #[serde(default)]
    pub probes: OfProbes,
}

/// What holds for all probes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfProbes {
    /// Certificates, PEM, that those of servers are checked against instead of the system's: of journeys and of gRPC.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// Something that probes send and nobody sees.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The file that holds it; read for each step, so that it may be rotated.
    pub file: PathBuf,
    /// The hosts that it may be sent to.
    pub hosts: Vec<String>,
}

/// One server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its address.
    pub url: Url,
    /// A file with a bearer token; read for each call, so that it may be rotated.
    #[serde(default)]
    pub bearer_token_file: Option<PathBuf>,
    /// A user name for basic authentication.
    #[serde(default)]
    pub username: Option<String>,
    /// A file with its password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Certificates, PEM, that the server's is checked against instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It says something else than servers.
    #[error("{path} is not a file of sources")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Its values do not go together.
    #[error("{path}: {name}: {problem}")]
    Server {
        /// The file.
        path: PathBuf,
        /// The server, or the secret.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
}

// === impl Servers ===

impl Servers {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ServersError`].
    pub fn load(path: &Path) -> Result<Self, ServersError> {
        let read = |source| ServersError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(read)?;
        let parse = |source| ServersError::Parse { path: path.to_owned(), source: Box::new(source) };
        let servers: Self = toml::from_str(&text).map_err(parse)?;
        let of_servers = servers.prometheus.iter().map(|(name, server)| (name, server.problem()));
        let of_secrets = servers.secrets.iter().map(|(name, secret)| (name, secret.problem(name)));
        for (name, problem) in of_servers.chain(of_secrets) {
            if let Some(problem) = problem {
                return Err(ServersError::Server { path: path.to_owned(), name: name.clone(), problem });
            }
        }
        Ok(servers)
    }
}

// === impl Secret ===

impl Secret {
    fn problem(&self, name: &str) -> Option<&'static str> {
        if !is_id(name) {
            return Some("a secret's name is of [a-z][a-z0-9-]{0,62}");
        }
        self.hosts.is_empty().then_some("hosts must name at least one host that it may be sent to")
    }
}

/// What a file with a secret holds, without the white space around it.
///
/// # Errors
/// It cannot be read, or is no text.
pub async fn read_secret(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    tokio::fs::File::open(path).await?.take(MOST_SECRET).read_to_string(&mut text).await?;
    Ok(text.trim().to_owned())
}

// === impl Server ===

impl Server {
    fn problem(&self) -> Option<&'static str> {
        if !matches!(self.url.scheme(), "http" | "https") || !self.url.has_host() {
            return Some("url must be http or https with a host");
        }
        if self.username.is_some() != self.password_file.is_some() {
            return Some("username and password_file go together");
        }
        (self.bearer_token_file.is_some() && self.username.is_some())
            .then_some("either bearer_token_file or username with password_file")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Servers, ServersError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sources.toml");
        std::fs::write(&path, text).unwrap();
        Servers::load(&path)
    }

    #[test]
    fn servers_have_an_address_and_one_kind_of_credentials() {
        let good = "[prometheus.main]\nurl = 'https://p.example/x'\nbearer_token_file = '/t'";
        assert_eq!(load(good).unwrap().prometheus["main"].url.path(), "/x");
        for bad in [
            "[prometheus.main]\nurl = 'ftp://p'",
            "[prometheus.main]\nurl = 'http://p'\nusername = 'u'",
            "[prometheus.main]\nurl = 'http://p'\nusername = 'u'\npassword_file = '/p'\nbearer_token_file = '/t'",
            "[prometheus.main]\nurl = 'http://p'\ntoken = 'secret'",
            "[graphite.main]\nurl = 'http://p'",
            "[secrets.token]\nfile = '/t'\nhosts = []",
            "[secrets.Token]\nfile = '/t'\nhosts = ['shop']",
        ] {
            assert!(load(bad).is_err(), "{bad}");
        }
    }
}
