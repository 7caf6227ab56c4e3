//! Every violation of a request at once: path, what was given, what is allowed.

use std::{
    collections::HashMap,
    fmt::{Debug, Display},
    ops::RangeInclusive,
    time::Duration,
};

use bellwether_clock::Timestamp;

use crate::{
    error::{INVALID_FIELDS, Problem},
    name::{self, Kind},
    time,
};

/// Collects violations while a request is read. Checks answer with what they found, so that reading goes on.
///
/// ```
/// use bellwether_resource::Violations;
///
/// let mut violations = Violations::new();
/// violations.within("health", |violations| {
///     violations.range("max_error_percent", 120.0, 0.0..=100.0);
/// });
/// let problem = violations.finish().unwrap_err();
/// assert!(problem.to_string().contains("health.max_error_percent"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Violations {
    path: Vec<String>,
    found: Vec<FieldViolation>,
}

/// One field that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Where: `steps[2].traffic_percent`.
    pub path: String,
    /// What was given, shortened.
    pub given: String,
    /// What is allowed.
    pub allowed: String,
}

/// Longest piece of foreign text that is repeated in an error, in characters.
const MOST_GIVEN: usize = 80;

const REQUEST_ID: usize = 128;

// === impl FieldViolation ===

impl FieldViolation {
    /// For the status' details.
    pub fn description(&self) -> String {
        format!("given {}; allowed: {}", self.given, self.allowed)
    }
}

// === impl Violations ===

impl Violations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them as one refusal, or nothing.
    ///
    /// # Errors
    /// `INVALID_FIELDS` when there are any.
    pub fn finish(self) -> Result<(), Problem> {
        let Some(first) = self.found.first() else { return Ok(()) };
        let more = match self.found.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let message = format!("{}: {}{more}", first.path, first.description());
        Err(INVALID_FIELDS.because(message).fields(self.found))
    }

    /// Reads what is inside of `field`.
    pub fn within<T>(&mut self, field: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(field.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    /// Reads one element of the repeated `field`.
    pub fn element<T>(&mut self, field: &str, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within(&format!("{field}[{index}]"), read)
    }

    /// Notes a violation. An empty `field` means the message that is being read.
    pub fn add(&mut self, field: &str, given: impl Display, allowed: impl Display) {
        let mut path = self.path.join(".");
        if !path.is_empty() && !field.is_empty() {
            path.push('.');
        }
        path.push_str(field);
        self.found.push(FieldViolation {
            path,
            given: shorten(&given.to_string()),
            allowed: allowed.to_string(),
        });
    }

    /// Notes a violation unless `holds`.
    pub fn check(&mut self, holds: bool, field: &str, given: impl Display, allowed: impl Display) -> bool {
        if !holds {
            self.add(field, given, allowed);
        }
        holds
    }

    /// A message that must be there.
    pub fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(field, "nothing", "required");
        }
        value
    }

    /// Text of `length` characters.
    pub fn text(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> bool {
        let count = value.chars().count();
        let allowed = || format!("{} to {} characters", length.start(), length.end());
        length.contains(&count) || {
            self.add(
                field,
                if value.is_empty() { "nothing".to_owned() } else { format!("{count} characters") },
                allowed(),
            );
            false
        }
    }

    /// A number within bounds. NaN is in none.
    pub fn range<T: PartialOrd + Display>(
        &mut self,
        field: &str,
        value: T,
        bounds: RangeInclusive<T>,
    ) -> bool {
        let within = bounds.contains(&value);
        if !within {
            self.add(field, value, format!("{} to {}", bounds.start(), bounds.end()));
        }
        within
    }

    /// A percentage, 0 to 100.
    pub fn percent(&mut self, field: &str, value: f64) -> bool {
        self.range(field, value, 0.0..=100.0)
    }

    /// An identifier that users choose: `[a-z][a-z0-9-]{0,62}`.
    pub fn id(&mut self, field: &str, value: &str) -> bool {
        self.check(name::is_id(value), field, quoted(value), "[a-z][a-z0-9-]{0,62}")
    }

    /// The name of a header or a cookie; empty for none.
    pub fn token(&mut self, field: &str, value: &str) -> bool {
        let holds = value.is_empty() || name::is_token(value);
        self.check(holds, field, quoted(value), "the name of a header or a cookie, at most 64 characters")
    }

    /// The name of a header that answers get: `x-` and more; empty for none. None that means something to HTTP begins so.
    pub fn own_header(&mut self, field: &str, value: &str) -> bool {
        let own = value.len() > 2 && value.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"));
        let holds = value.is_empty() || own && name::is_token(value);
        self.check(holds, field, quoted(value), "x- and more, at most 64 characters")
    }

    /// A resource name of this kind; its part after the collection.
    pub fn name<'v>(&mut self, field: &str, value: &'v str, kind: Kind) -> Option<&'v str> {
        let id = kind.parse(value);
        self.check(id.is_some(), field, quoted(value), kind.pattern());
        id
    }

    /// A client's request id: at most 128 characters; empty for none.
    pub fn request_id(&mut self, value: &str) -> bool {
        self.text("request_id", value, 0..=REQUEST_ID)
    }

    /// A team: at most 63 characters of `[a-z0-9-]`; empty for none.
    pub fn team(&mut self, field: &str, value: &str) -> bool {
        let holds = value.len() <= 63 && value.bytes().all(is_slug);
        self.check(holds, field, quoted(value), "at most 63 characters of [a-z0-9-]")
    }

    /// Labels: at most 64; keys `[a-z0-9./-]{1,63}`, values of at most 255 characters.
    pub fn labels(&mut self, field: &str, labels: &HashMap<String, String>) {
        self.check(labels.len() <= 64, field, labels.len(), "at most 64 labels");
        let mut sorted: Vec<_> = labels.iter().collect();
        sorted.sort_unstable();
        for (key, value) in sorted {
            let is_key = (1..=63).contains(&key.len())
                && key.bytes().all(|byte| is_slug(byte) || b"./".contains(&byte));
            self.check(is_key, field, quoted(key), "keys of [a-z0-9./-]{1,63}");
            let path = format!("{field}.{key}");
            self.text(&path, value, 0..=255);
        }
    }

    /// A value of a proto enum that this build knows; 0 is the documented default.
    pub fn enumeration<E: TryFrom<i32>>(&mut self, field: &str, value: i32) -> Option<E> {
        let known = E::try_from(value).ok();
        if known.is_none() {
            self.add(field, value, "a value of the enumeration");
        }
        known
    }

    /// A duration within bounds, when there is one.
    pub fn duration(
        &mut self,
        field: &str,
        value: Option<&bellwether_proto::Duration>,
        bounds: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let value = value?;
        let span = time::span(value).filter(|span| bounds.contains(span));
        if span.is_none() {
            let given = format!("{} s and {} ns", value.seconds, value.nanos);
            self.add(field, given, format!("{:?} to {:?}", bounds.start(), bounds.end()));
        }
        span
    }

    /// A point in time, when there is one.
    pub fn timestamp(
        &mut self,
        field: &str,
        value: Option<&bellwether_proto::Timestamp>,
    ) -> Option<Timestamp> {
        let value = value?;
        let found = time::timestamp(value);
        if found.is_none() {
            self.add(
                field,
                format!("{} s and {} ns", value.seconds, value.nanos),
                "a time from year 1 to 9999",
            );
        }
        found
    }
}

