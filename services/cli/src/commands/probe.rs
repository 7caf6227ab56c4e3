//! `bellwether probe`: what the monitor tries itself.

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1::{
    DeleteProbeRequest, Level, ListProbesRequest, Probe, ProbeRun, ProbeStatus, probe::Kind,
};

use super::apply;
use crate::{
    args::ProbeCommand,
    exit::Exit,
    names::short,
    render::{
        self, Format,
        style::{self, Tone, paint},
    },
    session::Session,
};

const PAGE: i32 = 500;

/// `bellwether probe`.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, command: &ProbeCommand) -> anyhow::Result<Exit> {
    match command {
        ProbeCommand::Apply(args) => return apply::run(session, args).await,
        ProbeCommand::List { filter } => {
            let now = session.now();
            render::print(format, &all(session, filter).await?, |probes| table(probes, now))?;
        }
        ProbeCommand::Delete(args) => {
            let request = DeleteProbeRequest {
                name: args.probe.clone(),
                reason: args.reason.clone(),
                ..Default::default()
            };
            session.monitor().delete_probe(request).await?;
            render::line(&format!("probe {} is deleted", short(&args.probe)))?;
        }
    }
    Ok(Exit::Ok)
}

/// All that match.
async fn all(session: &Session, filter: &str) -> anyhow::Result<Vec<Probe>> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListProbesRequest { page_size: PAGE, page_token, filter: filter.to_owned() };
        let page = session.monitor().list_probes(request).await?.into_inner();
        found.extend(page.probes);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

fn table(probes: &[Probe], now: Timestamp) -> String {
    render::table(
        ["PROBE", "TARGET", "KIND", "STATE", "SINCE", "LAST", "FOUND"],
        probes.iter().map(|probe| {
            let status = probe.status.as_ref();
            let last = status.and_then(|status| status.last.as_ref());
            let took = last.and_then(|last| last.duration.as_ref());
            [
                short(&probe.name).to_owned(),
                format!("{}@{}", probe.application, probe.environment),
                kind(probe).to_owned(),
                status.map_or_else(|| "-".to_owned(), state),
                style::ago(status.and_then(|status| status.since_time.as_ref()), now),
                took.map_or_else(|| "-".to_owned(), |took| format!("{} ms", style::span(took).as_millis())),
                status.map_or_else(String::new, |status| found(status, now)),
            ]
        }),
    )
}

/// What was not as expected: now, or when it last failed.
fn found(status: &ProbeStatus, now: Timestamp) -> String {
    let told = |run: &ProbeRun| match run.failed_step.as_str() {
        "" => format!("{} ({})", run.text, run.address),
        step => format!("{step}: {} ({})", run.text, run.address),
    };
    match (&status.last, &status.last_failure) {
        (Some(last), _) if !last.passed => told(last),
        (_, Some(failed)) => format!("failed {}: {}", style::ago(failed.time.as_ref(), now), told(failed)),
        (_, None) => String::new(),
    }
}

fn kind(probe: &Probe) -> &'static str {
    match probe.kind {
        Some(Kind::Http(_)) => "http",
        Some(Kind::Tcp(_)) => "tcp",
        Some(Kind::Grpc(_)) => "grpc",
        None => "-",
    }
}

fn state(status: &ProbeStatus) -> String {
    match status.level() {
        Level::Ok => paint("ok", Tone::Good),
        Level::Warn => paint(&format!("{} failed", status.failures_in_a_row), Tone::Warn),
        Level::Fail => paint(&format!("{} failed", status.failures_in_a_row), Tone::Bad),
        Level::Unspecified => "not tried".to_owned(),
    }
}
