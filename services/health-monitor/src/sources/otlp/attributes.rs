//! Attributes.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};

/// Longest value that is kept, in characters.
const MOST_TEXT: usize = 128;

/// Attributes of a resource or of a data point.
#[derive(Clone, Copy)]
pub struct Attributes<'a>(pub &'a [KeyValue]);

// === impl Attributes ===

impl<'a> Attributes<'a> {
    /// The text of the first of these names that is there; numbers as text, long ones cut.
    pub fn text(self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| self.one(name)).filter(|text| !text.is_empty())
    }

    fn one(self, name: &str) -> Option<Cow<'a, str>> {
        let found = self.0.iter().find(|attribute| attribute.key == name)?;
        match found.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some(cut(text)),
            Value::IntValue(number) => Some(number.to_string().into()),
            Value::DoubleValue(number) => Some(number.to_string().into()),
            Value::BoolValue(flag) => Some(flag.to_string().into()),
            _ => None,
        }
    }

    /// Names the series of a metric that has these attributes, in whatever order.
    pub fn series(self, metric: &str) -> u64 {
        let mut pairs: Vec<(&str, String)> =
            self.0.iter().map(|it| (it.key.as_str(), format!("{:?}", it.value))).collect();
        pairs.sort_unstable();
        let mut hasher = DefaultHasher::new();
        metric.hash(&mut hasher);
        pairs.hash(&mut hasher);
        hasher.finish()
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MOST_TEXT) {
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
        None => text.into(),
    }
}
