//! Digests of what was asked for.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 over the parts, each framed by its length so that no two lists of parts collide.
pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256 of a value's JSON form with its keys sorted. The encoded protobuf would not do: the order of its maps
/// changes from process to process.
pub(crate) fn of_json(value: &impl Serialize) -> Result<[u8; 32], serde_json::Error> {
    let mut hash = Sha256::new();
    update(&mut hash, &serde_json::to_value(value)?);
    Ok(hash.finalize().into())
}

fn update(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            hash.update(format!("{{{}", sorted.len()));
            for (name, value) in sorted {
                update(hash, &Value::String(name.clone()));
                update(hash, value);
            }
        }
        Value::Array(values) => {
            hash.update(format!("[{}", values.len()));
            values.iter().for_each(|value| update(hash, value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = value.to_string();
            hash.update(format!("{}:{text}", text.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_have_no_order_and_values_do() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": [1, 2]}"#).unwrap();
        let same: Value = serde_json::from_str(r#"{"b": [1, 2], "a": 1}"#).unwrap();
        assert_eq!(of_json(&one).unwrap(), of_json(&same).unwrap());
        for other in
            [json!({"a": 1, "b": [2, 1]}), json!({"a": "1", "b": [1, 2]}), json!({"a": 1, "b": [[1, 2]]})]
        {
            assert_ne!(of_json(&one).unwrap(), of_json(&other).unwrap(), "{other}");
        }
    }

    #[test]
    fn parts_are_framed() {
        assert_ne!(of_parts([b"ab".as_slice(), b"c"]), of_parts([b"a".as_slice(), b"bc"]));
    }
}