fn is_slug(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Foreign text as it may be repeated: quoted, escaped.
pub(crate) fn quoted(text: &str) -> impl Display {
    struct Quoted<T>(T);
    impl<T: Debug> Display for Quoted<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.fmt(f)
        }
    }
    Quoted(text.to_owned())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MOST_GIVEN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;
    use tonic_types::StatusExt as _;

    use super::*;

    #[test]
    fn reports_every_violation_with_its_path() {
        let mut violations = Violations::new();
        violations.id("id", "Shop!");
        violations.within("strategy", |violations| {
            for (index, percent) in [10.0, f64::NAN, -1.0].into_iter().enumerate() {
                violations
                    .element("steps", index, |violations| violations.percent("traffic_percent", percent));
            }
        });
        violations.text("reason", "", 1..=10);
        let status = Status::from(violations.finish().unwrap_err());
        let details = status.get_error_details();
        let found = &details.bad_request().unwrap().field_violations;
        let paths: Vec<_> = found.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            paths,
            ["id", "strategy.steps[1].traffic_percent", "strategy.steps[2].traffic_percent", "reason"]
        );
        assert_eq!(found[0].description, r#"given "Shop!"; allowed: [a-z][a-z0-9-]{0,62}"#);
        assert_eq!(found[3].description, "given nothing; allowed: 1 to 10 characters");
        assert!(status.message().ends_with("and 3 more"), "{}", status.message());
    }

    #[test]
    fn is_content_with_what_is_right() {
        let mut violations = Violations::new();
        assert!(violations.id("id", "shop-2"));
        assert_eq!(violations.name("name", "targets/shop@production", name::TARGET), Some("shop@production"));
        assert!(violations.request_id(&"x".repeat(128)));
        assert!(violations.team("team", ""));
        violations.labels("labels", &HashMap::from([("app.io/tier-1".to_owned(), "Core".to_owned())]));
        assert!(violations.is_empty() && violations.finish().is_ok());
    }

    #[test]
    fn foreign_text_is_cut_and_escaped() {
        let mut violations = Violations::new();
        violations.id("id", &format!("\n{}", "ä".repeat(500)));
        let message = violations.finish().unwrap_err().to_string();
        assert!(message.len() < 400 && message.contains("\\n") && message.contains('…'), "{message}");
    }

    #[test]
    fn times_out_of_range_are_found() {
        let mut violations = Violations::new();
        let negative = bellwether_proto::Duration { seconds: -1, nanos: 0 };
        assert_eq!(violations.duration("bake", Some(&negative), Duration::ZERO..=Duration::MAX), None);
        let long = bellwether_proto::Duration { seconds: 90, nanos: 0 };
        assert_eq!(violations.duration("bake", Some(&long), Duration::ZERO..=Duration::from_secs(60)), None);
        let far = bellwether_proto::Timestamp { seconds: i64::MAX, nanos: 0 };
        assert_eq!(violations.timestamp("at", Some(&far)), None);
        assert_eq!(violations.found.len(), 3);
    }
}
