//! The canonical form of a plan, and its digest.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// `sha256:<hex>` of a plan's canonical form. Approvals and rollouts are bound to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanDigest(String);

/// The canonical form: JSON without white space, the keys of every object sorted by their bytes, numbers as `serde_json`
/// writes them (the shortest form that reads back the same). Equal values have equal bytes, on every machine.
pub fn canonical<T: Serialize>(value: &T) -> Vec<u8> {
    // the types of this crate have string keys and no serialiser of their own that could fail
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    let mut out = Vec::new();
    write(&value, &mut out);
    out
}

/// `sha256:<hex>` of these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_bytes());
            join(out, b"{}", entries, |out, (key, value)| {
                scalar(&Value::from(key.as_str()), out);
                out.push(b':');
                write(value, out);
            });
        }
        Value::Array(items) => join(out, b"[]", items.iter().collect(), |out, item| write(item, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value, out),
    }
}

fn join<T>(out: &mut Vec<u8>, brackets: &[u8; 2], items: Vec<T>, each: impl Fn(&mut Vec<u8>, T)) {
    out.push(brackets[0]);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(out, item);
    }
    out.push(brackets[1]);
}

fn scalar(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
}

// === impl PlanDigest ===

impl PlanDigest {
    /// The digest of `value`'s canonical form.
    pub fn of<T: Serialize>(value: &T) -> Self {
        Self(sha256(&canonical(value)))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PlanDigest {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_nothing_is_padded() {
        let value = json!({"b": [1, 2.5, null], "a": {"z": "ä\"", "y": true}});
        assert_eq!(
            String::from_utf8(canonical(&value)).unwrap(),
            r#"{"a":{"y":true,"z":"ä\""},"b":[1,2.5,null]}"#
        );
    }

    #[test]
    fn equal_values_have_equal_digests_whatever_their_order() {
        assert_eq!(PlanDigest::of(&json!({"a": 1, "b": 2})), PlanDigest::of(&json!({"b": 2, "a": 1})));
        assert_ne!(PlanDigest::of(&json!({"a": 1})), PlanDigest::of(&json!({"a": 2})));
    }
}
