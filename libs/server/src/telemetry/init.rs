//! Sets up logs and traces, once per process.

use std::{io, io::IsTerminal as _, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tonic::transport::ClientTlsConfig;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt as _, registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::StartError;

/// What is logged unless `BELLWETHER_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info,h2=warn,hyper=warn,tonic=warn,tower=warn,sqlx=warn,opentelemetry=warn";
/// Tasks are no part of a trace: a task outlives the calls that it serves.
const UNTRACED: &str = "bellwether_clock";
/// Time for one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What telemetry is told.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// The process's `service.name`.
    pub service: String,
    /// How logs are written; they go to stderr.
    pub log_format: LogFormat,
    /// Where traces are sent over OTLP/gRPC, e.g. `http://127.0.0.1:4317`. Without it trace contexts are made and
    /// passed on all the same.
    pub otlp_endpoint: Option<String>,
}

/// Telemetry at work; to be flushed at the end.
#[derive(Debug)]
pub struct Telemetry(SdkTracerProvider);

/// Starts logs and traces. Within a Tokio runtime.
///
/// # Errors
/// [`StartError::Telemetry`]: the endpoint is no URL, the filter in `BELLWETHER_LOG` is malformed, or telemetry was
/// started already.
pub fn init(config: &TelemetryConfig) -> Result<Telemetry, StartError> {
    let provider = provider(config)?;
    // whoever asks for the trace asks the span; so entering and leaving one need do nothing
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("bellwether"))
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_traced));
    tracing_subscriber::registry()
        .with(logs(config.log_format)?)
        .with(traces)
        .try_init()
        .map_err(|error| StartError::Telemetry(error.into()))?;
    Ok(Telemetry(provider))
}

// === impl Telemetry ===

impl Telemetry {
    /// Sends what is left, within `limit`. Blocks.
    pub fn flush(self, limit: Duration) {
        if let Err(error) = self.0.shutdown_with_timeout(limit) {
            tracing::warn!(%error, "not all traces were sent");
        }
    }
}

fn provider(config: &TelemetryConfig) -> Result<SdkTracerProvider, StartError> {
    let resource = Resource::builder().with_service_name(config.service.clone()).build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(builder.build()) };
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT);
    let exporter = if endpoint.starts_with("https:") {
        exporter.with_tls_config(ClientTlsConfig::new().with_native_roots())
    } else {
        exporter
    };
    let exporter = exporter.build().map_err(|error| StartError::Telemetry(error.into()))?;
    Ok(builder.with_batch_exporter(exporter).build())
}

/// Our own spans alone: those of the exporter would trace themselves for ever.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target.starts_with("bellwether") && !target.starts_with(UNTRACED) && *metadata.level() <= Level::INFO
}

fn logs<S>(format: LogFormat) -> Result<Box<dyn Layer<S> + Send + Sync>, StartError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let text = match format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let directives = std::env::var("BELLWETHER_LOG").unwrap_or_else(|_| DEFAULT_FILTER.to_owned());
    let filter = EnvFilter::try_new(directives).map_err(|error| StartError::Telemetry(error.into()))?;
    let layer = fmt::layer().with_writer(io::stderr);
    Ok(if text {
        layer.with_ansi(io::stderr().is_terminal()).with_filter(filter).boxed()
    } else {
        layer.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
    })
}

/// A panic goes where everything else goes.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("(no text)");
        tracing::error!(location, panic = text, "panicked");
    }));
}
