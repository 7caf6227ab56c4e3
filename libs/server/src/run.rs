//! What every main does.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use bellwether_clock::Env;
use tokio::net::TcpListener;

use crate::{
    IdentityError, Metrics, ServeArgs, Server, Shutdown, StartError, bind, ensure_service_token,
    install_crypto_provider, on_signals, private_file,
    telemetry::{self, TelemetryConfig},
};

/// Time for the last traces to be sent.
const FLUSH: Duration = Duration::from_secs(3);

/// What a service finds when it starts.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name, e.g. `executor`.
    pub name: &'static str,
    /// Where it serves unless told otherwise.
    pub default_listen: SocketAddr,
    /// Its command line.
    pub args: ServeArgs,
    /// Time, identifiers, randomness.
    pub env: Env,
    /// The registry of `/metrics`.
    pub metrics: Metrics,
    /// Fires when the process is to end.
    pub shutdown: Shutdown,
}

// === impl Host ===

impl Host {
    /// A server with this command line's configuration.
    pub fn server(&self) -> Server {
        Server::new(self.env.clone(), self.args.config(), self.metrics.clone())
    }

    /// The URL of the service's journal.
    pub fn journal_url(&self) -> String {
        self.args.journal_url(self.name)
    }

    /// Serves until the process is to end.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn serve(&self, server: Server) -> Result<(), StartError> {
        server.serve(self.bind().await?, self.shutdown.clone()).await
    }

    /// Listens where the command line says, and writes the address down where it asks for that. For those who must know
    /// the address before they can build their services; everybody else calls [`Host::serve`].
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(&self) -> Result<TcpListener, StartError> {
        let listener = bind(self.args.listen.unwrap_or(self.default_listen)).await?;
        if let Some(file) = &self.args.address_file {
            let failed = |source| StartError::DataDir { path: file.clone(), source };
            let address = listener.local_addr().map_err(failed)?;
            private_file::replace(file, address.to_string().as_bytes()).map_err(failed)?;
        }
        Ok(listener)
    }
}

/// Runs a service: crypto provider, runtime, telemetry, signals, data directory; then `service`; then the last traces.
/// An error is printed with its causes, and becomes the exit code of its [`StartError`], or 1.
/// See `examples/smallest.rs`.
pub fn run_main<F>(name: &'static str, default_listen: SocketAddr, args: ServeArgs, service: F) -> ExitCode
where
    F: AsyncFnOnce(Host) -> anyhow::Result<()>,
{
    install_crypto_provider();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let ended = runtime.block_on(run(name, default_listen, args, service));
            runtime.shutdown_timeout(FLUSH);
            ended
        });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::from(error.downcast_ref::<StartError>().map_or(1, StartError::exit_code))
        }
    }
}

async fn run<F>(
    name: &'static str,
    default_listen: SocketAddr,
    args: ServeArgs,
    service: F,
) -> anyhow::Result<()>
where
    F: AsyncFnOnce(Host) -> anyhow::Result<()>,
{
    let config = TelemetryConfig {
        service: format!("bellwether-{name}"),
        log_format: args.log_format,
        otlp_endpoint: args.otlp_endpoint.clone(),
    };
    let telemetry = telemetry::init(&config)?;
    telemetry::log_panics();
    let shutdown = Shutdown::new();
    on_signals(shutdown.clone())?;
    args.make_data_dir()?;
    let (env, metrics) = (Env::system(), Metrics::new());
    // the service's own clients read it before it serves
    let path = args.service_token_file();
    ensure_service_token(&path, &env)
        .map_err(|source| IdentityError::Service { path: path.display().to_string(), source })
        .map_err(StartError::from)?;
    let ended = service(Host { name, default_listen, args, env, metrics, shutdown }).await;
    // a collector that is gone must not keep the process
    let flushed = tokio::task::spawn_blocking(|| telemetry.flush(FLUSH));
    if tokio::time::timeout(FLUSH + FLUSH / 2, flushed).await.is_err() {
        tracing::warn!("the last traces were given up");
    }
    ended
}
