//! The order of lists.

use crate::violations::{Violations, quoted};

/// By which field a list is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBy {
    /// One of the declared fields.
    pub field: &'static str,
    /// The greatest first.
    pub descending: bool,
}

// === impl OrderBy ===

impl OrderBy {
    /// Reads the field `order_by` of a request: `FIELD`, `FIELD asc` or `FIELD desc`; empty for the default.
    pub fn read(violations: &mut Violations, text: &str, fields: &[&'static str], default: Self) -> Self {
        if text.trim().is_empty() {
            return default;
        }
        Self::parse(text, fields).unwrap_or_else(|| {
            violations.add(
                "order_by",
                quoted(text),
                format!("one of {} with asc or desc", fields.join(", ")),
            );
            default
        })
    }

    fn parse(text: &str, fields: &[&'static str]) -> Option<Self> {
        let mut words = text.split_whitespace();
        let name = words.next()?;
        let field = fields.iter().find(|field| **field == name)?;
        let descending = match (words.next(), words.next()) {
            (None | Some("asc"), None) => false,
            (Some("desc"), None) => true,
            _ => return None,
        };
        Some(Self { field, descending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_declared_field_with_its_direction() {
        let fields = ["name", "create_time"];
        let read = |text| OrderBy::parse(text, &fields).map(|order| (order.field, order.descending));
        assert_eq!(read("name"), Some(("name", false)));
        assert_eq!(read(" create_time  desc "), Some(("create_time", true)));
        assert_eq!(read("name asc"), Some(("name", false)));
        for wrong in ["size", "name down", "name desc x", "name, create_time"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
