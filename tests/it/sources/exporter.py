"""Exports the durations of 100 requests a second, of which every Nth fails, until it is ended: ENDPOINT VERSION N (0: none)."""
import itertools
import random
import sys
import time

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

endpoint, version, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
resource = Resource.create({
    "service.name": "shop",
    "deployment.environment.name": "test",
    "service.version": version,
    "service.instance.id": f"python-{version}",
})
exporter = OTLPMetricExporter(endpoint=endpoint, insecure=True)
reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1000)
meter = MeterProvider(resource=resource, metric_readers=[reader]).get_meter("shop")
duration = meter.create_histogram("http.server.request.duration", unit="s")
for request in itertools.count(1):
    status = 500 if nth and request % nth == 0 else 200
    duration.record(random.lognormvariate(-4.0, 0.3), {"http.request.method": "GET", "http.response.status_code": status})
    time.sleep(0.01)
