//! Why something is as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why something is as it is; the domain's form of `common.v1.Reason`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// UPPER_SNAKE.
    pub code: String,
    /// One sentence for a person.
    pub text: String,
    /// Values behind it.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

// === impl Reason ===

impl Reason {
    /// A reason without values.
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into(), values: BTreeMap::new() }
    }

    /// Adds a value.
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.values.insert(key.to_owned(), value.to_string());
        self
    }
}
