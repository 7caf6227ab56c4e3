//! What a server answers, read into series.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Series that one answer may have.
const MOST_SERIES: usize = 20_000;

/// One series with its raw samples, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Numbers by time in milliseconds since 1970.
    pub values: Vec<(i64, f64)>,
    /// Native histograms by time in milliseconds since 1970.
    pub histograms: Vec<(i64, Native)>,
}

/// A native histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Native {
    /// Lower edge, upper edge, count.
    pub buckets: Vec<(f64, f64, f64)>,
}

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is no answer of the API.
    #[error("the answer is not that of Prometheus' API: {0}")]
    Form(String),
    /// The server refuses the query.
    #[error("the query is refused: {kind}: {text}")]
    Query {
        /// Prometheus' kind of error.
        kind: String,
        /// Its words.
        text: String,
    },
    /// The query gives something else.
    #[error("the answer is a {0}, which is not what the query should give")]
    Type(String),
    /// Too many series.
    #[error("{0} series match, at most {MOST_SERIES} are read: narrow the selector")]
    TooMany(usize),
}

#[derive(Deserialize)]
struct Body {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(default)]
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct RawSeries {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
    #[serde(default)]
    histograms: Vec<(f64, RawNative)>,
}

#[derive(Deserialize)]
struct RawCurrent {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    value: (f64, String),
}

#[derive(Deserialize)]
struct RawNative {
    /// Rule of the edges, lower edge, upper edge, count.
    #[serde(default)]
    buckets: Vec<(u8, String, String, String)>,
}

/// One value now, with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Current {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// It.
    pub value: f64,
}

/// Reads an answer to a query of raw samples.
///
/// # Errors
/// [`AnswerError`].
pub fn read(body: &[u8]) -> Result<Vec<Series>, AnswerError> {
    let raw: Vec<RawSeries> = serde_json::from_value(result(body, "matrix")?).map_err(form)?;
    Ok(raw.into_iter().map(series).collect())
}

/// Reads an answer to a query of values now. What is no number is left out.
///
/// # Errors
/// [`AnswerError`].
pub fn read_current(body: &[u8]) -> Result<Vec<Current>, AnswerError> {
    let raw: Vec<RawCurrent> = serde_json::from_value(result(body, "vector")?).map_err(form)?;
    let current = |raw: RawCurrent| {
        let value = raw.value.1.parse().ok().filter(|value: &f64| value.is_finite())?;
        Some(Current { labels: raw.metric, value })
    };
    Ok(raw.into_iter().filter_map(current).collect())
}

fn form(error: serde_json::Error) -> AnswerError {
    AnswerError::Form(error.to_string())
}

/// The result of an answer that must be of this type.
fn result(body: &[u8], wanted: &str) -> Result<serde_json::Value, AnswerError> {
    let body: Body = serde_json::from_slice(body).map_err(form)?;
    if body.status != "success" {
        return Err(AnswerError::Query { kind: body.error_type, text: shortened(&body.error) });
    }
    let data = body.data.ok_or_else(|| AnswerError::Form("there is no data".to_owned()))?;
    if data.kind != wanted {
        return Err(AnswerError::Type(shortened(&data.kind)));
    }
    let count = data.result.as_array().map_or(0, Vec::len);
    if count > MOST_SERIES {
        return Err(AnswerError::TooMany(count));
    }
    Ok(data.result)
}

fn series(raw: RawSeries) -> Series {
    let mut values: Vec<_> =
        raw.values.iter().filter_map(|(at, value)| Some((millis(*at)?, counter(value)?))).collect();
    let mut histograms: Vec<_> =
        raw.histograms.into_iter().filter_map(|(at, native)| Some((millis(at)?, native.read()?))).collect();
    values.sort_by_key(|(at, _)| *at);
    values.dedup_by_key(|(at, _)| *at);
    histograms.sort_by_key(|(at, _)| *at);
    histograms.dedup_by_key(|(at, _)| *at);
    Series { labels: raw.metric, values, histograms }
}

// === impl RawNative ===

impl RawNative {
    fn read(self) -> Option<Native> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| !number.is_nan());
        let bucket = |(_, lower, upper, count): (u8, String, String, String)| {
            Some((number(&lower)?, number(&upper)?, counter(&count)?))
        };
        Some(Native { buckets: self.buckets.into_iter().map(bucket).collect::<Option<_>>()? })
    }
}

/// A counter's value. NaN, infinite and negative ones are none, and skipped.
fn counter(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite() && (0.0..=MOST_COUNTED).contains(value))
}

/// So that no sum of counters overflows.
const MOST_COUNTED: f64 = 9_007_199_254_740_992.0;

fn millis(seconds: f64) -> Option<i64> {
    // beyond the year 9999 it is no time
    (0.0..2.5e11).contains(&seconds).then_some((seconds * 1_000.0).round() as i64)
}

/// Foreign text for people: the first of it.
pub fn shortened(text: &str) -> String {
    let clean: String = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() < text.len() { format!("{clean}…") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(result: &str) -> Result<Vec<Series>, AnswerError> {
        read(
            format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}}}"#)
                .as_bytes(),
        )
    }

    #[test]
    fn samples_are_in_order_and_once() {
        let found = matrix(
            r#"[{"metric":{"a":"b"},"values":[[3,"7"],[1.5,"2"],[3,"7"],[2,"NaN"],[4,"-1"],[5,"+Inf"]]}]"#,
        );
        assert_eq!(found.unwrap()[0].values, [(1_500, 2.0), (3_000, 7.0)]);
    }

    #[test]
    fn native_histograms_have_edges_and_counts() {
        let found = matrix(
            r#"[{"metric":{},"histograms":[[1,{"count":"3","sum":"1","buckets":[[0,"0.5","1","2"],[3,"-0.001","0.001","1"]]}]]}]"#,
        );
        let native = &found.unwrap()[0].histograms[0];
        assert_eq!(*native, (1_000, Native { buckets: vec![(0.5, 1.0, 2.0), (-0.001, 0.001, 1.0)] }));
    }

    #[test]
    fn errors_say_what_the_server_says() {
        let body = br#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#;
        let error = read(body).unwrap_err();
        assert_eq!(error.to_string(), "the query is refused: bad_data: 1:3: parse error");
        let body = br#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(read(body), Err(AnswerError::Type("vector".into())));
        for body in [&b""[..], b"<html>", b"{}", b"[]", br#"{"status":"success"}"#] {
            assert!(matches!(read(body), Err(AnswerError::Form(_))), "{body:?}");
        }
        assert!(matches!(matrix(r#"[{"values":[["x"]]}]"#), Err(AnswerError::Form(_))));
    }

    #[test]
    fn too_many_series_are_refused() {
        let many = vec!["{}"; MOST_SERIES + 1].join(",");
        assert_eq!(matrix(&format!("[{many}]")), Err(AnswerError::TooMany(MOST_SERIES + 1)));
    }
}
