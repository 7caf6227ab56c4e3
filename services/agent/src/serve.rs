//! The supervisor's process.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use anyhow::Context;
use bellwether_client::Transport;
use bellwether_clock::spawn;
use bellwether_proto::agent::v1::agent_service_server::AgentServiceServer;
use bellwether_server::{Host as Process, Shutdown, bind, run_main};
use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    SupervisorOptions,
    service::{AgentApi, push_samples},
    supervisor::{Holder, Host, Identity, Layout, Lock, Program, running_gateways},
};

/// Where the agent serves unless told otherwise.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 7425);

/// Runs a supervisor until it is told to end.
pub fn supervisor(options: SupervisorOptions, words: Vec<OsString>) -> ExitCode {
    if options.own_session
        && let Err(error) = rustix::process::setsid()
    {
        eprintln!("agent: it stays in this session: {error}");
    }
    let serve = options.serve.clone();
    run_main("agent", SocketAddr::from(LISTEN), serve, async move |process| {
        supervise(process, options, words).await
    })
}

async fn supervise(process: Process, options: SupervisorOptions, words: Vec<OsString>) -> anyhow::Result<()> {
    let directory = options.serve.data_dir.join("agent");
    std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    let lock = Lock::take(&directory)?;
    serve(process, options, words, lock, &directory).await.map_err(|error| match left_behind(&directory) {
        Some(left) => error.context(left),
        None => error,
    })
}

async fn serve(
    process: Process,
    options: SupervisorOptions,
    words: Vec<OsString>,
    mut lock: Lock,
    directory: &Path,
) -> anyhow::Result<()> {
    let listener = bind(options.serve.listen.unwrap_or(process.default_listen)).await?;
    let address = listener.local_addr().context("the listening address")?;
    // what would keep it from serving is found before anything is started or taken over
    options.serve.config().check(address, &process.env)?;
    let words = words.into_iter().chain(["gateway".into()]).collect();
    let program = Program::this(words).context("this program's file")?;
    let layout = Layout { directory: directory.to_owned(), ports: options.instance_ports.clone(), program };
    let host = Host::open(layout, process.env.clone()).await?;
    let stop_all = Arc::new(AtomicBool::new(options.stop_all_at_end));
    listen_to_signals(&host, &stop_all, process.shutdown.clone())?;
    if let Some(url) = &options.monitor {
        let token = options.serve.service_token_file();
        let monitor = Transport::builder(url.clone()).service("agent").token_file(token).build()?;
        spawn("push samples", push_samples(host.clone(), monitor, source(directory)));
    }
    announce(&mut lock, directory, address)?;
    let server = process.server().add_service(AgentServiceServer::new(AgentApi::new(host.clone())));
    server.serve(listener, process.shutdown.clone()).await?;
    if stop_all.load(Relaxed) {
        host.end().await;
    }
    Ok(())
}

/// What goes on without a supervisor that could not be started, and how to end it; none: nothing does. Traffic is not
/// taken down because of a supervisor's configuration.
fn left_behind(directory: &Path) -> Option<String> {
    let gateways = running_gateways(directory);
    let pids: Vec<String> = gateways.iter().map(|gateway| gateway.pid.to_string()).collect();
    (!pids.is_empty()).then(|| {
        format!(
            "the traffic goes on without a supervisor: gateway process {} and the instances still run. Mend what follows \
             and start the agent again, it takes them over; or end the gateway with kill",
            pids.join(", ")
        )
    })
}

/// SIGHUP replaces the gateway; SIGQUIT ends everything, where SIGTERM ends the supervisor alone.
fn listen_to_signals(host: &Arc<Host>, stop_all: &Arc<AtomicBool>, shutdown: Shutdown) -> anyhow::Result<()> {
    let (mut hangup, mut quit) = (signal(SignalKind::hangup())?, signal(SignalKind::quit())?);
    let (host, stop_all) = (host.clone(), stop_all.clone());
    spawn("agent signals", async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    if let Err(error) = host.gateway().replace().await {
                        tracing::error!(%error, "the gateway was not replaced");
                    }
                }
                _ = quit.recv() => {
                    stop_all.store(true, Relaxed);
                    shutdown.trigger();
                }
            }
        }
    });
    Ok(())
}

/// Says who holds the data directory and where it is found; also in a file of its own, for scripts.
fn announce(lock: &mut Lock, directory: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let pid = i32::try_from(std::process::id()).ok();
    let process = pid.and_then(Identity::of).context("this process is not to be seen in /proc")?;
    let holder =
        Holder { process, address: address.to_string(), version: env!("CARGO_PKG_VERSION").to_owned() };
    lock.announce(&holder)?;
    std::fs::write(directory.join("address"), format!("{address}\n"))?;
    Ok(())
}

/// The name under which the gateway's counters are told: the same after each restart, another for each agent of a host.
fn source(directory: &Path) -> String {
    let node = rustix::system::uname();
    let place = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let tag = hex::encode(Sha256::digest(place.as_os_str().as_encoded_bytes()));
    format!("gateway/{}/{}", node.nodename().to_string_lossy(), tag.get(..8).unwrap_or(&tag))
}
