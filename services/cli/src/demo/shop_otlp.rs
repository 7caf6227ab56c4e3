//! What the shop exports over OpenTelemetry, as an application with its SDK does.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, MeterProvider as _},
};
use opentelemetry_otlp::{MetricExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
};

const INTERVAL: Duration = Duration::from_secs(1);
/// The name of the counter of orders.
pub(super) const ORDERS: &str = "shop.orders";
/// Upper edges in seconds, 19 % wide where the shop's answers are.
const EDGES: usize = 53;

/// The exporter, at work until it is dropped.
#[derive(Clone)]
pub(super) struct Exported {
    duration: Histogram<f64>,
    orders: Counter<u64>,
    _provider: SdkMeterProvider,
}

/// Who exports.
pub(super) struct Exporter<'a> {
    pub(super) endpoint: &'a str,
    pub(super) target: &'a str,
    pub(super) fleet: &'a str,
    pub(super) instance: &'a str,
    pub(super) version: &'a str,
}

// === impl Exporter ===

impl Exporter<'_> {
    /// Begins to export every second.
    ///
    /// # Errors
    /// The endpoint is no address.
    pub(super) fn start(&self) -> anyhow::Result<Exported> {
        let exporter = MetricExporter::builder().with_tonic().with_endpoint(self.endpoint).build()?;
        let reader = PeriodicReader::builder(exporter).with_interval(INTERVAL).build();
        let attributes = [
            ("bellwether.target", self.target),
            ("bellwether.fleet", self.fleet),
            ("service.instance.id", self.instance),
            ("service.version", self.version),
        ];
        let attributes = attributes.map(|(name, value)| KeyValue::new(name, value.to_owned()));
        let resource = Resource::builder().with_service_name("shop").with_attributes(attributes).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).with_resource(resource).build();
        let edges = (0..EDGES).map(|index| 0.001 * (index as f64 / 4.0).exp2()).collect();
        let meter = provider.meter("shop");
        let duration =
            meter.f64_histogram("http.server.request.duration").with_unit("s").with_boundaries(edges).build();
        let orders = meter.u64_counter(ORDERS).build();
        // there before the first order, so that none is missed
        orders.add(0, &[]);
        Ok(Exported { duration, orders, _provider: provider })
    }
}

// === impl Exported ===

impl Exported {
    /// An order was taken.
    pub(super) fn order(&self) {
        self.orders.add(1, &[]);
    }

    /// A request was answered.
    pub(super) fn count(&self, method: &str, path: &'static str, status: u16, took: Duration) {
        let attributes = [
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("http.route", path),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ];
        self.duration.record(took.as_secs_f64(), &attributes);
    }
}
