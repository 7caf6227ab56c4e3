//! A YAML document as a tree that knows where each value stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::Problem;

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What stands there.
    pub value: Value,
}

/// What may stand in a document.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing (`~`, or an empty value).
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    List(Vec<Node>),
    /// Fields in the order of the file; the key knows its place.
    Map(Vec<(Key, Node)>),
}

/// A field's name and its place.
#[derive(Debug, Clone)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
}

/// All documents of a text; empty ones are left out.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, Problem> {
    let parsed: Vec<Node> = serde_saphyr::from_multiple(text).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |l| place(&l));
        Problem { line, column, path: String::new(), text: complaint(&error.to_string()) }
    })?;
    Ok(parsed.into_iter().filter(|node| !matches!(node.value, Value::Null)).collect())
}

/// The parser's sentence without what stands around it: the place comes first anyway, and its options are none of the user's.
fn complaint(text: &str) -> String {
    let sentence = text.lines().next().unwrap_or_default();
    let sentence = match sentence.strip_prefix("error: line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, sentence)) => sentence,
        None => sentence,
    };
    sentence.split(", set DuplicateKeyPolicy").next().unwrap_or(sentence).to_owned()
}

// === impl Node ===

impl Node {
    /// The text, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Takes a field out of a map.
    pub(super) fn take(&mut self, name: &str) -> Option<Self> {
        let Value::Map(fields) = &mut self.value else { return None };
        let index = fields.iter().position(|(key, _)| key.name == name)?;
        Some(fields.remove(index).1)
    }

    /// The value at a path such as `environments.production.strategy.weights_percent[1]`, or the innermost one around it that
    /// stands in the document.
    pub fn nearest(&self, path: &str) -> &Self {
        let mut found = self;
        for part in path.split(['.', '[']) {
            let below = match (&found.value, part.strip_suffix(']').map(str::parse::<usize>)) {
                (Value::List(items), Some(Ok(index))) => items.get(index),
                (Value::Map(fields), None) => {
                    fields.iter().find(|(key, _)| same_field(&key.name, part)).map(|(_, value)| value)
                }
                _ => None,
            };
            match below {
                Some(below) => found = below,
                None => break,
            }
        }
        found
    }

    /// A complaint about this value.
    pub(super) fn problem(&self, path: &str, text: impl Into<String>) -> Problem {
        Problem { line: self.line, column: self.column, path: path.to_owned(), text: text.into() }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let (line, column) = place(&spanned.referenced);
        Ok(Self { line, column, value: spanned.value })
    }
}

/// `weightsPercent` is written `weights_percent` as well.
fn same_field(written: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    written == name || plain(written) == plain(name)
}

fn place(location: &Location) -> (u64, u64) {
    (location.line(), location.column())
}

// === impl Value ===

impl Value {
    /// What it is, for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(b) => format!("{b}"),
            Self::Int(i) => format!("{i}"),
            Self::Float(f) => format!("{f}"),
            Self::Str(s) => format!("{s:?}"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Int(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Int(v.into()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Str(v.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, Node>()? {
            let (line, column) = place(&key.referenced);
            fields.push((Key { name: key.value, line, column }, value));
        }
        Ok(Value::Map(fields))
    }
}
