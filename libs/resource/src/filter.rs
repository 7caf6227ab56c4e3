//! Filters of lists and Watches.
//!
//! ```text
//! filter = term { "AND" term }
//! term   = field "=" value
//! field  = a declared name | "labels." key
//! value  = '"' text with \" and \\ '"' | a word of [A-Za-z0-9._/@:-]
//! ```
//! `application = "shop" AND labels.tier = core`. All terms must hold. An empty filter matches everything.

use std::{borrow::Cow, iter::Peekable, str::CharIndices};

use crate::violations::{Violations, quoted};

/// A field that may be filtered on: a name, or [`FilterField::LABELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterField(pub &'static str);

/// What a listed or watched resource must be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Field and value, sorted: the same filter however it was written.
    terms: Vec<(String, String)>,
}

const LONGEST: usize = 1024;
const ALLOWED: &str = "field = \"value\" AND field = \"value\"";

// === impl FilterField ===

impl FilterField {
    /// `labels.KEY` for any key.
    pub const LABELS: Self = Self("labels.");

    fn matches(self, field: &str) -> bool {
        if self == Self::LABELS {
            field.len() > self.0.len() && field.starts_with(self.0)
        } else {
            field == self.0
        }
    }
}

// === impl Filter ===

impl Filter {
    /// Reads the field `filter` of a request.
    pub fn read(violations: &mut Violations, text: &str, fields: &[FilterField]) -> Self {
        match Self::parse(text, fields) {
            Ok(filter) => filter,
            Err(allowed) => {
                violations.add("filter", quoted(text), allowed);
                Self::default()
            }
        }
    }

    /// Whether a resource with these values passes. `value` answers for each field that was declared.
    pub fn matches<'v>(&self, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> bool {
        self.terms.iter().all(|(field, wanted)| value(field).is_some_and(|found| found == *wanted))
    }

    /// The value that `field` must have, for narrowing a search.
    pub fn wanted(&self, field: &str) -> Option<&str> {
        self.terms.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// The same text for the same filter, however it was written.
    pub fn canonical(&self) -> String {
        let terms = self.terms.iter().map(|(field, value)| format!("{field} = {value:?}"));
        terms.collect::<Vec<_>>().join(" AND ")
    }

    fn parse(text: &str, fields: &[FilterField]) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("at most {LONGEST} bytes"));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut tokens = Tokens(text.char_indices().peekable());
        let mut terms = vec![];
        loop {
            let field = tokens.word().ok_or(ALLOWED)?;
            if !fields.iter().any(|known| known.matches(&field)) {
                return Err(format!("fields {}", list(fields)));
            }
            tokens.sign('=').ok_or(ALLOWED)?;
            terms.push((field, tokens.value().ok_or(ALLOWED)?));
            match tokens.word() {
                Some(and) if and == "AND" => {}
                Some(_) => return Err(ALLOWED.to_owned()),
                None if tokens.is_at_end() => break,
                None => return Err(ALLOWED.to_owned()),
            }
        }
        terms.sort_unstable();
        terms.dedup();
        Ok(Self { terms })
    }
}

fn list(fields: &[FilterField]) -> String {
    let show = |field: &FilterField| {
        if *field == FilterField::LABELS { "labels.KEY".to_owned() } else { field.0.to_owned() }
    };
    fields.iter().map(show).collect::<Vec<_>>().join(", ")
}

struct Tokens<'t>(Peekable<CharIndices<'t>>);

// === impl Tokens ===

impl Tokens<'_> {
    fn skip_space(&mut self) {
        while self.0.next_if(|(_, next)| next.is_whitespace()).is_some() {}
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.0.peek().is_none()
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.skip_space();
        self.0.next_if(|(_, next)| *next == sign).map(drop)
    }

    fn word(&mut self) -> Option<String> {
        self.skip_space();
        let is_part = |next: char| next.is_ascii_alphanumeric() || "._/@:-".contains(next);
        let mut word = String::new();
        while let Some((_, next)) = self.0.next_if(|(_, next)| is_part(*next)) {
            word.push(next);
        }
        (!word.is_empty()).then_some(word)
    }

    fn value(&mut self) -> Option<String> {
        if self.sign('"').is_none() {
            return self.word();
        }
        let mut value = String::new();
        loop {
            match self.0.next()?.1 {
                '"' => return Some(value),
                '\\' => value.push(self.0.next()?.1),
                other => value.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[FilterField] = &[FilterField("application"), FilterField("state"), FilterField::LABELS];

    fn filter(text: &str) -> Result<Filter, String> {
        Filter::parse(text, FIELDS)
    }

    fn shop(field: &str) -> Option<Cow<'static, str>> {
        match field {
            "application" => Some("shop".into()),
            "state" => Some("say \"hi\"".into()),
            "labels.tier" => Some("core".into()),
            _ => None,
        }
    }

    #[test]
    fn all_terms_must_hold() {
        for matching in [
            "",
            "  ",
            "application=shop",
            r#"application = "shop" AND labels.tier = core"#,
            r#"state = "say \"hi\"""#,
        ] {
            assert!(filter(matching).unwrap().matches(shop), "{matching}");
        }
        for other in ["application = cart", "application = shop AND labels.tier = edge", "labels.owner = x"] {
            assert!(!filter(other).unwrap().matches(shop), "{other}");
        }
    }

    #[test]
    fn one_filter_has_one_canonical_form() {
        let one = filter("state=a AND application = \"shop\"").unwrap();
        let same = filter("application=shop  AND state = \"a\" AND state=a").unwrap();
        assert_eq!(one.canonical(), same.canonical());
        assert_eq!(one.wanted("application"), Some("shop"));
        assert_ne!(one.canonical(), filter("application = shop").unwrap().canonical());
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(filter("colour = red").unwrap_err(), "fields application, state, labels.KEY");
        for wrong in [
            "application",
            "application =",
            "application = \"shop",
            "application = shop OR state = x",
            "application = shop state = x",
            "= shop",
            "application = shop AND",
            "labels. = x",
            "application != shop",
        ] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
        let mut violations = Violations::new();
        Filter::read(&mut violations, &"x".repeat(2000), FIELDS);
        assert!(!violations.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _either = filter(&text);
        }

        #[test]
        fn any_value_can_be_asked_for(value in "\\PC{0,30}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let read = filter(&format!("state = \"{quoted}\"")).unwrap();
            proptest::prop_assert_eq!(read.wanted("state"), Some(value.as_str()));
        }
    }
}
