//! What the monitor itself brings for its sources: the servers of its configuration, and where it may call.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use bellwether_clock::Env;
use bellwether_egress::{AddressPolicy, Client, Limits, Network};
use bellwether_policy::sources::{PrometheusSpec, ServerRef};

use super::{
    prometheus::Prometheus,
    servers::{Secret, Server, Servers},
};

/// Bytes of one answer that are read.
const MOST_ANSWER: usize = 8 * 1024 * 1024;

/// What the monitor is told about its sources.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SourcesArgs {
    /// Metric servers with their credentials, TOML: [prometheus.NAME] with url, bearer_token_file or username and
    /// password_file, ca_file; [secrets.NAME] with file and hosts, and [probes] with ca_file, for probes
    #[arg(long = "sources", env = "BELLWETHER_SOURCES", value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Networks that sources of policies, and probes, may call although they are not public, e.g. 10.0.0.0/8; repeatable
    #[arg(long = "source-network", value_name = "NETWORK")]
    pub networks: Vec<Network>,
}

/// What probes may send, by name.
pub type Secrets = BTreeMap<String, Secret>;

/// What is there for sources.
pub struct Surroundings {
    client: Client,
    servers: BTreeMap<String, (Client, Server)>,
    secrets: Arc<Secrets>,
    /// What probes check servers against, PEM; None: the system's.
    probe_roots: Option<Vec<u8>>,
}

// === impl SourcesArgs ===

impl SourcesArgs {
    /// Where policies and probes may call.
    pub fn addresses(&self) -> AddressPolicy {
        AddressPolicy::allowing(self.networks.clone())
    }
}

// === impl Surroundings ===

impl Surroundings {
    /// As the operator says.
    ///
    /// # Errors
    /// The file of servers, or certificates that it names, cannot be used.
    pub fn new(args: &SourcesArgs) -> anyhow::Result<Self> {
        let limits = Limits { connect: Duration::from_secs(5), answer_bytes: MOST_ANSWER };
        let client = Client::new(args.addresses(), limits)?;
        let servers = match &args.file {
            Some(path) => Servers::load(path)?,
            None => Servers::default(),
        };
        let secrets = Arc::new(servers.secrets);
        let probe_roots = servers.probes.ca_file.as_deref().map(roots).transpose()?;
        let servers = servers.prometheus.into_iter().map(|(name, server)| {
            let client = named(&server, limits).with_context(|| format!("the source {name}"))?;
            Ok((name, (client, server)))
        });
        Ok(Self { client, servers: servers.collect::<anyhow::Result<_>>()?, secrets, probe_roots })
    }

    /// What probes may send.
    pub fn secrets(&self) -> Arc<Secrets> {
        self.secrets.clone()
    }

    /// What probes check servers against, PEM; None: the system's.
    pub fn probe_roots(&self) -> Option<&[u8]> {
        self.probe_roots.as_deref()
    }

    /// The server that a policy means; None: there is none of this name.
    pub fn prometheus(&self, spec: &PrometheusSpec, env: &Env) -> Option<Prometheus> {
        match &spec.server {
            ServerRef::Url(url) => {
                Some(Prometheus::new(self.client.clone(), url.clone(), None, spec.timeout, env.clone()))
            }
            ServerRef::Named(name) => {
                let (client, server) = self.servers.get(name)?;
                let (url, server) = (server.url.clone(), Some(server.clone()));
                Some(Prometheus::new(client.clone(), url, server, spec.timeout, env.clone()))
            }
        }
    }
}

/// The operator named it: it may be anywhere.
fn named(server: &Server, limits: Limits) -> anyhow::Result<Client> {
    let everywhere = ["0.0.0.0/0", "::/0"].into_iter().map(str::parse).collect::<Result<_, _>>()?;
    let policy = AddressPolicy::allowing(everywhere);
    Ok(match &server.ca_file {
        None => Client::new(policy, limits)?,
        Some(path) => Client::trusting(policy, limits, &roots(path)?)?,
    })
}

fn roots(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
