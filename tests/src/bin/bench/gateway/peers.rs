//! Other people's proxies, set up for the same work.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use bellwether_tests::{process::Process, stack::free_address, wait::until};

/// A proxy at work.
pub struct Peer {
    /// What people call it.
    pub name: &'static str,
    /// The figure of the comparison.
    pub figure: &'static str,
    /// The gateway's throughput is to be at least this share of the proxy's.
    pub goal: f64,
    /// Where it listens.
    pub address: SocketAddr,
    _process: Process,
}

/// A proxy as it is found on a machine.
struct Kind {
    name: &'static str,
    figure: &'static str,
    goal: f64,
    /// The variable that names its program where that is not in the path.
    variable: &'static str,
    program: &'static str,
    file: &'static str,
    configure: fn(SocketAddr, &[SocketAddr], usize) -> String,
    words: fn(&str, usize) -> Vec<String>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "HAProxy",
        figure: "rps_ratio_to_haproxy",
        goal: 0.75,
        variable: "BENCH_HAPROXY",
        program: "haproxy",
        file: "haproxy.cfg",
        configure: haproxy,
        words: |file, _| vec!["-db".to_owned(), "-f".to_owned(), file.to_owned()],
    },
    Kind {
        name: "Envoy",
        figure: "rps_ratio_to_envoy",
        goal: 1.0,
        variable: "BENCH_ENVOY",
        program: "envoy",
        file: "envoy.yaml",
        configure: envoy,
        words: |file, threads| {
            let words =
                ["-c", file, "--concurrency", &threads.to_string(), "--use-dynamic-base-id", "-l", "warn"];
            words.map(str::to_owned).to_vec()
        },
    },
];

/// Starts those that are installed, with files in `directory`, in front of these instances.
///
/// # Errors
/// When one that is installed does not come to serve.
pub async fn peers(directory: &Path, instances: &[SocketAddr]) -> anyhow::Result<Vec<Peer>> {
    let threads = std::thread::available_parallelism()?.get();
    let mut peers = vec![];
    for kind in &KINDS {
        if let Some(program) = kind.installed() {
            peers.push(kind.start(&program, directory, instances, threads).await?);
        }
    }
    Ok(peers)
}

/// The names of those that are not installed.
pub fn absent(peers: &[Peer]) -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name).filter(|name| peers.iter().all(|peer| peer.name != *name))
}

// === impl Kind ===

impl Kind {
    fn installed(&self) -> Option<PathBuf> {
        if let Some(named) = std::env::var_os(self.variable).filter(|named| !named.is_empty()) {
            return Some(PathBuf::from(named));
        }
        let path = std::env::var_os("PATH")?;
        // Debian keeps servers where the path of a user may not lead
        let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        places.map(|place| place.join(self.program)).find(|file| file.is_file())
    }

    async fn start(
        &self,
        program: &Path,
        directory: &Path,
        instances: &[SocketAddr],
        threads: usize,
    ) -> anyhow::Result<Peer> {
        let (address, file) = (free_address()?, directory.join(self.file));
        fs::write(&file, (self.configure)(address, instances, threads))?;
        let words = (self.words)(file.to_str().context("the directory's path is not UTF-8")?, threads);
        let process = Process::start(program, words, &[], &file.with_extension("log"))?;
        let listens =
            until("it listens", || async move { tokio::net::TcpStream::connect(address).await.ok() });
        listens.await.with_context(|| format!("{} wrote: {}", self.name, process.log()))?;
        Ok(Peer { name: self.name, figure: self.figure, goal: self.goal, address, _process: process })
    }
}

fn haproxy(listen: SocketAddr, instances: &[SocketAddr], threads: usize) -> String {
    let servers = instances.iter().enumerate().map(|(number, it)| format!("  server s{number} {it}\n"));
    format!(
        "global\n  nbthread {threads}\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  \
         timeout server 60s\n  http-reuse always\nfrontend front\n  bind {listen}\n  default_backend app\nbackend app\n  \
         balance roundrobin\n{}",
        servers.collect::<String>()
    )
}

/// JSON, which is YAML as well.
fn envoy(listen: SocketAddr, instances: &[SocketAddr], _threads: usize) -> String {
    let socket = |it: &SocketAddr| serde_json::json!({"socket_address": {"address": it.ip(), "port_value": it.port()}});
    let endpoints: Vec<_> =
        instances.iter().map(|it| serde_json::json!({"endpoint": {"address": socket(it)}})).collect();
    let extension = |name: &str| format!("type.googleapis.com/envoy.extensions.filters.{name}");
    let router = serde_json::json!({
        "name": "router",
        "typed_config": {"@type": extension("http.router.v3.Router")},
    });
    let manager = serde_json::json!({
        "@type": extension("network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "front",
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "app"}}],
        }]},
        "http_filters": [router],
    });
    let filter = serde_json::json!({"name": "http", "typed_config": manager});
    let cluster = serde_json::json!({
        "name": "app", "type": "STATIC", "lb_policy": "ROUND_ROBIN",
        "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": endpoints}]},
    });
    let resources = serde_json::json!({
        "listeners": [{"name": "front", "address": socket(&listen), "filter_chains": [{"filters": [filter]}]}],
        "clusters": [cluster],
    });
    serde_json::json!({"static_resources": resources}).to_string()
}
