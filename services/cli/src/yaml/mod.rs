//! User YAML, checked against the contract before anything is sent.
//!
//! A file is parsed with positions; every unknown field, wrong type and unknown value is reported at once, with file, line,
//! path and what is allowed. Enums may be written short (`e-commerce` for `APPLICATION_TYPE_E_COMMERCE`), durations as
//! people write them (`90s`, `10m`, `1h30m`).

mod check;
mod node;
mod scalar;

use std::fmt;

use bellwether_client::{ApiError, FieldViolation};
use prost_reflect::{DescriptorPool, MessageDescriptor};

pub use node::Node;

/// Something that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0 where none is known.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// Where in the document: `environments.production.instances`.
    pub path: String,
    /// What is wrong, and what is allowed.
    pub text: String,
}

/// One YAML document and what it is.
#[derive(Debug)]
pub struct Document {
    /// The value of its `kind` field; `Application` where it has none.
    pub kind: String,
    /// The document without `kind`.
    pub root: Node,
}

/// All problems of a file.
#[derive(Debug, thiserror::Error)]
pub struct Problems {
    /// The file's name, for the message.
    pub file: String,
    /// What is wrong, in the file's order.
    pub problems: Vec<Problem>,
}

// === impl Problems ===

impl Problems {
    /// What the server found wrong in a document of a file: each field where it stands. `None`: it names no field.
    pub fn of_server(file: &str, root: &Node, error: &ApiError) -> Option<Self> {
        let problem = |field: &FieldViolation| {
            // the request has the document in a field of its own
            let path = field.path.split_once('.').map_or("", |(_, path)| path);
            root.nearest(path).problem(path, field.description.as_str())
        };
        let problems: Vec<_> = error.fields.iter().map(problem).collect();
        (!problems.is_empty()).then(|| Self { file: file.to_owned(), problems })
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not valid; nothing was applied", self.file)?;
        for problem in &self.problems {
            write!(f, "\n  {}:{}:{}", self.file, problem.line, problem.column)?;
            if !problem.path.is_empty() {
                write!(f, " {}", problem.path)?;
            }
            write!(f, ": {}", problem.text)?;
        }
        Ok(())
    }
}

/// Splits a file into its documents.
///
/// # Errors
/// The parser's complaint with its position.
pub fn documents(file: &str, text: &str) -> Result<Vec<Document>, Problems> {
    let roots =
        node::parse(text).map_err(|problem| Problems { file: file.to_owned(), problems: vec![problem] })?;
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for mut root in roots {
        match root.take("kind") {
            None => documents.push(Document { kind: "Application".to_owned(), root }),
            Some(kind) => match kind.as_str() {
                Some(name) => documents.push(Document { kind: name.to_owned(), root }),
                None => problems.push(kind.problem("kind", "must be a string")),
            },
        }
    }
    if problems.is_empty() { Ok(documents) } else { Err(Problems { file: file.to_owned(), problems }) }
}

/// Checks a document against a message and returns its canonical JSON form.
///
/// # Errors
/// Every problem of the document.
pub fn to_json(file: &str, root: &Node, message: &MessageDescriptor) -> Result<serde_json::Value, Problems> {
    let mut problems = Vec::new();
    let json = check::message(root, message, "", &mut problems);
    if problems.is_empty() { Ok(json) } else { Err(Problems { file: file.to_owned(), problems }) }
}

/// The descriptors of all contracts.
///
/// # Errors
/// When the descriptor set that was compiled in is damaged.
pub fn contracts() -> anyhow::Result<DescriptorPool> {
    Ok(DescriptorPool::decode(bellwether_proto::DESCRIPTORS)?)
}

#[cfg(test)]
mod tests;
