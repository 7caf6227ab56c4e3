//! What the shop tells Prometheus: requests by method, path and status, and how long they took.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The type of the exposition.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4";
/// Upper edges in seconds: 19 % wide, from 1 ms to 8 s.
const EDGES: usize = 53;

/// Counters of one process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted(Arc<Mutex<Counters>>);

#[derive(Debug, Default)]
struct Counters {
    requests: BTreeMap<(String, &'static str, u16), u64>,
    buckets: Vec<u64>,
    beyond: u64,
    seconds: f64,
    orders: u64,
}

// === impl Counted ===

impl Counted {
    /// A request was answered. Paths of no page are one path, so that strangers make no series.
    pub(super) fn count(&self, method: &str, path: &'static str, status: u16, took: Duration) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.requests.entry((method.to_owned(), path, status)).or_default() += 1;
        let seconds = took.as_secs_f64();
        counters.seconds += seconds;
        counters.buckets.resize(EDGES, 0);
        match (0..EDGES)
            .find(|index| seconds <= edge(*index))
            .and_then(|index| counters.buckets.get_mut(index))
        {
            Some(bucket) => *bucket += 1,
            None => counters.beyond += 1,
        }
    }

    /// An order was taken.
    pub(super) fn order(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).orders += 1;
    }

    /// The exposition, with labels that say which fleet and version it is of.
    pub(super) fn expose(&self, fleet: &str, version: &str) -> String {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = format!("bellwether_fleet=\"{}\",version=\"{}\"", escaped(fleet), escaped(version));
        let mut text = String::from("# TYPE http_requests_total counter\n");
        for ((method, path, code), count) in &counters.requests {
            let method = escaped(method);
            let labels = format!("{own},method=\"{method}\",path=\"{path}\",code=\"{code}\"");
            _ = writeln!(text, "http_requests_total{{{labels}}} {count}");
        }
        text.push_str("# TYPE shop_orders_total counter\n");
        _ = writeln!(text, "shop_orders_total{{{own}}} {}", counters.orders);
        text.push_str("# TYPE http_request_duration_seconds histogram\n");
        let mut sum = 0;
        for (index, count) in counters.buckets.iter().enumerate() {
            sum += count;
            _ = writeln!(
                text,
                "http_request_duration_seconds_bucket{{{own},le=\"{:.6}\"}} {sum}",
                edge(index)
            );
        }
        let all = sum + counters.beyond;
        _ = writeln!(text, "http_request_duration_seconds_bucket{{{own},le=\"+Inf\"}} {all}");
        _ = writeln!(text, "http_request_duration_seconds_sum{{{own}}} {}", counters.seconds);
        _ = writeln!(text, "http_request_duration_seconds_count{{{own}}} {all}");
        text
    }
}

fn edge(index: usize) -> f64 {
    0.001 * (index as f64 / 4.0).exp2()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exposition_is_cumulative_and_labelled() {
        let counted = Counted::default();
        counted.count("GET", "/", 200, Duration::from_millis(2));
        counted.count("GET", "/", 200, Duration::from_secs(100));
        counted.count("POST", "/checkout", 500, Duration::from_micros(500));
        counted.order();
        let text = counted.expose("f\"1", "2");
        let own = r#"bellwether_fleet="f\"1",version="2""#;
        for line in [
            format!(r#"http_requests_total{{{own},method="GET",path="/",code="200"}} 2"#),
            format!(r#"http_requests_total{{{own},method="POST",path="/checkout",code="500"}} 1"#),
            format!(r#"shop_orders_total{{{own}}} 1"#),
            format!(r#"http_request_duration_seconds_bucket{{{own},le="0.001000"}} 1"#),
            format!(r#"http_request_duration_seconds_bucket{{{own},le="0.002000"}} 2"#),
            format!(r#"http_request_duration_seconds_bucket{{{own},le="+Inf"}} 3"#),
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
        }
    }
}
