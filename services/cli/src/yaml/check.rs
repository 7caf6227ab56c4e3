//! A document against its message: finds every problem, and makes the canonical JSON on the way.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json};

use super::{
    Problem,
    node::{Key, Node, Value},
    scalar,
};

/// Checks a node that should be a message.
pub(super) fn message(
    node: &Node,
    message: &MessageDescriptor,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Json {
    match message.full_name() {
        "google.protobuf.Duration" => return scalar::duration(node, path, problems),
        "google.protobuf.Timestamp" => return scalar::timestamp(node, path, problems),
        _ => {}
    }
    let Value::Map(fields) = &node.value else {
        // `rolling:` alone stands for the message with its defaults
        if !matches!(node.value, Value::Null) {
            problems.push(node.problem(path, format!("must be a map, not {}", node.value.describe())));
        }
        return Json::Object(Map::new());
    };
    let mut object = Map::new();
    for (key, value) in fields {
        let below = join(path, &key.name);
        let Some(descriptor) = find(message, &key.name) else {
            problems.push(unknown(key, &below, message));
            continue;
        };
        if object.contains_key(descriptor.json_name()) {
            problems.push(at(key, &below, "stands here twice"));
            continue;
        }
        if let Some(other) = rival(&descriptor, &object) {
            problems.push(at(
                key,
                &below,
                format!("cannot stand beside {other}: only one of them may be set"),
            ));
            continue;
        }
        object.insert(descriptor.json_name().to_owned(), field(value, &descriptor, &below, problems));
    }
    Json::Object(object)
}

fn field(node: &Node, descriptor: &FieldDescriptor, path: &str, problems: &mut Vec<Problem>) -> Json {
    if descriptor.is_map() {
        return map(node, descriptor, path, problems);
    }
    if !descriptor.is_list() {
        return one(node, &descriptor.kind(), path, problems);
    }
    match &node.value {
        Value::List(items) => Json::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| one(item, &descriptor.kind(), &format!("{path}[{index}]"), problems))
                .collect(),
        ),
        Value::Null => Json::Array(Vec::new()),
        other => {
            problems.push(node.problem(path, format!("must be a list, not {}", other.describe())));
            Json::Array(Vec::new())
        }
    }
}

fn map(node: &Node, descriptor: &FieldDescriptor, path: &str, problems: &mut Vec<Problem>) -> Json {
    let Kind::Message(entry) = descriptor.kind() else { return Json::Null };
    let value_kind = entry.map_entry_value_field().kind();
    match &node.value {
        Value::Map(fields) => Json::Object(
            fields
                .iter()
                .map(|(key, value)| {
                    let below = join(path, &key.name);
                    (key.name.clone(), map_value(value, &value_kind, &below, problems))
                })
                .collect(),
        ),
        Value::Null => Json::Object(Map::new()),
        other => {
            problems.push(node.problem(path, format!("must be a map, not {}", other.describe())));
            Json::Object(Map::new())
        }
    }
}

/// In a map of strings (labels, environment variables) numbers and booleans are taken as they are written.
fn map_value(node: &Node, kind: &Kind, path: &str, problems: &mut Vec<Problem>) -> Json {
    match (&node.value, kind) {
        (Value::Int(_) | Value::Float(_) | Value::Bool(_), Kind::String) => {
            Json::String(node.value.describe())
        }
        _ => one(node, kind, path, problems),
    }
}

fn one(node: &Node, kind: &Kind, path: &str, problems: &mut Vec<Problem>) -> Json {
    match kind {
        Kind::Message(descriptor) => message(node, descriptor, path, problems),
        Kind::Enum(descriptor) => scalar::enumeration(node, descriptor, path, problems),
        Kind::String => scalar::string(node, path, problems),
        Kind::Bool => scalar::boolean(node, path, problems),
        Kind::Double | Kind::Float => scalar::number(node, path, problems),
        Kind::Bytes => scalar::string(node, path, problems),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            scalar::integer(node, i32::MIN.into(), i32::MAX.into(), path, problems)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            scalar::integer(node, i64::MIN.into(), i64::MAX.into(), path, problems)
        }
        Kind::Uint32 | Kind::Fixed32 => scalar::integer(node, 0, u32::MAX.into(), path, problems),
        Kind::Uint64 | Kind::Fixed64 => scalar::integer(node, 0, u64::MAX.into(), path, problems),
    }
}

fn find(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_name(name).or_else(|| message.get_field_by_json_name(name))
}

/// Another field of the same oneof that is set already.
fn rival(descriptor: &FieldDescriptor, object: &Map<String, Json>) -> Option<String> {
    let oneof = descriptor.containing_oneof().filter(|oneof| !oneof.is_synthetic())?;
    oneof
        .fields()
        .find(|other| other.number() != descriptor.number() && object.contains_key(other.json_name()))
        .map(|other| other.name().to_owned())
}

fn unknown(key: &Key, path: &str, message: &MessageDescriptor) -> Problem {
    let names: Vec<String> = message.fields().map(|f| f.name().to_owned()).collect();
    let text = match scalar::nearest(&key.name, &names) {
        Some(near) => format!("is not known; did you mean {near}?"),
        None => format!("is not known; allowed are {}", names.join(", ")),
    };
    at(key, path, text)
}

fn at(key: &Key, path: &str, text: impl Into<String>) -> Problem {
    Problem { line: key.line, column: key.column, path: path.to_owned(), text: text.into() }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
