//! Texts with values in them: `/orders/${order}`.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_resource::{Violations, name::is_id};

/// A text with the names of values in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(String),
}

/// Begins the name of a secret.
pub const SECRET: &str = "secret:";

/// Values by their names.
pub type Values = BTreeMap<String, String>;

/// Values that every journey has.
pub const BUILT_IN: [&str; 3] = ["application", "environment", "run"];

// === impl Template ===

impl Template {
    /// With an unknown name, or a `${` without end, noted as a violation of `field`.
    pub fn read(violations: &mut Violations, field: &str, given: &str, known: &BTreeSet<String>) -> Self {
        let template = Self::parse(given);
        for part in &template.0 {
            if let Part::Value(name) = part
                && !known.contains(name)
            {
                let names: Vec<_> = known.iter().map(|name| format!("${{{name}}}")).collect();
                let allowed =
                    format!("what an earlier step extracts, of {}; $${{ for the text ${{", names.join(", "));
                violations.add(field, format!("${{{name}}}"), allowed);
            }
        }
        template
    }

    /// As [`Template::read`], where the names of secrets may stand as well.
    pub fn read_with_secrets(
        violations: &mut Violations,
        field: &str,
        given: &str,
        known: &BTreeSet<String>,
    ) -> Self {
        let template = Self::parse(given);
        let named = template.secrets().filter(|name| is_id(name.trim_start_matches(SECRET)));
        let known = known.iter().cloned().chain(named.map(str::to_owned)).collect();
        Self::read(violations, field, given, &known)
    }

    /// The names of secrets in it, as they stand there.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(name) if name.starts_with(SECRET) => Some(name.as_str()),
            Part::Value(_) | Part::Text(_) => None,
        })
    }

    /// The text with the values in place of their names; a value that is not there is empty.
    pub fn fill(&self, values: &Values) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(name) => values.get(name).cloned().unwrap_or_default(),
        };
        self.0.iter().map(text).collect()
    }

    /// The text before the first value.
    pub fn head(&self) -> &str {
        match self.0.first() {
            Some(Part::Text(text)) => text,
            Some(Part::Value(_)) | None => "",
        }
    }

    /// A `${` without end runs to the end of the text, as a name that nobody knows.
    fn parse(given: &str) -> Self {
        let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), given);
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                text.push_str(before);
                text.push_str("${");
                rest = after;
                continue;
            }
            text.push_str(before);
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            let name;
            (name, rest) = match after.split_once('}') {
                Some((name, after)) => (name.to_owned(), after),
                None => (format!("${{{after}"), ""),
            };
            parts.push(Part::Value(name));
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Self(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeSet<String> {
        ["order", "run"].map(str::to_owned).into()
    }

    #[test]
    fn values_stand_where_their_names_stood() {
        let mut violations = Violations::new();
        let template = Template::read(&mut violations, "path", "/a/${order}/b?x=${run}$${y}$", &known());
        assert!(violations.is_empty());
        let values = Values::from([("order".into(), "17".into()), ("run".into(), "r".into())]);
        assert_eq!(template.fill(&values), "/a/17/b?x=r${y}$");
        assert_eq!(template.head(), "/a/");
        let plain = Template::read(&mut violations, "path", "", &known());
        assert!(plain.fill(&values).is_empty() && violations.is_empty());
    }

    #[test]
    fn secrets_stand_only_where_they_may() {
        let mut violations = Violations::new();
        let template =
            Template::read_with_secrets(&mut violations, "body", "x ${secret:token} ${run}", &known());
        assert!(violations.is_empty());
        assert_eq!(template.secrets().collect::<Vec<_>>(), ["secret:token"]);
        Template::read(&mut violations, "path", "/${secret:token}", &known());
        assert!(!violations.is_empty());
        let mut violations = Violations::new();
        Template::read_with_secrets(&mut violations, "body", "${secret:To ken}", &known());
        assert!(!violations.is_empty());
    }

    #[test]
    fn unknown_names_are_violations() {
        for wrong in ["${token}", "a${}", "${order", "${run}${x}"] {
            let mut violations = Violations::new();
            Template::read(&mut violations, "body", wrong, &known());
            assert!(!violations.is_empty(), "{wrong}");
        }
    }
}
