//! One condition on a label.

use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use super::Labels;

/// `label OP value`.
#[derive(Clone, Debug)]
pub struct Matcher {
    label: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(String),
    NotEqual(String),
    Matches(Regex),
    MatchesNot(Regex),
}

/// A text is no matcher.
#[derive(Debug, thiserror::Error)]
pub enum MatcherError {
    /// It is not `label OP value`.
    #[error("expected label OP value with OP one of = != =~ !~")]
    Form,
    /// The label's name is none.
    #[error("a label is [a-zA-Z_][a-zA-Z0-9_.-]*, at most 63 characters")]
    Label,
    /// A quote is not closed, or something follows it.
    #[error("the quoted value does not end with the text")]
    Quote,
    /// The value is too long.
    #[error("a value has at most {MAX_VALUE} characters")]
    Long,
    /// The regular expression is none.
    #[error("not a regular expression: {0}")]
    Pattern(String),
}

const MAX_VALUE: usize = 1024;
/// Bounds the compiled form; one of 1,024 characters with counted repetitions can ask for a lot.
const MAX_COMPILED: usize = 256 * 1024;

// === impl Matcher ===

impl Matcher {
    /// Whether it holds; a label that is missing is empty.
    pub fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        match &self.test {
            Test::Equal(wanted) => value == wanted,
            Test::NotEqual(unwanted) => value != unwanted,
            Test::Matches(pattern) => pattern.is_match(value),
            Test::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

impl FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.find(['=', '!']).ok_or(MatcherError::Form)?;
        let (label, rest) = text.split_at(at);
        let label = label.trim();
        if !is_label(label) {
            return Err(MatcherError::Label);
        }
        let test = parse_test(rest)?;
        Ok(Self { label: label.to_owned(), test })
    }
}

fn parse_test(text: &str) -> Result<Test, MatcherError> {
    if let Some(value) = text.strip_prefix("=~") {
        Ok(Test::Matches(pattern(&unquote(value)?)?))
    } else if let Some(value) = text.strip_prefix("!~") {
        Ok(Test::MatchesNot(pattern(&unquote(value)?)?))
    } else if let Some(value) = text.strip_prefix("!=") {
        Ok(Test::NotEqual(unquote(value)?))
    } else if let Some(value) = text.strip_prefix('=') {
        Ok(Test::Equal(unquote(value)?))
    } else {
        Err(MatcherError::Form)
    }
}

fn is_label(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    starts && rest && text.len() <= 63
}

/// The value, out of its quotes when it has some; `\"` and `\\` stand for `"` and `\` there, as in Alertmanager.
fn unquote(text: &str) -> Result<String, MatcherError> {
    let text = text.trim();
    let value = match text.strip_prefix('"') {
        None => text.to_owned(),
        Some(quoted) => unescape(quoted)?,
    };
    if value.chars().count() > MAX_VALUE { Err(MatcherError::Long) } else { Ok(value) }
}

fn unescape(quoted: &str) -> Result<String, MatcherError> {
    let (mut value, mut chars) = (String::new(), quoted.chars());
    loop {
        match chars.next() {
            None => return Err(MatcherError::Quote),
            Some('"') if chars.as_str().is_empty() => return Ok(value),
            Some('"') => return Err(MatcherError::Quote),
            Some('\\') => match chars.next() {
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                Some(other) => value.extend(['\\', other]),
                None => return Err(MatcherError::Quote),
            },
            Some(other) => value.push(other),
        }
    }
}

fn pattern(text: &str) -> Result<Regex, MatcherError> {
    // the group keeps an alternation inside the anchors
    RegexBuilder::new(&format!("^(?:{text})$"))
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| MatcherError::Pattern(error.to_string().replace('\n', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(matcher: &str, value: &str) -> bool {
        let labels = Labels::from([("severity".to_owned(), value.to_owned())]);
        matcher.parse::<Matcher>().unwrap().holds(&labels)
    }

    #[test]
    fn the_four_operators() {
        assert!(holds("severity=critical", "critical"));
        assert!(holds(r#"severity = "critical""#, "critical"));
        assert!(!holds("severity=critical", "warning"));
        assert!(holds("severity!=critical", "warning"));
        assert!(holds("severity=~warning|critical", "critical"));
        assert!(holds("severity!~warning|critical", "info"));
    }

    #[test]
    fn patterns_are_anchored_at_both_ends_of_each_alternative() {
        assert!(!holds("severity=~crit", "critical"));
        assert!(!holds("severity=~a|b", "ab"));
        assert!(!holds("severity=~a|b", "xb"));
    }

    #[test]
    fn a_missing_label_is_empty() {
        assert!(holds(r#"team = """#, "x"));
        assert!(holds("team !~ .+", "x"));
        assert!(!holds("team =~ .+", "x"));
    }

    #[test]
    fn quotes_hold_quotes_and_keep_the_escapes_of_patterns() {
        assert!(holds(r#"severity="a \"b\" \\c""#, r#"a "b" \c"#));
        assert!(holds(r#"severity=~"\d+""#, "42"));
        assert!(matches!(r#"a="b"#.parse::<Matcher>(), Err(MatcherError::Quote)));
        assert!(matches!(r#"a="b" c"#.parse::<Matcher>(), Err(MatcherError::Quote)));
    }

    #[test]
    fn what_is_no_matcher_is_refused() {
        assert!(matches!("severity".parse::<Matcher>(), Err(MatcherError::Form)));
        assert!(matches!("severity!critical".parse::<Matcher>(), Err(MatcherError::Form)));
        assert!(matches!("=x".parse::<Matcher>(), Err(MatcherError::Label)));
        assert!(matches!("a=~(".parse::<Matcher>(), Err(MatcherError::Pattern(_))));
        assert!(matches!("a=~(x{999}){999}".parse::<Matcher>(), Err(MatcherError::Pattern(_))));
        assert!(matches!(format!("a={}", "x".repeat(1025)).parse::<Matcher>(), Err(MatcherError::Long)));
    }
}
