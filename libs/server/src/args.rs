//! The command line that all services share.

use std::{
    env, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    IdentityFiles, Limits, Origin, ServeConfig, StartError, TlsFiles, private_file, telemetry::LogFormat,
};

/// What every service is told on its command line, or in its environment.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Address to serve on; port 0 takes a free one [default: the service's own port on loopback]
    #[arg(long, env = "BELLWETHER_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// Write the address that is served on into this file
    #[arg(long, value_name = "FILE")]
    pub address_file: Option<PathBuf>,

    /// Directory of the journal, the tokens and everything else that is kept
    #[arg(long, env = "BELLWETHER_DATA_DIR", value_name = "DIR", default_value_os_t = default_data_dir())]
    pub data_dir: PathBuf,

    /// Journal: sqlite:FILE or memory: [default: sqlite: in the data directory]
    #[arg(long, env = "BELLWETHER_JOURNAL", value_name = "URL")]
    pub journal: Option<String>,

    /// Wait until the journal's present owner is gone instead of refusing to start
    #[arg(long)]
    pub standby: bool,

    /// Bearer tokens [default: tokens.toml in the data directory]
    #[arg(long, env = "BELLWETHER_TOKENS", value_name = "FILE")]
    pub tokens: Option<PathBuf>,

    /// Certificate chain, PEM; read again when it changes
    #[arg(long, env = "BELLWETHER_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key, PEM
    #[arg(long, env = "BELLWETHER_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Serve plain text on an address that others reach
    #[arg(long, env = "BELLWETHER_INSECURE")]
    pub insecure: bool,

    /// Web pages of this origin may call over gRPC-Web, e.g. https://ops.example.com; may be repeated
    #[arg(long, env = "BELLWETHER_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<Origin>,

    /// Send traces here over OTLP/gRPC
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// How logs are written; BELLWETHER_LOG sets the level
    #[arg(long, env = "BELLWETHER_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// Streams at a time on one HTTP/2 connection
    #[arg(long, value_name = "N", default_value_t = 256, hide_short_help = true)]
    pub max_streams_per_connection: u32,

    /// Streams that a client may reset before they are served; for clients that cancel very many
    #[arg(long, value_name = "N", default_value_t = 200, hide_short_help = true)]
    pub max_pending_resets: usize,

    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 4096, hide_short_help = true)]
    pub max_connections: usize,

    /// Seconds that calls in flight have to end when the process stops
    #[arg(long, env = "BELLWETHER_GRACE_SECONDS", value_name = "SECONDS", default_value_t = 10)]
    pub grace_seconds: u64,
}

// === impl ServeArgs ===

impl ServeArgs {
    /// Makes the data directory where it is absent, for its owner only.
    ///
    /// # Errors
    /// [`StartError::DataDir`]: it cannot be made, read or written.
    pub fn make_data_dir(&self) -> Result<(), StartError> {
        usable(&self.data_dir).map_err(|source| StartError::DataDir { path: self.data_dir.clone(), source })
    }

    /// The journal's URL for the service of this name.
    pub fn journal_url(&self, service: &str) -> String {
        let default = || format!("sqlite:{}", self.data_dir.join(format!("{service}.db")).display());
        self.journal.clone().unwrap_or_else(default)
    }

    /// The file of the token by which services know each other.
    pub fn service_token_file(&self) -> PathBuf {
        self.data_dir.join("service.token")
    }

    /// The same where there is one already: what the service's own clients send.
    pub fn service_token(&self) -> Option<PathBuf> {
        Some(self.service_token_file()).filter(|file| file.exists())
    }

    /// The file of bearer tokens.
    pub fn tokens_file(&self) -> PathBuf {
        self.tokens.clone().unwrap_or_else(|| self.data_dir.join("tokens.toml"))
    }

    /// How to serve.
    pub fn config(&self) -> ServeConfig {
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        ServeConfig {
            identity: IdentityFiles {
                tokens: Some(self.tokens_file()),
                service_token: Some(self.service_token_file()),
            },
            tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
            insecure: self.insecure,
            cors_origins: self.cors_origin.clone(),
            grace: Duration::from_secs(self.grace_seconds),
            limits: Limits {
                streams_per_connection: self.max_streams_per_connection,
                pending_resets: self.max_pending_resets,
                connections: self.max_connections,
                ..Limits::default()
            },
            ..ServeConfig::default()
        }
    }
}

/// `$XDG_DATA_HOME/bellwether`, else `~/.local/share/bellwether`, else `.bellwether` here.
pub fn default_data_dir() -> PathBuf {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/share"));
    absolute("XDG_DATA_HOME")
        .or_else(home)
        .map_or_else(|| PathBuf::from(".bellwether"), |data| data.join("bellwether"))
}

fn usable(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    fs::read_dir(dir)?;
    private_file::probe(&dir.join(".probe"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn parse(args: &[&str]) -> Result<ServeArgs, clap::Error> {
        Program::try_parse_from([&["program"], args].concat()).map(|program| program.serve)
    }

    #[test]
    fn files_live_in_the_data_directory_unless_told_otherwise() {
        let args = parse(&["--data-dir", "/d"]).unwrap();
        assert_eq!(args.journal_url("executor"), "sqlite:/d/executor.db");
        assert_eq!(args.config().identity.tokens, Some(PathBuf::from("/d/tokens.toml")));
        let args = parse(&["--data-dir", "/d", "--journal", "memory:", "--tokens", "/t"]).unwrap();
        assert_eq!(
            (args.journal_url("executor").as_str(), args.tokens_file()),
            ("memory:", PathBuf::from("/t"))
        );
    }

    #[test]
    fn a_certificate_needs_its_key() {
        assert!(parse(&["--tls-cert", "/c"]).is_err());
        assert!(parse(&["--tls-cert", "/c", "--tls-key", "/k"]).unwrap().config().tls.is_some());
    }

    #[test]
    fn origins_are_listed_or_repeated() {
        let args = parse(&[
            "--cors-origin",
            "https://a.example,http://localhost:5173",
            "--cors-origin",
            "https://b.example",
        ]);
        let origins = args.unwrap().config().cors_origins;
        let origins: Vec<_> = origins.iter().map(Origin::as_str).collect();
        assert_eq!(origins, ["https://a.example", "http://localhost:5173", "https://b.example"]);
        assert!(parse(&["--cors-origin", "*"]).is_err());
    }

    #[test]
    fn a_data_directory_that_is_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let args = parse(&["--data-dir", file.to_str().unwrap()]).unwrap();
        assert_eq!(args.make_data_dir().unwrap_err().exit_code(), 12);
        let args = parse(&["--data-dir", dir.path().join("new/deep").to_str().unwrap()]).unwrap();
        args.make_data_dir().unwrap();
        assert_eq!(fs::read_dir(&args.data_dir).unwrap().count(), 0);
    }
}
