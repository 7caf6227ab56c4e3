//! Whether an answer is as expected, and what is taken of it.

use std::time::Duration;

use bellwether_egress::Answer;
use http::HeaderName;
use regex::Regex;
use serde_json::Value;

use super::MOST_BODY;
use crate::probes::spec::{Expect, Extract, Values, Wanted, Where};

/// Bytes taken of a value.
const MOST_VALUE: usize = 8_192;
/// In the place of a secret that an answer repeats.
const HIDDEN: &str = "•••";
/// Characters shown of what was found.
const SHOWN: usize = 120;

/// An answer, read as far as it is looked at.
pub struct Read<'a> {
    answer: &'a Answer,
    text: std::borrow::Cow<'a, str>,
    json: Option<Result<Value, String>>,
    secrets: &'a Values,
}

// === impl Read ===

impl<'a> Read<'a> {
    /// As far as these need it. `secrets` are not shown.
    pub fn new(answer: &'a Answer, expect: &Expect, extract: &[Extract], secrets: &'a Values) -> Self {
        let wanted = !expect.json.is_empty() || extract.iter().any(|it| matches!(it.from, Where::Json(_)));
        let json = wanted.then(|| serde_json::from_slice(&answer.body).map_err(|error| error.to_string()));
        Self { answer, text: String::from_utf8_lossy(&answer.body), json, secrets }
    }

    /// Whether it is as expected.
    ///
    /// # Errors
    /// Expected and found.
    pub fn judge(&self, expect: &Expect, latency: Duration) -> Result<(), String> {
        self.status(expect)?;
        if self.answer.truncated && self.answer.body.len() >= MOST_BODY {
            return Err(format!("the body is larger than the {} KiB that are read", MOST_BODY / 1024));
        }
        if self.answer.truncated {
            return Err(format!("the answer breaks off after {} bytes", self.answer.body.len()));
        }
        for (name, wanted) in &expect.headers {
            self.wanted(&format!("header {name}"), self.header(name).as_deref(), wanted)?;
        }
        for text in &expect.contains {
            let found = || {
                format!(
                    "the body does not contain {}; it begins {}",
                    self.shown(text),
                    self.shown(&self.text)
                )
            };
            self.text.contains(text.as_str()).then_some(()).ok_or_else(found)?;
        }
        for regex in &expect.matches {
            let found = || {
                format!(
                    "the body does not match {}; it begins {}",
                    self.shown(regex.as_str()),
                    self.shown(&self.text)
                )
            };
            regex.is_match(&self.text).then_some(()).ok_or_else(found)?;
        }
        for (pointer, wanted) in &expect.json {
            let found = self.json(pointer)?.map(plain);
            self.wanted(&format!("JSON {}", whole(pointer)), found.as_deref(), wanted)?;
        }
        match expect.max_latency {
            Some(most) if latency > most => Err(format!("it took {latency:.1?}, expected at most {most:?}")),
            Some(_) | None => Ok(()),
        }
    }

    /// A value for later steps.
    ///
    /// # Errors
    /// It is not there.
    pub fn extract(&self, extract: &Extract) -> Result<String, String> {
        let missing = |what: String| format!("nothing to extract as {}: {what}", extract.name);
        let found = match &extract.from {
            Where::Header(name) => self.header(name).ok_or_else(|| missing(format!("no header {name}")))?,
            Where::Json(pointer) => {
                let found = self.json(pointer)?.map(plain);
                found.ok_or_else(|| missing(format!("no JSON {}", whole(pointer))))?
            }
            Where::Body => self.text.clone().into_owned(),
        };
        let found = match &extract.part {
            None => found,
            Some(regex) => {
                let no_match = || {
                    missing(format!("{} does not match {}", self.shown(regex.as_str()), self.shown(&found)))
                };
                part(regex, &found).ok_or_else(no_match)?
            }
        };
        if found.len() > MOST_VALUE {
            return Err(missing(format!("it has {} bytes, at most {MOST_VALUE} are taken", found.len())));
        }
        Ok(found)
    }

    fn status(&self, expect: &Expect) -> Result<(), String> {
        let status = self.answer.status;
        let listed = || expect.statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
        let (holds, expected) = match expect.statuses.is_empty() {
            true => (status.is_success(), "200 to 299".to_owned()),
            false => (expect.statuses.contains(&status.as_u16()), listed()),
        };
        if holds {
            return Ok(());
        }
        let to = match self.header(&http::header::LOCATION) {
            Some(to) if status.is_redirection() => {
                format!(" to {} (redirects are not followed)", self.shown(&to))
            }
            Some(_) | None => String::new(),
        };
        Err(format!("status {}{to}, expected {expected}", status.as_u16()))
    }

    /// Values of the same name in one, as a list.
    fn header(&self, name: &HeaderName) -> Option<String> {
        let values = self.answer.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    fn json(&self, pointer: &str) -> Result<Option<&Value>, String> {
        match &self.json {
            Some(Ok(value)) => Ok(value.pointer(pointer)),
            Some(Err(error)) => {
                Err(format!("the body is no JSON ({error}); it begins {}", self.shown(&self.text)))
            }
            None => Ok(None),
        }
    }

    fn wanted(&self, what: &str, found: Option<&str>, wanted: &Wanted) -> Result<(), String> {
        let Some(found) = found else {
            return Err(match &wanted.equals {
                Some(equals) => format!("{what} is missing, expected {}", self.shown(equals)),
                None => format!("{what} is missing"),
            });
        };
        if let Some(equals) = wanted.equals.as_deref().filter(|equals| *equals != found) {
            return Err(format!("{what} is {}, expected {}", self.shown(found), self.shown(equals)));
        }
        match wanted.matches.as_ref().filter(|regex| !regex.is_match(found)) {
            Some(regex) => Err(format!(
                "{what} is {}, which does not match {}",
                self.shown(found),
                self.shown(regex.as_str())
            )),
            None => Ok(()),
        }
    }

    /// The beginning of a text, without what nobody may see.
    fn shown(&self, text: &str) -> String {
        let secrets = self.secrets.values().filter(|secret| !secret.is_empty());
        let text = secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN));
        let mut cut: String = text.chars().take(SHOWN).collect();
        if cut.len() < text.len() {
            cut.push('…');
        }
        format!("{cut:?}")
    }
}

/// The characters of a string, the JSON of anything else.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The first group, without one the whole match.
fn part(regex: &Regex, text: &str) -> Option<String> {
    let found = regex.captures(text)?;
    Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
}

fn whole(pointer: &str) -> &str {
    if pointer.is_empty() { "document" } else { pointer }
}
