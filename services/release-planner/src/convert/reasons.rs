//! Why something is as it is.

use std::collections::HashMap;

use bellwether_proto::common::v1 as pb;

/// A reason without values.
pub(super) fn reason(code: &str, text: &str) -> Option<pb::Reason> {
    Some(pb::Reason { code: code.to_owned(), text: text.to_owned(), values: HashMap::new() })
}
