//! Why something is as it is.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// A machine-readable code, a text for people, the measured values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// UPPER_SNAKE, documented, stable.
    pub code: String,
    /// One sentence.
    pub text: String,
    /// Measured values, limits, names.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

// === impl Reason ===

impl Reason {
    /// A reason without values. An empty text says that none was given.
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        let text = Some(text.into()).filter(|it: &String| !it.is_empty());
        let text = text.unwrap_or_else(|| "no reason was given".into());
        Self { code: code.into(), text, values: BTreeMap::new() }
    }

    /// With one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.values.insert(name.into(), value.to_string());
        self
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}
