//! Plain selectors of PromQL: a name, label matchers, nothing else. What is read is raw samples, so a function or a range of
//! the user's own has no place.

use std::{iter::Peekable, str::CharIndices};

/// Fills in the analysis' own names.
pub fn filled(selector: &str, target: &str) -> String {
    let id = target.strip_prefix("targets/").unwrap_or(target);
    let (application, environment) = id.split_once('@').unwrap_or((id, ""));
    selector
        .replace("${application}", application)
        .replace("${environment}", environment)
        .replace("${target}", target)
}

/// Whether a text is a plain selector.
pub fn is_plain(text: &str) -> bool {
    let mut rest = text.trim().char_indices().peekable();
    let named = word(&mut rest);
    let braced = rest.peek().is_some_and(|(_, c)| *c == '{');
    let matched = !braced || matchers(&mut rest).is_some();
    (named || braced) && matched && rest.next().is_none()
}

/// The name of the metric, where it is not in the matchers.
pub fn name(selector: &str) -> &str {
    let end = selector.find('{').unwrap_or(selector.len());
    selector.get(..end).unwrap_or_default().trim()
}

type Text<'t> = Peekable<CharIndices<'t>>;

/// A name; whether there was one.
fn word(text: &mut Text<'_>) -> bool {
    let mut any = false;
    while text
        .next_if(|(_, c)| c.is_ascii_alphabetic() || matches!(c, '_' | ':') || (any && c.is_ascii_digit()))
        .is_some()
    {
        any = true;
    }
    any
}

fn matchers(text: &mut Text<'_>) -> Option<()> {
    text.next_if(|(_, c)| *c == '{')?;
    loop {
        space(text);
        if text.next_if(|(_, c)| *c == '}').is_some() {
            return Some(());
        }
        if !word(text) {
            return None;
        }
        space(text);
        operator(text)?;
        space(text);
        quoted(text)?;
        space(text);
        if text.next_if(|(_, c)| *c == ',').is_none() {
            return text.next_if(|(_, c)| *c == '}').map(|_| ());
        }
    }
}

fn space(text: &mut Text<'_>) {
    while text.next_if(|(_, c)| c.is_whitespace()).is_some() {}
}

/// `=`, `!=`, `=~`, `!~`.
fn operator(text: &mut Text<'_>) -> Option<()> {
    match text.next()?.1 {
        '=' => {
            text.next_if(|(_, c)| *c == '~');
            Some(())
        }
        '!' => text.next_if(|(_, c)| matches!(c, '=' | '~')).map(|_| ()),
        _ => None,
    }
}

fn quoted(text: &mut Text<'_>) -> Option<()> {
    let (_, quote) = text.next_if(|(_, c)| matches!(c, '"' | '\'' | '`'))?;
    loop {
        match text.next()?.1 {
            '\\' if quote != '`' => {
                text.next()?;
            }
            c if c == quote => return Some(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_matchers_are_plain() {
        for text in [
            "up",
            "http_requests_total{}",
            "a:b_2{job=\"shop\", code!~\"2..\",}",
            "{__name__=\"x\"}",
            "x{path=\"/{id}/\\\"a\\\"\"}",
            "x{path=~`/[^}]+`}",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "",
            "rate(x[5m])",
            "x[5m]",
            "x offset 5m",
            "x{",
            "x{job}",
            "x{job=shop}",
            "x{job=\"shop\"",
            "x + y",
            "x{a=\"b\" c=\"d\"}",
            "2x",
            "x{a==\"b\"}",
            "x} or {y",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn the_analysis_own_names_are_filled_in() {
        let given = "x{app=\"${application}\",env=\"${environment}\",t=\"${target}\"}";
        assert_eq!(
            filled(given, "targets/shop@live"),
            "x{app=\"shop\",env=\"live\",t=\"targets/shop@live\"}"
        );
        assert_eq!(name("x{a=\"b\"}"), "x");
    }
}
