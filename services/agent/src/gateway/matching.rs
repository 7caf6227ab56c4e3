//! Conditions on requests and answers, compiled.

use http::{HeaderMap, HeaderName, HeaderValue, Method, request::Parts};

use super::table::{HeaderMatch, Journey, ValueMatch};

/// A condition on one header.
#[derive(Debug)]
pub struct HeaderTest {
    name: HeaderName,
    value: ValueMatch,
}

/// Which requests belong to a journey.
#[derive(Debug)]
pub struct JourneyTest {
    methods: Box<[Method]>,
    path: PathTest,
    headers: Box<[HeaderTest]>,
}

#[derive(Debug)]
enum PathTest {
    Any,
    Exact(String),
    Prefix(String),
}

// === impl HeaderTest ===

impl HeaderTest {
    /// Compiles a condition.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn new(condition: &HeaderMatch) -> Result<Self, String> {
        let name = condition.name.parse().map_err(|_| format!("{:?} is no header name", condition.name))?;
        Ok(Self { name, value: condition.value.clone() })
    }

    /// Compiles several.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn all(conditions: &[HeaderMatch]) -> Result<Box<[Self]>, String> {
        conditions.iter().map(Self::new).collect()
    }

    /// Whether any value of the header fulfils it.
    pub fn holds(&self, headers: &HeaderMap) -> bool {
        headers.get_all(&self.name).iter().any(|value| self.value_holds(value))
    }

    fn value_holds(&self, value: &HeaderValue) -> bool {
        match &self.value {
            ValueMatch::Present => true,
            ValueMatch::Exact(exact) => value.as_bytes() == exact.as_bytes(),
            ValueMatch::Prefix(prefix) => value.as_bytes().starts_with(prefix.as_bytes()),
        }
    }
}

// === impl JourneyTest ===

impl JourneyTest {
    /// Compiles a journey.
    ///
    /// # Errors
    /// A header name or a method that is none.
    pub fn new(journey: &Journey) -> Result<Self, String> {
        let method = |name: &String| name.parse().map_err(|_| format!("{name:?} is no method"));
        let path = match journey.path.strip_suffix('*') {
            Some(prefix) => PathTest::Prefix(prefix.to_owned()),
            None if journey.path.is_empty() => PathTest::Any,
            None => PathTest::Exact(journey.path.clone()),
        };
        let methods = journey.methods.iter().map(method).collect::<Result<_, _>>()?;
        Ok(Self { methods, path, headers: HeaderTest::all(&journey.headers)? })
    }

    /// Whether a request belongs to it.
    pub fn holds(&self, request: &Parts) -> bool {
        (self.methods.is_empty() || self.methods.contains(&request.method))
            && self.path.holds(request.uri.path())
            && self.headers.iter().all(|test| test.holds(&request.headers))
    }
}

impl PathTest {
    fn holds(&self, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path.starts_with(prefix.as_str()),
        }
    }
}
